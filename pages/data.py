"""Data: what is loaded and how healthy it is; loading a shop of one's own."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine.catalogue.snapshot import ShopFacts
from engine.catalogue.summary import ShopSummary
from engine.jobs import active_run, list_runs, run_status
from ui.app import resources
from ui.runs.field_names import FIELD_NAMES, KIND_NAMES
from ui.runs.load_shop import load_shop
from ui.runs.loading_report import draw_loading_report, read_loading_report
from ui.runs.run_view import follow_run
from ui.runs.shop_summary import draw_next_step, draw_summary, shop_counts
from ui.widgets.formatting import plain, visible_cells

__all__ = ["page"]

RUNNING = {"ingest": "Loading your shop", "train": "Training", "demo": "Building the demo shop"}
KNOWN_FIELDS = ("title", "description", "brand", "category", "price", "image")


def page() -> None:
    """The shop in use, what to do with it next, the report of its loading, and the way to load another."""
    st.title("Data")
    run_id = active_run(resources.workspace())
    kind = run_status(resources.workspace(), run_id).kind if run_id is not None else None
    if run_id is not None:
        with st.container(border=True):
            st.markdown(f"**{RUNNING.get(str(kind), 'At work')}**")
            follow_run(run_id)
    else:
        _last_run()
    if kind == "ingest":
        st.info("You can load other files once the ones above are read.", icon=":material/info:")
        return
    loaded = resources.shop() if resources.has_shop() else None
    if loaded is None or loaded.demo:  # whoever comes from the demo shop comes for their own
        st.subheader("Load your own shop" if loaded else "Load your shop")
        load_shop(run_id)
    if loaded is not None:
        _loaded(loaded, busy=run_id is not None)
    if loaded is not None and not loaded.demo:
        st.subheader("Load other files")
        load_shop(run_id)


def _last_run() -> None:
    """What came of the last run, if somebody should know it."""
    runs = list_runs(resources.workspace())
    if not runs or runs[0].kind not in RUNNING:
        return
    last = runs[0]
    if last.state in ("failed", "lost"):
        what = "load failed; nothing was changed" if last.kind == "ingest" else "training failed"
        st.error(f"The last {what}. {plain(last.message)}", icon=":material/error:")
    elif last.kind == "train" and last.state == "done" and last.release_id not in (None, _live()):
        st.warning(f"The last training was not published. {plain(last.message)}", icon=":material/info:")


def _live() -> str | None:
    return resources.recommender().release_id if resources.has_release() else None


def _loaded(shop: ShopFacts, *, busy: bool) -> None:
    """How much there is of everything, and how it was read."""
    st.subheader(plain(shop.name), anchor=False)
    counts = shop_counts()
    if counts is not None:
        draw_summary(counts.summary)
    if not busy:
        draw_next_step()
    if counts is not None:
        st.caption(plain(counts.readers))
    draw_loading_report(read_loading_report(resources.workspace().current_snapshot()))
    if counts is None:
        return
    with st.expander("What the products hold"):
        filled = st.column_config.ProgressColumn("Share of products", format="percent", min_value=0, max_value=1)
        st.dataframe(
            visible_cells(_filled_fields(shop, counts.summary)),
            hide_index=True,
            width="stretch",
            column_config={"Filled": filled},
        )


def _filled_fields(shop: ShopFacts, summary: ShopSummary) -> pd.DataFrame:
    """Each field and attribute with its kind and the share of products that have it."""
    fields = [(FIELD_NAMES[name], name, "standard") for name in KNOWN_FIELDS]
    fields += [(name, name, KIND_NAMES.get(kind, kind)) for name, kind in shop.attribute_kinds.items()]
    return pd.DataFrame(
        [
            {"Field": title, "Kind": kind, "Filled": summary.filled[name] / max(summary.n_products, 1)}
            for title, name, kind in fields
        ]
    )
