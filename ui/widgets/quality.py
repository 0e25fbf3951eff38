"""How good the lists of a release are, by how much a product was seen: a headline, a chart and the figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from engine.arms.registry import arms, title_of
from ui.widgets.charts import Chart, arm_colour, draw_chart, is_dark
from ui.widgets.formatting import plain, visible_cells

__all__ = ["draw_quality", "looked_at_part", "quality_chart", "quality_headline", "quality_table", "task_table"]

Metrics = Mapping[str, Any]
"""metrics.json of a release, from `engine.evaluation.report.measure_plan`."""

CEILING = "Behaviour with more data"
REFERENCE_NAMES = {
    "popularity": "Bestsellers",
    "item_knn": "Chosen together, by share (ItemKNN)",
    "residual_knn": "Chosen together, beyond chance",
    "words": "Similar wording (TF-IDF)",
    "ceiling": CEILING,
}
CANDIDATE_NAMES = {"low_traffic": "Low-traffic products", "fewest_bought": "The least popular 80%"}
LEVELS = ("0", "1", "2", "3", "5", "10")
COLUMNS = ["arm", "kept", "ndcg", "low", "high", "average_precision", "coverage", "targets"]
THREE_DIGITS = st.column_config.NumberColumn(format="%.3f")


def draw_quality(metrics: Metrics, word: str) -> None:
    """The section of the Model page; `word` is what the shop counts, in the plural."""
    table = quality_table(metrics)
    if table.empty:
        st.subheader("Quality")
        st.info(
            plain(metrics.get("problem", "This release was trained without measuring its quality.")),
            icon=":material/info:",
        )
        return
    word = plain(word)
    st.subheader(quality_headline(table, word))
    st.caption(
        f"We hid all but a few {word} of popular products. A good list still finds the products that the same shoppers "
        "chose more often than by chance. 1 is a perfect list; the band is the 95% confidence interval. The dashed line is the "
        f"ceiling: the best list that behaviour alone gives these products once half of the hidden {word} are known."
    )
    if (part := looked_at_part(metrics, word)) is not None:
        st.caption(part)
    draw_chart(quality_chart, {"table": table, "word": word, "dark": is_dark()}, says=quality_headline(table, word))
    with st.expander("Figures"):
        _draw_figures(table, word)
        _draw_tasks(task_table(metrics))


def looked_at_part(metrics: Metrics, word: str) -> str | None:
    """Which part of the shop its settings were chosen and its quality was measured on; None where it was all of it."""
    part = metrics.get("looked_at")
    if not part:
        return None
    return (
        f"Settings were chosen and quality was measured on {part['products']:,} of {part['of']:,} products, whole groups of similar ones, "
        f"with {part['interactions']:,} of {part['of_interactions']:,} {word}: what {part['budget_seconds']:,.0f} seconds of one core are "
        "enough for (evaluation.budget_seconds). The intervals are those of that part. Among all products, good neighbours are harder to find."
    )


def quality_table(metrics: Metrics) -> pd.DataFrame:
    """Long table: arm, kept (interactions a hidden product kept), ndcg with low and high (95 %), coverage, targets."""
    measured = {**metrics.get("thinning", {}), **_references(metrics)}
    rows = [
        {
            "arm": REFERENCE_NAMES.get(arm) or title_of(arm),
            "kept": level,
            "ndcg": figures["ndcg"]["mean"],
            "low": figures["ndcg"]["low"],
            "high": figures["ndcg"]["high"],
            "average_precision": figures["average_precision"]["mean"],
            "coverage": figures["coverage"],
            "targets": figures["targets"],
        }
        for arm, levels in measured.items()
        for level, figures in sorted(levels.items(), key=lambda one: _place_of_level(one[0]))
        if figures["targets"] and figures["ndcg"]["mean"] is not None
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def quality_headline(table: pd.DataFrame, word: str) -> str:
    """What the quality table says, in one sentence; that one list is better only where the 95 % intervals of the pooled figures do not touch."""
    pooled = table[table["kept"] == "pooled"].set_index("arm").to_dict("index")
    longtail, behaviour = title_of("hybrid"), title_of("als")
    if longtail not in pooled or behaviour not in pooled:
        return f"Quality for products with few {word}"
    best, other = pooled[longtail], pooled[behaviour]
    if best["low"] <= other["high"] and other["low"] <= best["high"]:
        return f"With 1 to 5 {word}, Longtail and behaviour cannot be told apart on {best['targets']:,} products"
    if best["ndcg"] < other["ndcg"]:
        return f"With 1 to 5 {word}, behaviour alone beats Longtail"
    if other["ndcg"] <= 0:
        return f"With 1 to 5 {word}, Longtail finds good neighbours and behaviour finds none"
    return (
        f"With 1 to 5 {word}, Longtail's neighbours are {best['ndcg'] / other['ndcg']:.1f} times as good as behaviour's"
    )


def quality_chart(table: pd.DataFrame, word: str, *, dark: bool = False) -> Chart:
    """Surprise NDCG@10 against the interactions that a hidden product kept, a line and a band per arm."""
    levels = [level for level in LEVELS if level in set(table["kept"])]
    drawn = table[table["kept"].isin(levels)]
    x = alt.X("kept:O", sort=levels, title=f"{word.capitalize()} kept", axis=alt.Axis(labelAngle=0))
    measured = {name: one.title for name, one in arms().items() if one.title in set(table["arm"])}
    base = alt.Chart(drawn[drawn["arm"].isin(measured.values())]).encode(x=x, color=arm_colour(measured, dark=dark))
    highest = drawn[drawn["arm"] == CEILING]
    ceiling = (
        alt.Chart(highest)
        .mark_line(strokeDash=[6, 4], strokeWidth=2, color="#aab3b9" if dark else "#7d858c", aria=not highest.empty)
        .encode(x=x, y="ndcg:Q", tooltip=[alt.Tooltip("arm:N", title="Line"), alt.Tooltip("ndcg:Q", format=".3f")])
    )
    band = base.mark_area(opacity=0.14).encode(y="low:Q", y2="high:Q")
    line = base.mark_line(point=True, strokeWidth=2.5).encode(
        y=alt.Y("ndcg:Q", title="Quality of the ten neighbours (0 to 1)", scale=alt.Scale(zero=True)),
        tooltip=_tooltip(word),
    )
    return alt.layer(band, ceiling, line).properties(height=340)


def task_table(metrics: Metrics) -> pd.DataFrame:
    """The published task: shopper -> low-traffic products, one row per candidate set and arm."""
    return pd.DataFrame(
        [
            {
                "candidates": CANDIDATE_NAMES.get(candidates, candidates),
                "arm": title_of(arm),
                "ndcg": scores["ndcg"]["mean"],
                "average_precision": scores["average_precision"]["mean"],
            }
            for candidates, figures in metrics.get("published_task", {}).items()
            for arm, scores in figures.items()
            if isinstance(scores, Mapping)
        ],
        columns=["candidates", "arm", "ndcg", "average_precision"],
    )


def _place_of_level(name: str) -> int:
    """All levels together first, then by count."""
    return int(name) if name.isdigit() else -1


def _references(metrics: Metrics) -> dict[str, Any]:
    """The references, with the best of those that know rich behaviour as "ceiling" in their place."""
    references = dict(metrics.get("references", {}))
    rich = {name: references.pop(name) for name in list(references) if name.startswith("rich_")}
    if rich:
        references["ceiling"] = max(rich.values(), key=lambda levels: levels["pooled"]["ndcg"]["mean"] or 0.0)
    return references


def _tooltip(word: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("arm:N", title="List"),
        alt.Tooltip("kept:O", title=word.capitalize()),
        alt.Tooltip("ndcg:Q", title="Quality", format=".3f"),
        alt.Tooltip("low:Q", title="Low (95%)", format=".3f"),
        alt.Tooltip("high:Q", title="High (95%)", format=".3f"),
        alt.Tooltip("targets:Q", title="Products measured"),
    ]


def _draw_figures(table: pd.DataFrame, word: str) -> None:
    names = {
        "arm": "List",
        "kept": f"{word.capitalize()} kept",
        "ndcg": "Surprise NDCG@10",
        "low": "Low (95%)",
        "high": "High (95%)",
        "average_precision": "AP@10",
        "coverage": "Products with a list",
        "targets": "Products measured",
    }
    st.dataframe(
        visible_cells(table.replace({"kept": {"pooled": "1 to 5 combined"}}).rename(columns=names)),
        hide_index=True,
        width="stretch",
        column_config={
            "Products with a list": st.column_config.NumberColumn(format="percent"),
            **{names[column]: THREE_DIGITS for column in ("ndcg", "low", "high", "average_precision")},
        },
    )


def _draw_tasks(table: pd.DataFrame) -> None:
    if table.empty:
        return
    names = {"candidates": "Products", "arm": "List", "ndcg": "NDCG@10", "average_precision": "AP@10"}
    st.markdown("**Suggesting low-traffic products to shoppers** (a fifth of each shopper's history hidden)")
    st.dataframe(
        visible_cells(table.rename(columns=names)),
        hide_index=True,
        width="stretch",
        column_config={names[column]: THREE_DIGITS for column in ("ndcg", "average_precision")},
    )
