"""The loaded shop in a few figures, who reads it, and the one thing to do next: train on it, or see its similar items.

Both look at all of a shop, which takes seconds where it is large: there a thread does, and the page shows the rest meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow.parquet as pq
import streamlit as st

from engine.access.roles import Action
from engine.catalogue.snapshot import event_files, read_shop
from engine.catalogue.summary import ShopSummary, summarise_shop
from engine.core.workspace import Workspace
from engine.models.encoders.readers import say_readers
from engine.serving.background_result import BackgroundResult
from ui.app import resources
from ui.app.navigation import open_page
from ui.app.person import only
from ui.runs.run_view import start
from ui.widgets.formatting import plain, plural

__all__ = ["ShopCounts", "draw_next_step", "draw_summary", "shop_counts", "summary_figures"]

QUICK_EVENTS = 1_000_000
LOOK_AGAIN_SECONDS = 0.7


@dataclass(frozen=True)
class ShopCounts:
    """What the shop in use holds, and who reads its texts and pictures, in a sentence."""

    summary: ShopSummary
    readers: str


def shop_counts() -> ShopCounts | None:
    """Counted once for a snapshot; None while that goes on, and the page runs again when it has ended."""
    found = _counts(resources.workspace(), resources.shop().snapshot_id, resources.settings().model_dump_json())
    if not found.done:
        _wait_for(found)
    return found.result


def draw_summary(summary: ShopSummary) -> None:
    """The figures."""
    with st.container(horizontal=True, key="summary"):
        for label, value, help_text in summary_figures(summary):
            st.metric(label, value, help=help_text, border=True)
    st.caption(_concentration(summary))


def summary_figures(summary: ShopSummary) -> list[tuple[str, str, str | None]]:
    """Label, value and help of every figure."""
    products = summary.n_products
    return [
        ("Products", f"{products:,}", None),
        ("Events", f"{summary.n_events:,}", None),
        ("Shoppers", f"{summary.n_shoppers:,}", None),
        ("With picture", _share(summary.n_pictured, products), None),
        ("With price", _share(summary.n_priced, products), None),
        ("Get 80% of events", _share(summary.n_head, products), "The share of products that get 80% of all events."),
    ]


def _concentration(summary: ShopSummary) -> str:
    rest = summary.n_products - summary.n_head
    return (
        f"{plural(summary.n_head, 'product')} get 80% of the events; the other {rest:,} share the rest. "
        "These are the ones that Longtail helps most."
    )


def draw_next_step() -> None:
    """See the similar items of the shop in use, or train on it."""
    trained = resources.recommender().manifest if resources.has_release() else None
    if trained is not None and trained.snapshot_id == resources.workspace().current_snapshot().name:
        if st.button("See your similar items", type="primary", icon=":material/apps:"):
            open_page("similar_items")
        return
    st.button(
        "Train", type="primary", icon=":material/model_training:", on_click=start, args=("train",), **only(Action.TRAIN)
    )
    if trained is not None:
        before = plain(resources.shop_words().name)
        st.caption(f"Until the training is done, every page shows {before} as it was trained before.")
    else:
        st.caption("Longtail learns which products belong together. You can follow it here.")


@st.cache_resource(show_spinner=False, max_entries=4, hash_funcs={Workspace: lambda w: str(w.root)})
def _counts(workspace: Workspace, snapshot_id: str, set_to: str) -> BackgroundResult[ShopCounts | None]:
    asked = resources.settings()

    def count() -> ShopCounts:
        return ShopCounts(summarise_shop(workspace), " ".join(say_readers(read_shop(workspace), asked)))

    rows = sum(pq.read_metadata(file).num_rows for file in event_files(workspace.current_snapshot()))
    return BackgroundResult(count()) if rows <= QUICK_EVENTS else BackgroundResult(None, count)


def _wait_for(found: BackgroundResult[ShopCounts | None]) -> None:
    """Room for what is counted."""

    @st.fragment(run_every=LOOK_AGAIN_SECONDS)
    def waiting() -> None:
        if found.done:
            st.rerun()
        st.html('<div class="lt-wait" role="status" aria-label="Counting"><i></i><i></i><i></i></div>')

    waiting()


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "0%"
