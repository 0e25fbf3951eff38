"""The rows of a collection before they are saved: which are ready, worth checking, need fixing or saved already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import streamlit as st

from engine.access.roles import Action
from engine.core.errors import LongtailError
from engine.edits.collections.check import check_collection, new_drafts, problems_csv
from engine.edits.collections.rows import CollectionRow, RowState
from engine.edits.drafts.store import NOT_DISCARDED
from ui.app.person import curator_name, only
from ui.app.resources import recommender, served
from ui.app.url import set_query
from ui.products.draft_resources import drafts, prepare
from ui.widgets.addresses import thumb_url
from ui.widgets.background_work import BackgroundWork, Count
from ui.widgets.formatting import plain, plural, visible_cells

__all__ = ["draw_preview"]

MOST_SHOWN = 2_000
STATES: dict[RowState, str] = {"problem": "Needs fixing", "doubt": "Worth checking", "ready": "Ready", "saved": "Saved"}
_ROWS = "collection_rows"
_SAVING: BackgroundWork[str] = BackgroundWork("collection_saving")


def draw_preview(
    sheet: pd.DataFrame,
    pictures: Mapping[str, str],
    *,
    stamp: tuple[object, ...],
    start_over: Callable[[], None],
) -> None:
    """Every row's state, what can be saved, and what needs fixing.

    Parameters
    ----------
    pictures : name -> content hash.
    stamp : changes when the sheet or the pictures do.
    start_over : callback that clears both.
    """
    _report_saved()
    try:
        rows, table, problems = _reviewed(sheet, pictures, stamp)
    except LongtailError as exc:
        st.error(plain(exc), icon=":material/error:")
        return
    counts = Counter(row.state for row in rows)
    ready = [row for row in rows if row.ready]
    _summary(counts, len(ready))
    _actions(problems, ready, pictures, counts, start_over)
    st.dataframe(
        visible_cells(table.head(MOST_SHOWN)), hide_index=True, width="stretch", row_height=52,
        column_config={
            "picture": st.column_config.ImageColumn("", width="small", help="The main picture"),
            "row": st.column_config.NumberColumn("Row", width="small", help="Not counting the header row"),
            "state": st.column_config.TextColumn("State", width="small"),
            "title": "Title",
            "pictures": st.column_config.NumberColumn("Pictures", width="small"),
            "issues": st.column_config.TextColumn("Issues", width="large"),
        },
    )  # fmt: skip
    if len(table) > MOST_SHOWN:
        st.caption(f"Showing {MOST_SHOWN:,} of {len(table):,} rows, those that need fixing first.")


def _reviewed(
    sheet: pd.DataFrame,
    pictures: Mapping[str, str],
    stamp: tuple[object, ...],
) -> tuple[list[CollectionRow], pd.DataFrame, bytes]:
    """The rows, their table, and those that need fixing as a CSV file; computed again only when their sources change."""
    release, existing = recommender(), drafts().all(NOT_DISCARDED)
    sources = (*stamp, release.version, frozenset((draft.id, draft.version) for draft in existing))
    cached = st.session_state.get(_ROWS)
    if cached is not None and cached[0] == sources:
        return cached[1], cached[2], cached[3]
    with st.spinner("Checking the rows…", show_time=True):
        rows = check_collection(sheet, pictures, release, existing)
        table = _table(rows, pictures)
        # Made together with the rows: a download button's callable is not answered while the page is still running.
        problems = problems_csv(sheet, rows)
    st.session_state[_ROWS] = sources, rows, table, problems
    return rows, table, problems


def _table(rows: Sequence[CollectionRow], pictures: Mapping[str, str]) -> pd.DataFrame:
    order = {state: position for position, state in enumerate(STATES)}
    rows = sorted(rows, key=lambda row: (order[row.state], row.number))
    return pd.DataFrame(
        {
            "picture": [thumb_url(pictures[row.pictures[0]]) if row.pictures else "" for row in rows],
            "row": [row.number for row in rows],
            "state": [STATES[row.state] for row in rows],
            "title": [row.product.title or "" for row in rows],
            "pictures": [len(row.pictures) for row in rows],
            "issues": [_issues(row) for row in rows],
        }
    )


def _issues(row: CollectionRow) -> str:
    if row.saved is not None:
        return f"draft {row.saved}"
    return "; ".join(f"{column}: {text}" for column, text in (*row.problems, *row.doubts))


def _summary(counts: Counter[RowState], ready: int) -> None:
    """Say how many rows are in which state."""
    saved, problems, doubts = counts["saved"], counts["problem"], counts["doubt"]
    if saved and not ready and not problems:
        text = f"All {plural(saved, 'row')} saved" if saved > 1 else "The row is saved"
    else:
        text = f"{ready:,} ready, {problems:,} {'needs' if problems == 1 else 'need'} fixing"
        text += f", {saved:,} saved" if saved else ""
    st.write(f"**{text}.**")
    if doubts:
        st.caption(
            f"{plural(doubts, 'ready row')} {'is' if doubts == 1 else 'are'} worth checking first. "
            f"{'It is' if doubts == 1 else 'They are'} saved with the others unless you remove "
            f"{'it' if doubts == 1 else 'them'} from the sheet."
        )


def _actions(
    problems: bytes,
    ready: Sequence[CollectionRow],
    pictures: Mapping[str, str],
    counts: Counter[RowState],
    start_over: Callable[[], None],
) -> None:
    save, approve = False, False
    with st.container(horizontal=True, vertical_alignment="center"):
        if ready:
            label = f"Save {plural(len(ready), 'draft')}"
            save = st.button(label, type="primary", key="collection_save", **only(Action.EDIT_DRAFTS))
            approve = st.toggle("Show them in the shop straight away", key="collection_approve")
        if counts["problem"]:
            st.download_button(
                "Rows that need fixing", problems, file_name="to-fix.csv", mime="text/csv", icon=":material/download:",
                key="collection_problems", on_click="ignore",
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
    """Start saving, once, however often the button is pressed and whatever else is used meanwhile."""
    new = new_drafts(ready, pictures)
    store, by, shop = drafts(), curator_name(), served()

    def work(count: Count) -> str:
        made = store.save(new, by, shop.release.__contains__, approve=approve)
        if approve:
            prepare(shop, made, count)
        return f"{plural(len(made), 'draft')} saved{' and in the shop' if approve else ''}"

    step = f"Saving {plural(len(new), 'draft')}{' and adding them to the shop' if approve else ''}"
    _SAVING.begin(step, work, total=len(new) if approve else 0)
    st.rerun()


def _report_saved() -> None:
    """Wait until the drafts are saved, and report the result."""
    ended = _SAVING.finished()
    if ended is None:
        return
    try:
        st.toast(plain(ended.result()), icon=":material/check:")
    except LongtailError as exc:
        st.error(f"Nothing was saved. {plain(exc)}", icon=":material/error:")
