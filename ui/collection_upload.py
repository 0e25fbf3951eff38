"""A collection on screen: a sheet and its pictures in, every row's state before anything is stored, drafts out."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from engine.drafts.served import described
from engine.drafts.store import NewDraft
from engine.errors import ImageError, LongtailError
from engine.shop.collection.archives import read_archive
from engine.shop.collection.collection import CollectionRow, problems_table, read_collection, template
from engine.shop.collection.sheets import read_sheet
from engine.shop.uploads import store_upload
from ui.curator import curator_name
from ui.draft_resources import children, drafts
from ui.notices import say
from ui.resources import recommender, shop_words, workspace
from ui.words import plural

__all__ = ["draw_collection"]

MOST_MB = 200
EXAMPLES = 2
_DONE = "collection_pictures"


def draw_collection() -> None:
    """Template, upload, preview, and what can be taken."""
    kinds = shop_words().attribute_kinds
    st.write(
        "Fill in the sheet, name the pictures in it, and drop everything here. Nothing is stored before you say so."
    )
    with st.container(horizontal=True):
        st.download_button(
            "Template (Excel)", lambda: template(kinds, [_example(row) for row in range(EXAMPLES)]),
            file_name="new-products.xlsx", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
    sheet_file = st.file_uploader("Sheet", type=["csv", "xlsx", "parquet"], key="collection_sheet", max_upload_size=64)
    picture_files = st.file_uploader(
        "Pictures, or zips of them", type=["jpg", "jpeg", "png", "webp", "zip"], accept_multiple_files=True,
        key="collection_pictures_files", max_upload_size=MOST_MB,
    )  # fmt: skip
    if sheet_file is None:
        return
    try:
        sheet = _sheet(sheet_file.getvalue(), sheet_file.name)
        pictures, skipped = _stored_pictures(picture_files)
        facade = recommender()
        taken = {draft.id for draft in drafts().all(("draft", "approved", "taken_in"))}
        rows = read_collection(sheet, set(pictures), lambda one: one in facade or one in taken, kinds)
        rows = [_not_an_example(row) for row in rows]
    except LongtailError as exc:
        st.error(str(exc), icon=":material/error:")
        return
    if skipped:
        with st.expander(f"{plural(len(skipped), 'file')} not used", icon=":material/info:"):
            st.dataframe(pd.DataFrame(skipped, columns=["File", "Why"]), hide_index=True, width="stretch")
    _preview(sheet, rows, pictures)


def _example(row: int) -> dict[str, Any]:
    """A product of the shop as a row of the sheet."""
    facade = recommender()
    item = described(facade, row)
    return {**item.pop("attributes"), **{name: value for name, value in item.items() if name != "image"}}


def _not_an_example(row: CollectionRow) -> CollectionRow:
    """The rows that the template came with are products of the shop, left in by mistake."""
    examples = (_example(number) for number in range(EXAMPLES))
    said = (row.item.get("title"), row.item.get("description"))
    if row.product_id or said not in [(one.get("title"), one.get("description")) for one in examples]:
        return row
    problem = "title", "this is the example that the template came with. Delete the row."
    return replace(row, problems=(*row.problems, problem))


@st.cache_data(show_spinner="Reading the sheet…", max_entries=4)
def _sheet(data: bytes, name: str) -> pd.DataFrame:
    return read_sheet(data, name, seconds=30.0)


def _stored_pictures(files: list[Any]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Name -> content hash of every picture that can be used, and what cannot be with why; told while it goes on."""
    key = tuple((file.file_id, file.size) for file in files)
    known = st.session_state.get(_DONE)
    if known is not None and known[0] == key:
        return known[1], known[2]
    stored: dict[str, str] = {}
    skipped: list[tuple[str, str]] = []
    if files:
        bar = st.progress(0.0, "Reading the pictures…")
        st.button("Cancel", key="collection_cancel", on_click=_forget_files)
        for number, (name, data) in enumerate(_pictures(files, skipped), start=1):
            try:
                stored[name] = store_upload(workspace(), data, name=name, children=children())
            except ImageError as exc:
                skipped.append((name, str(exc)))
            bar.progress(min(0.99, number / (number + 25)), f"{plural(number, 'picture')} read")
        bar.progress(1.0, f"{plural(len(stored), 'picture')} ready")
    st.session_state[_DONE] = key, stored, skipped
    return stored, skipped


def _forget_files() -> None:
    st.session_state.pop(_DONE, None)
    st.session_state.pop("collection_pictures_files", None)


def _pictures(files: list[Any], skipped: list[tuple[str, str]]) -> Iterator[tuple[str, bytes]]:
    for file in files:
        if file.name.lower().endswith(".zip"):
            yield from read_archive(
                io.BytesIO(file.getvalue()), name=file.name, on_skip=lambda name, why: skipped.append((name, why))
            )
        else:
            yield file.name, file.getvalue()


def _preview(sheet: pd.DataFrame, rows: list[CollectionRow], pictures: dict[str, str]) -> None:
    ready = [row for row in rows if row.ready]
    bad = [row for row in rows if not row.ready]
    table = pd.DataFrame(
        {
            "row": [row.number for row in rows],
            "state": ["Ready" if row.ready else "To mend" for row in rows],
            "title": [str(row.item.get("title") or "") for row in rows],
            "pictures": [len(row.pictures) for row in rows],
            "what": ["; ".join(f"{column}: {text}" for column, text in row.problems) for row in rows],
        }
    ).sort_values(["state", "row"], ascending=[False, True])
    st.write(f"**{plural(len(ready), 'row')} ready, {plural(len(bad), 'row')} to mend.**")
    st.dataframe(
        table, hide_index=True, width="stretch",
        column_config={"row": "Row", "state": "State", "title": "Title", "pictures": "Pictures", "what": "What to mend"},
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        approve = st.toggle("Show them in the shop at once", key="collection_approve")
        if st.button(f"Save {plural(len(ready), 'draft')}", type="primary", disabled=not ready, key="collection_save"):
            _save(ready, pictures, approve=approve)
        if bad:
            mend = problems_table(sheet, rows)
            st.download_button(
                "Rows to mend", mend.map(_safe).to_csv(index=False).encode("utf-8-sig"), file_name="to-mend.csv",
                mime="text/csv", icon=":material/download:", on_click="ignore",
            )  # fmt: skip


def _save(ready: list[CollectionRow], pictures: dict[str, str], *, approve: bool) -> None:
    facade = recommender()
    new = [NewDraft(row.item, [pictures[name] for name in row.pictures], row.product_id) for row in ready]
    try:
        made = drafts().save(new, curator_name(), facade.__contains__, approve=approve)
    except LongtailError as exc:
        st.error(f"Nothing was saved. {exc}", icon=":material/error:")
        return
    say(f"{plural(len(made), 'draft')} saved{' and in the shop' if approve else ''}", ":material/check:")
    st.rerun()


def _safe(value: object) -> object:
    """A spreadsheet shows it and does not run it."""
    return f"'{value}" if isinstance(value, str) and re.match(r"[=+\-@\t\r]", value) else value
