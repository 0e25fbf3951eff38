"""The rows of a collection before they are saved: which are ready, worth a look, to mend or saved already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from engine.core.errors import LongtailError
from engine.edits.collections.review import DraftContent, Existing, review_rows
from engine.edits.collections.rows import CollectionRow, RowState, problems_table, read_collection
from engine.edits.drafts.store import NewDraft
from ui.app.curator import curator_name
from ui.app.resources import recommender, shop_words
from ui.app.url import set_query
from ui.products.draft_resources import drafts, placer
from ui.widgets.addresses import thumb_url
from ui.widgets.background_work import Count, begin, finished
from ui.widgets.formatting import plain, plural

__all__ = ["draw_preview"]

MOST_SHOWN = 2_000
STATES: dict[RowState, str] = {"mend": "To mend", "look": "Worth a look", "ready": "Ready", "saved": "Saved"}
_ROWS, _SAVING = "collection_rows", "collection_saving"


def draw_preview(
    sheet: pd.DataFrame,
    pictures: Mapping[str, str],
    examples: Sequence[Mapping[str, Any]],
    *,
    stamp: tuple[object, ...],
    start_over: Callable[[], None],
) -> None:
    """Every row's state, what can be saved, and what is to be mended.

    Parameters
    ----------
    pictures : name -> content hash.
    examples : the rows that the template came with.
    stamp : changes when the sheet or the pictures do.
    start_over : callback that clears both.
    """
    _tell_saved()
    try:
        rows, table, mend = _standing(sheet, pictures, examples, stamp)
    except LongtailError as exc:
        st.error(plain(exc), icon=":material/error:")
        return
    counts = Counter(row.state for row in rows)
    ready = [row for row in rows if row.ready]
    _say(counts, len(ready))
    _actions(mend, ready, pictures, counts, start_over)
    st.dataframe(
        table.head(MOST_SHOWN), hide_index=True, width="stretch", row_height=52,
        column_config={
            "picture": st.column_config.ImageColumn("", width="small", help="The leading picture"),
            "row": st.column_config.NumberColumn("Row", width="small", help="Counted below the line of the columns"),
            "state": st.column_config.TextColumn("State", width="small"),
            "title": "Title",
            "pictures": st.column_config.NumberColumn("Pictures", width="small"),
            "what": st.column_config.TextColumn("What to mend or to look at", width="large"),
        },
    )  # fmt: skip
    if len(table) > MOST_SHOWN:
        st.caption(f"{MOST_SHOWN:,} of {len(table):,} rows are shown, those to mend first.")


def _standing(
    sheet: pd.DataFrame,
    pictures: Mapping[str, str],
    examples: Sequence[Mapping[str, Any]],
    stamp: tuple[object, ...],
) -> tuple[list[CollectionRow], pd.DataFrame, bytes]:
    """The rows, their table, and those to mend as a file; worked out anew only where something changed that they follow from."""
    facade = recommender()
    there = drafts().all(("draft", "approved", "taken_in"))
    whole = (*stamp, facade.release_id, frozenset((one.id, one.version) for one in there))
    known = st.session_state.get(_ROWS)
    if known is not None and known[0] == whole:
        return known[1], known[2], known[3]
    with st.spinner("Looking at the rows…", show_time=True):
        rows = read_collection(sheet, pictures.keys(), lambda _id: False, shop_words().attribute_kinds)
        beside = Existing(
            facade.__contains__,
            _product_pictures(facade.release_id),
            {one.id: DraftContent(one.item, one.pictures) for one in there},
        )
        rows = review_rows(_without_examples(rows, examples), pictures, beside)
        table = _table(rows, pictures)
        # Made with the rows: a file that is made when it is asked for does not come while the page still runs.
        mend = problems_table(sheet, rows).to_csv(index=False).encode("utf-8-sig")
    st.session_state[_ROWS] = whole, rows, table, mend
    return rows, table, mend


def _without_examples(rows: list[CollectionRow], examples: Sequence[Mapping[str, Any]]) -> list[CollectionRow]:
    """The rows that the template came with are products of the shop, left in by mistake."""
    texts = [(one.get("title"), one.get("description")) for one in examples]
    problem = "title", "this is the example that the template came with. Delete the row."
    return [
        replace(row, problems=(*row.problems, problem))
        if not row.product_id and (row.item.get("title"), row.item.get("description")) in texts
        else row
        for row in rows
    ]


def _table(rows: Sequence[CollectionRow], pictures: Mapping[str, str]) -> pd.DataFrame:
    order = {state: place for place, state in enumerate(STATES)}
    rows = sorted(rows, key=lambda row: (order[row.state], row.number))
    return pd.DataFrame(
        {
            "picture": [thumb_url(pictures[row.pictures[0]]) if row.pictures else "" for row in rows],
            "row": [row.number for row in rows],
            "state": [STATES[row.state] for row in rows],
            "title": [str(row.item.get("title") or "") for row in rows],
            "pictures": [len(row.pictures) for row in rows],
            "what": [_what(row) for row in rows],
        }
    )


def _what(row: CollectionRow) -> str:
    if row.saved is not None:
        return f"draft {row.saved}"
    return "; ".join(f"{column}: {text}" for column, text in (*row.problems, *row.doubts))


def _say(counts: Counter[RowState], ready: int) -> None:
    """How many rows stand where, in a sentence."""
    saved = counts["saved"]
    if saved and not ready and not counts["mend"]:
        said = f"All {plural(saved, 'row')} saved" if saved > 1 else "The row is saved"
    else:
        parts = [f"{plural(ready, 'row')} ready", f"{plural(counts['mend'], 'row')} to mend"]
        said = ", ".join([*parts, *([f"{saved:,} saved"] if saved else [])])
    st.write(f"**{said[0].upper()}{said[1:]}.**")
    if counts["look"]:
        st.caption(
            f"{plural(counts['look'], 'ready row')} {'is' if counts['look'] == 1 else 'are'} worth a look first: "
            "saved all the same, unless you take them out of the sheet."
        )


def _actions(
    mend: bytes,
    ready: Sequence[CollectionRow],
    pictures: Mapping[str, str],
    counts: Counter[RowState],
    start_over: Callable[[], None],
) -> None:
    save, approve = False, False
    with st.container(horizontal=True, vertical_alignment="center"):
        if ready:
            save = st.button(f"Save {plural(len(ready), 'draft')}", type="primary", key="collection_save")
            approve = st.toggle("Show them in the shop at once", key="collection_approve")
        if counts["mend"]:
            st.download_button(
                "Rows to mend", mend, file_name="to-mend.csv", mime="text/csv", icon=":material/download:", on_click="ignore",
            )  # fmt: skip
        if counts["saved"]:
            st.button(
                "See the drafts", icon=":material/arrow_forward:", key="collection_see", on_click=set_query,
                kwargs={"view": "drafts", "draft": None},
            )  # fmt: skip
            st.button("Another collection", icon=":material/restart_alt:", key="collection_over", on_click=start_over)
    if save:
        _save(ready, pictures, approve=approve)


def _save(ready: Sequence[CollectionRow], pictures: Mapping[str, str], *, approve: bool) -> None:
    """Begin to save, once, however often the button was pressed and whatever is touched meanwhile."""
    new = [NewDraft(row.item, [pictures[name] for name in row.pictures], row.product_id) for row in ready]
    store, by, known, place = drafts(), curator_name(), recommender().__contains__, placer()

    def work(count: Count) -> str:
        made = store.save(new, by, known, approve=approve)
        if approve:
            place(made, count)
        return f"{plural(len(made), 'draft')} saved{' and in the shop' if approve else ''}"

    said = f"Saving {plural(len(new), 'draft')}{' and finding their place' if approve else ''}"
    begin(_SAVING, said, work, total=len(new) if approve else 0)
    st.rerun()


def _tell_saved() -> None:
    """Wait for what is being saved, and say what became of it."""
    ended = finished(_SAVING)
    if ended is None:
        return
    try:
        st.toast(ended.result(), icon=":material/check:")
    except LongtailError as exc:
        st.error(f"Nothing was saved. {plain(exc)}", icon=":material/error:")


@st.cache_resource(show_spinner=False, max_entries=2)
def _product_pictures(release_id: str) -> dict[str, str]:
    """Content hash -> id of the product of the release that it shows."""
    items = recommender().items.dropna(subset=["image"])
    return dict(zip(items["image"].astype(str), items["item_id"].astype(str), strict=True))
