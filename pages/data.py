"""Data: what is loaded and how healthy it is; loading a shop of one's own."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine.catalogue.snapshot import Shop
from engine.jobs import active_run, list_runs
from ui.app import resources
from ui.runs.load_shop import FIELD_NAMES, KIND_NAMES, load_shop
from ui.runs.loading_report import draw_loading_report, read_loading_report
from ui.runs.run_view import follow_run

__all__ = ["page"]

KNOWN_FIELDS = ("title", "description", "brand", "category", "price", "image")


def page() -> None:
    """The shop in use, the report of its loading, and the way to load another."""
    st.title("Data")
    run_id = active_run(resources.workspace())
    if run_id is not None:
        with st.container(border=True):
            follow_run(run_id)
    elif (runs := list_runs(resources.workspace())) and runs[0].kind == "ingest" and runs[0].state == "failed":
        st.error(f"The last load failed; nothing was changed. {runs[0].message}", icon=":material/error:")
    if resources.has_shop():
        _loaded(resources.shop())
        draw_loading_report(read_loading_report(resources.workspace().current_snapshot()))
    st.subheader("Load your shop")
    if run_id is None:
        load_shop()
    else:
        st.info("You can load another shop once the run above has finished.", icon=":material/info:")


def _loaded(shop: Shop) -> None:
    """How much there is of everything."""
    st.subheader(shop.name)
    products, events, pictures = st.columns(3)
    products.metric("Products", f"{len(shop.items):,}")
    events.metric("Events", f"{shop.info['n_events']:,}")
    pictured = int(shop.items["image"].notna().sum())
    share = f"{_share(pictured, len(shop.items))} of products"
    pictures.metric("Products with a picture", f"{pictured:,}", share, delta_color="off", delta_arrow="off")
    filled = st.column_config.ProgressColumn("Share of products", format="percent", min_value=0, max_value=1)
    st.dataframe(_filled_fields(shop), hide_index=True, width="stretch", column_config={"Filled": filled})


def _filled_fields(shop: Shop) -> pd.DataFrame:
    """Each field and attribute with its kind and the share of products that have it."""
    fields = [(FIELD_NAMES[name], name, "standard") for name in KNOWN_FIELDS]
    fields += [(name, name, KIND_NAMES.get(kind, kind)) for name, kind in shop.attribute_kinds.items()]
    return pd.DataFrame(
        [
            {"Field": title, "Kind": kind, "Filled": float(shop.items[name].notna().mean())}
            for title, name, kind in fields
        ]
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "0%"
