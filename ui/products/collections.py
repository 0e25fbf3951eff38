"""A collection on screen: upload a sheet and its pictures, check every row, save them as drafts."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile

from engine.catalogue.images import CUT_OFF
from engine.catalogue.picture_formats import UPLOAD_ENDINGS
from engine.core.errors import LongtailError
from engine.edits.collections.check import template_examples
from engine.edits.collections.picture_reading import PictureFile, PictureReading, ReadingProgress
from engine.edits.collections.template import column_meanings, template, template_csv
from engine.untrusted.sheets import read_sheet
from engine.untrusted.uploads import store_upload
from ui.app.resources import recommender, shop_words, workspace
from ui.products.collection_preview import draw_preview
from ui.products.draft_resources import children
from ui.widgets.background_work import BackgroundWork
from ui.widgets.formatting import duration_phrase, plain, plural, visible_cells

__all__ = ["draw_collection"]

MOST_MB = 200
SHEET_SECONDS = 45.0
AT_ONCE_SECONDS, POLL_SECONDS = 0.3, 0.3
_READING, _SHEET = "collection_reading", "collection_sheet_read"
SHEET_KEY, PICTURES_KEY = "collection_sheet", "collection_pictures"


def draw_collection() -> None:
    """Template, upload, preview, and what can be saved."""
    st.write("Fill in the sheet, name the pictures in it, and drop everything here. Nothing is saved until you say so.")
    _templates()
    sheet_file = st.file_uploader(
        "Sheet", type=["csv", "xlsx", "parquet"], key=_key(SHEET_KEY), max_upload_size=64,
    )  # fmt: skip
    picture_files = st.file_uploader(
        "Pictures, or zip files of pictures", type=[*UPLOAD_ENDINGS, "zip"], accept_multiple_files=True,
        key=_key(PICTURES_KEY), max_upload_size=MOST_MB,
    )  # fmt: skip
    reading = _reading(picture_files)
    sheet = _sheet(sheet_file)
    with _watched(reading):
        pictures, skipped = reading.pictures, reading.skipped
        if skipped:
            with st.expander(f"{plural(len(skipped), 'file')} not used", icon=":material/info:", expanded=not pictures):
                table = pd.DataFrame(skipped, columns=["File", "Why"])
                st.dataframe(visible_cells(table), hide_index=True, width="stretch")
        for name in reading.cut:
            st.warning(f"{plain(name)}: {CUT_OFF}", icon=":material/broken_image:")
        if sheet_file is not None and sheet is not None:
            stamp = sheet_file.file_id, reading.key
            draw_preview(sheet, pictures, stamp=stamp, start_over=_start_over)
        elif pictures and sheet_file is None:
            st.info(
                f"{plural(len(pictures), 'picture')} ready. Now add the sheet that describes them.",
                icon=":material/table:",
            )


def _templates() -> None:
    kinds = shop_words().attribute_kinds
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Template (Excel)", lambda: template(kinds, template_examples(recommender())),
            file_name="new-products.xlsx", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Template (CSV)", lambda: template_csv(kinds, template_examples(recommender())),
            file_name="new-products.csv", mime="text/csv", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
    with st.expander("Which columns matter", icon=":material/help:"):
        st.write(
            "A row needs a **title** or a **picture**. Both together find the best neighbours, and every further detail helps. "
            "Columns may be in any order, and those that are not listed here are ignored. "
            "Without a **pictures** column, a picture named after the ID belongs to that row."
        )
        st.write("\n".join(f"- **{plain(name)}**: {plain(what)}" for name, what in column_meanings(kinds).items()))


def _sheet(file: UploadedFile | None) -> pd.DataFrame | None:
    """The sheet, read once and not on every rerun; an error in it is shown."""
    work = f"{_SHEET}_{file.file_id}" if file is not None else ""
    for other in [key for key in st.session_state if str(key).startswith(f"{_SHEET}_") and key != work]:
        del st.session_state[other]  # a sheet that was removed while it was being read
    if file is None:
        st.session_state.pop(_SHEET, None)
        return None
    key, read = st.session_state.get(_SHEET, (None, None))
    if key != file.file_id:
        reading: BackgroundWork[pd.DataFrame] = BackgroundWork(work)
        reading.begin("Reading the sheet", lambda _count: read_sheet(file.getvalue(), file.name, seconds=SHEET_SECONDS))
        ended = reading.finished()
        assert ended is not None
        try:
            read = ended.result()
        except LongtailError as exc:
            read = exc
        st.session_state[_SHEET] = file.file_id, read
    if isinstance(read, LongtailError):
        st.error(plain(read), icon=":material/error:")
        return None
    table: pd.DataFrame = read
    return table


def _reading(files: Sequence[UploadedFile]) -> PictureReading:
    """The session's reading of the pictures, in a thread: other widgets can be used meanwhile."""
    if _READING not in st.session_state:
        space, decoders = workspace(), children()
        st.session_state[_READING] = PictureReading(
            lambda data, name: store_upload(space, data, name=name, children=decoders)
        )
    reading: PictureReading = st.session_state[_READING]
    reading.want([PictureFile(file.file_id, file.name, file.getvalue) for file in files])
    return reading


def _watched(reading: PictureReading) -> DeltaGenerator:
    """Show the progress until the pictures are read; returns the container for what depends on them."""
    progress = st.empty()
    if reading.wait(AT_ONCE_SECONDS):
        return st.container()
    rest = st.empty()  # clears what an earlier run drew there
    with progress.container():
        bar = st.progress(*_progress(reading.progress))
        st.button("Cancel", icon=":material/close:", key="collection_cancel", on_click=_forget_pictures)
        while not reading.wait(POLL_SECONDS):
            bar.progress(*_progress(reading.progress))
    progress.empty()
    return rest.container()


def _progress(progress: ReadingProgress) -> tuple[float, str]:
    if progress.total is None:
        return 0.0, "Opening the zip files…"
    left = progress.seconds_left
    remaining = f", about {duration_phrase(left)} left" if left is not None else ""
    share = progress.done / max(progress.total, 1)
    return min(share, 1.0), f"{progress.done:,} of {plural(progress.total, 'picture')} read{remaining}"


def _forget_pictures() -> None:
    """Callback: stop reading, and empty the uploader."""
    if reading := st.session_state.pop(_READING, None):
        reading.stop()
    _renew(PICTURES_KEY)


def _start_over() -> None:
    """Callback: start another collection."""
    _forget_pictures()
    _renew(SHEET_KEY)


def _key(name: str) -> str:
    """The key of an uploader; it changes with `_renew`, since the browser keeps the files of a key."""
    times = st.session_state.get(f"{name}_renewed", 0)
    return f"{name}_{times}" if times else name


def _renew(name: str) -> None:
    st.session_state[f"{name}_renewed"] = st.session_state.get(f"{name}_renewed", 0) + 1
