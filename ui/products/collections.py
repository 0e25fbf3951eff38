"""A collection on screen: a sheet and its pictures in, every row's state before anything is saved, drafts out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine.catalogue.product import Product
from engine.core.errors import LongtailError
from engine.edits.collections.picture_reading import PictureFile, PictureReading, ReadingProgress
from engine.edits.collections.template import column_meanings, template, template_csv
from engine.untrusted.sheets import read_sheet
from engine.untrusted.uploads import store_upload
from ui.app.resources import recommender, shop_words, workspace
from ui.products.collection_preview import draw_preview
from ui.products.draft_resources import children
from ui.widgets.background_work import begin, finished
from ui.widgets.formatting import duration_phrase, plain, plural

__all__ = ["draw_collection"]

MOST_MB = 200
SHEET_SECONDS = 45.0
EXAMPLES = 2
AT_ONCE_SECONDS, POLL_SECONDS = 0.3, 0.3
_READING, _SHEET = "collection_reading", "collection_sheet_read"
SHEET_KEY, PICTURES_KEY = "collection_sheet", "collection_pictures"


def draw_collection() -> None:
    """Template, upload, preview, and what can be saved."""
    st.write(
        "Fill in the sheet, name the pictures in it, and drop everything here. No product is saved before you say so."
    )
    _templates()
    sheet_file = st.file_uploader(
        "Sheet", type=["csv", "xlsx", "parquet"], key=_key(SHEET_KEY), max_upload_size=64,
    )  # fmt: skip
    picture_files = st.file_uploader(
        "Pictures, or zips of them", type=["jpg", "jpeg", "png", "webp", "zip"], accept_multiple_files=True,
        key=_key(PICTURES_KEY), max_upload_size=MOST_MB,
    )  # fmt: skip
    reading = _reading(picture_files)
    sheet = _sheet(sheet_file)
    with _watched(reading):
        pictures, skipped = reading.pictures, reading.skipped
        if skipped:
            with st.expander(f"{plural(len(skipped), 'file')} not used", icon=":material/info:", expanded=not pictures):
                st.dataframe(pd.DataFrame(skipped, columns=["File", "Why"]), hide_index=True, width="stretch")
        if sheet is not None:
            stamp = sheet_file.file_id, reading.key
            draw_preview(sheet, pictures, _examples(), stamp=stamp, start_over=_start_over)
        elif pictures and sheet_file is None:
            st.info(
                f"{plural(len(pictures), 'picture')} ready. Now the sheet that says what they show.",
                icon=":material/table:",
            )


def _templates() -> None:
    kinds = shop_words().attribute_kinds
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Template (Excel)", lambda: template(kinds, _examples()),
            file_name="new-products.xlsx", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Template (CSV)", lambda: template_csv(kinds, _examples()),
            file_name="new-products.csv", mime="text/csv", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
    with st.expander("Which columns matter", icon=":material/help:"):
        st.write(
            "A row needs a **title** or a **picture**; with both its neighbours are best, and every further fact helps. "
            "Columns may stand in any order, and those that are not listed here are left out. "
            "Where there is no **pictures** column, a picture that is called like the id belongs to the row."
        )
        st.write("\n".join(f"- **{plain(name)}**: {plain(what)}" for name, what in column_meanings(kinds).items()))


def _examples() -> list[Product]:
    """Products of the shop, to show in the template what to write."""
    facade = recommender()
    return [facade.product(row) for row in range(min(EXAMPLES, len(facade.items)))]


def _sheet(file: Any) -> pd.DataFrame | None:
    """The sheet, read once and not with every run; what is wrong with it is said."""
    work = f"{_SHEET}_{file.file_id}" if file is not None else ""
    for other in [key for key in st.session_state if str(key).startswith(f"{_SHEET}_") and key != work]:
        del st.session_state[other]  # a sheet that was taken away while it was read
    if file is None:
        st.session_state.pop(_SHEET, None)
        return None
    key, read = st.session_state.get(_SHEET, (None, None))
    if key != file.file_id:
        begin(work, "Reading the sheet", lambda _count: read_sheet(file.getvalue(), file.name, seconds=SHEET_SECONDS))
        ended = finished(work)
        assert ended is not None
        try:
            read = ended.result()
        except LongtailError as exc:
            read = exc
        st.session_state[_SHEET] = file.file_id, read
    if isinstance(read, LongtailError):
        st.error(plain(read), icon=":material/error:")
        return None
    return read


def _reading(files: Sequence[Any]) -> PictureReading:
    """What reads the pictures, on a thread of its own: other widgets may be touched meanwhile."""
    if _READING not in st.session_state:
        space, decoders = workspace(), children()
        st.session_state[_READING] = PictureReading(
            lambda data, name: store_upload(space, data, name=name, children=decoders)
        )
    reading: PictureReading = st.session_state[_READING]
    reading.want([PictureFile(file.file_id, file.name, file.getvalue) for file in files])
    return reading


def _watched(reading: PictureReading) -> DeltaGenerator:
    """Stay until the pictures are read, and say how far it is; where to draw what follows from them."""
    place = st.empty()
    if reading.wait(AT_ONCE_SECONDS):
        return st.container()
    rest = st.empty()  # what was drawn there is no longer so
    with place.container():
        bar = st.progress(*_told(reading.progress))
        st.button("Cancel", icon=":material/close:", key="collection_cancel", on_click=_forget_pictures)
        while not reading.wait(POLL_SECONDS):
            bar.progress(*_told(reading.progress))
    place.empty()
    return rest.container()


def _told(progress: ReadingProgress) -> tuple[float, str]:
    if progress.total is None:
        return 0.0, "Looking into the zips…"
    left = progress.seconds_left
    said = f", about {duration_phrase(left)} left" if left is not None else ""
    share = progress.done / max(progress.total, 1)
    return min(share, 1.0), f"{progress.done:,} of {plural(progress.total, 'picture')} read{said}"


def _forget_pictures() -> None:
    """Callback: stop reading, and have an uploader without files."""
    if reading := st.session_state.pop(_READING, None):
        reading.stop()
    _renew(PICTURES_KEY)


def _start_over() -> None:
    """Callback: another collection."""
    _forget_pictures()
    _renew(SHEET_KEY)


def _key(name: str) -> str:
    """An uploader keeps its files in the browser; only one with another key is empty."""
    times = st.session_state.get(f"{name}_renewed", 0)
    return f"{name}_{times}" if times else name


def _renew(name: str) -> None:
    st.session_state[f"{name}_renewed"] = st.session_state.get(f"{name}_renewed", 0) + 1
