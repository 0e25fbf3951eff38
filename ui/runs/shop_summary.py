"""The loaded shop in a few figures, and the one thing to do next: train on it, or see its similar items."""

from __future__ import annotations

import streamlit as st

from engine.access.roles import Action
from engine.catalogue.summary import ShopSummary, summarise_shop
from engine.core.workspace import Workspace
from ui.app import resources
from ui.app.navigation import open_page
from ui.app.person import only
from ui.runs.run_view import start
from ui.widgets.formatting import plain, plural

__all__ = ["draw_summary", "summary_figures"]


def draw_summary(*, busy: bool = False) -> None:
    """The figures, and the next step unless a run is at work."""
    shop = resources.shop()
    summary = _summary(resources.workspace(), shop.snapshot_id)
    with st.container(horizontal=True, key="summary"):
        for label, value, help_text in summary_figures(summary):
            st.metric(label, value, help=help_text, border=True)
    st.caption(_concentration(summary))
    if not busy:
        _next_step()


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


def _next_step() -> None:
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


@st.cache_data(show_spinner=False, max_entries=4, hash_funcs={Workspace: lambda w: str(w.root)})
def _summary(workspace: Workspace, snapshot_id: str) -> ShopSummary:
    return summarise_shop(workspace)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "0%"
