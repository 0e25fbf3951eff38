"""Data: what is loaded and how healthy it is; loading a shop of one's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from engine.catalogue.snapshot import Shop
from engine.jobs import active_run, list_runs
from ui.app import resources
from ui.runs.load_shop import KIND_NAMES, load_shop
from ui.runs.run_view import follow_run
from ui.widgets.formatting import plural

__all__ = ["page"]

FACTS = {
    "title": "Title",
    "description": "Description",
    "brand": "Brand",
    "category": "Category",
    "price": "Price",
    "image": "Picture",
}


def page() -> None:
    """The shop in use, the report of its loading, and the way to load another."""
    st.title("Data")
    run_id = active_run(resources.workspace())
    if run_id is not None:
        with st.container(border=True):
            follow_run(run_id)
    elif (runs := list_runs(resources.workspace())) and runs[0].kind == "ingest" and runs[0].state == "failed":
        st.error(f"The last loading failed, and nothing was changed. {runs[0].message}", icon=":material/error:")
    if resources.has_shop():
        shop = resources.shop()
        _loaded(shop)
        _report(json.loads((resources.workspace().current_snapshot() / "report.json").read_text("utf-8")))
    st.subheader("Load your shop")
    if run_id is None:
        load_shop()
    else:
        st.info("Another shop can be loaded when the run above has ended.", icon=":material/info:")


def _loaded(shop: Shop) -> None:
    st.subheader(shop.name)
    columns = st.columns(3)
    columns[0].metric("Products", f"{len(shop.items):,}")
    columns[1].metric("Events", f"{shop.info['n_events']:,}")
    pictured = int(shop.items["image"].notna().sum())
    columns[2].metric(
        "Products with a picture",
        f"{pictured:,}",
        f"{_share(pictured, len(shop.items))} of all",
        delta_color="off",
        delta_arrow="off",
    )
    rows = [
        {"Field": title, "Kind": "known by name", "Filled": float(shop.items[name].notna().mean())}
        for name, title in FACTS.items()
    ] + [
        {"Field": name, "Kind": KIND_NAMES.get(kind, kind), "Filled": float(shop.items[name].notna().mean())}
        for name, kind in shop.attribute_kinds.items()
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        width="stretch",
        column_config={
            "Filled": st.column_config.ProgressColumn(
                "Products that have it", format="percent", min_value=0, max_value=1
            )
        },
    )


def _report(report: Mapping[str, Any]) -> None:
    files, problems = report.get("files", []), report.get("problems", [])
    if not files:
        return
    rejected = sum(file["rejected"] for file in files)
    st.markdown(
        f"**Loading report:** {plural(rejected, 'row')} left out"
        if rejected
        else "**Loading report:** every row was used"
    )
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "File": file["name"],
                    "Holds": file["kind"],
                    "Rows read": file["read"],
                    "Kept": file["kept"],
                    "Left out": file["rejected"],
                }
                for file in files
            ]
        ),
        hide_index=True,
        width="stretch",
    )
    for note in dict.fromkeys(note for file in files for note in file.get("notes", [])):
        st.caption(note)
    if problems:
        counts = report.get("problem_counts", {})
        with st.expander(f"What was wrong ({sum(counts.values()):,} cases, the first ten of each kind)"):
            st.dataframe(
                pd.DataFrame(
                    [
                        {
                            "What": problem["message"],
                            "Cases": counts.get(problem["kind"]),
                            "File": problem["file"],
                            "Row": problem["row"],
                            "Field": problem["field"],
                            "There": problem["value"],
                        }
                        for problem in problems
                    ]
                ),
                hide_index=True,
                width="stretch",
            )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "0 %"
