"""The Model page's pictures and tables: quality against interaction count, and how training went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from engine.models.encoders.registry import MODALITIES
from ui.widgets.charts import arm_colour
from ui.widgets.formatting import ARM_NAMES, arm_name, plural

__all__ = [
    "als_table",
    "lessons_sentence",
    "loss_chart",
    "quality_chart",
    "quality_headline",
    "quality_table",
    "share_sentences",
    "task_table",
]

CEILING = "If it had sold well"
REFERENCE_NAMES = {
    "popularity": "The bestsellers",
    "item_knn": "Bought together, by share (ItemKNN)",
    "residual_knn": "Bought together, beyond chance",
    "words": "The same words (TF-IDF)",
    "ceiling": CEILING,
}
VIEW_WORDS = {
    "words": "buyers of products with the same words",
    "content": "buyers of products alike in everything told and shown",
    "prediction": "buyers of products with the same predicted behaviour",
}


def quality_table(metrics: Mapping[str, Any]) -> pd.DataFrame:
    """Long table: arm, kept (interactions a hidden product kept), ndcg with low and high (95 %), coverage, targets."""
    measured = {**metrics.get("thinning", {}), **_peers(metrics)}
    rows = [
        {
            "arm": REFERENCE_NAMES.get(arm) or arm_name(arm),
            "kept": level,
            "ndcg": figures["ndcg"]["mean"],
            "low": figures["ndcg"]["low"],
            "high": figures["ndcg"]["high"],
            "average_precision": figures["average_precision"]["mean"],
            "coverage": figures["coverage"],
            "targets": figures["targets"],
        }
        for arm, levels in measured.items()
        for level, figures in sorted(levels.items(), key=lambda one: _level(one[0]))
        if figures["targets"] and figures["ndcg"]["mean"] is not None
    ]
    return pd.DataFrame(
        rows, columns=["arm", "kept", "ndcg", "low", "high", "average_precision", "coverage", "targets"]
    )


def _level(name: str) -> int:
    """Where a level stands: all together first, then by count."""
    return int(name) if name.isdigit() else -1


def _peers(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The references, with the best of those that know rich behaviour as "ceiling" in their place."""
    references = dict(metrics.get("references", {}))
    rich = {name: references.pop(name) for name in list(references) if name.startswith("rich_")}
    if rich:
        references["ceiling"] = max(rich.values(), key=lambda levels: levels["pooled"]["ndcg"]["mean"] or 0.0)
    return references


def quality_headline(table: pd.DataFrame, word: str) -> str:
    """What the quality table says, in one sentence; computed from the pooled figures."""
    pooled = table[table["kept"] == "pooled"].set_index("arm")["ndcg"]
    longtail, behaviour = pooled.get(ARM_NAMES["hybrid"]), pooled.get(ARM_NAMES["als"])
    if longtail is None or behaviour is None:
        return f"Quality for products with few {word}"
    if behaviour <= 0:
        return f"With 1 to 5 {word}, behaviour finds nothing right and Longtail does"
    ratio = longtail / behaviour
    if ratio < 1:
        return f"With 1 to 5 {word}, behaviour alone is better than Longtail"
    return f"With 1 to 5 {word}, Longtail's neighbours are {ratio:.1f} times as good as behaviour's"


def quality_chart(table: pd.DataFrame, word: str, *, dark: bool = False) -> alt.LayerChart | alt.FacetChart:
    """Surprise NDCG@10 against the interactions that a hidden product kept, a line and a band per arm."""
    levels = [level for level in ("0", "1", "2", "3", "5", "10") if level in set(table["kept"])]
    drawn = table[table["kept"].isin(levels)]
    x = alt.X("kept:O", sort=levels, title=f"{word.capitalize()} the product kept", axis=alt.Axis(labelAngle=0))
    base = alt.Chart(drawn[drawn["arm"].isin(ARM_NAMES.values())]).encode(
        x=x, color=arm_colour([arm for arm, name in ARM_NAMES.items() if name in set(table["arm"])], dark=dark)
    )
    ceiling = (
        alt.Chart(drawn[drawn["arm"] == CEILING])
        .mark_line(strokeDash=[6, 4], strokeWidth=2, color="#aab3b9" if dark else "#7d858c")
        .encode(x=x, y="ndcg:Q", tooltip=[alt.Tooltip("arm:N", title="Line"), alt.Tooltip("ndcg:Q", format=".3f")])
    )
    band = base.mark_area(opacity=0.14).encode(y="low:Q", y2="high:Q")
    line = base.mark_line(point=True, strokeWidth=2.5).encode(
        y=alt.Y("ndcg:Q", title="Quality of the ten neighbours (0 to 1)", scale=alt.Scale(zero=True)),
        tooltip=[
            alt.Tooltip("arm:N", title="List"),
            alt.Tooltip("kept:O", title=word.capitalize()),
            alt.Tooltip("ndcg:Q", title="Quality", format=".3f"),
            alt.Tooltip("low:Q", title="95 % from", format=".3f"),
            alt.Tooltip("high:Q", title="to", format=".3f"),
            alt.Tooltip("targets:Q", title="Products measured"),
        ],
    )
    return alt.layer(band, ceiling, line).properties(height=340)


def task_table(metrics: Mapping[str, Any]) -> pd.DataFrame:
    """The published task: shopper -> low-traffic products, one row per candidate set and arm."""
    names = {"low_traffic": "Products with hardly any traffic", "fewest_bought": "The least sold 80 %"}
    return pd.DataFrame(
        [
            {
                "candidates": names.get(candidates, candidates),
                "arm": arm_name(arm),
                "ndcg": scores["ndcg"]["mean"],
                "average_precision": scores["average_precision"]["mean"],
            }
            for candidates, figures in metrics.get("published_task", {}).items()
            for arm, scores in figures.items()
            if isinstance(scores, Mapping)
        ],
        columns=["candidates", "arm", "ndcg", "average_precision"],
    )


def lessons_sentence(learned: Mapping[str, Any]) -> str:
    """What a training learned from judgements (training.json's record), in words; empty where it learned nothing."""
    if not learned:
        return ""
    said = (
        f"learned from {plural(learned['pairs'], 'judged pair')} of {plural(learned['products'], 'product')}, "
        f"{learned['irrelevant']:,} of them irrelevant"
    )
    said += (
        ", and carried that over to similar products."
        if learned["power"]
        else "; the lists of those products alone changed, for it did not help others."
    )
    if learned["ordered_before"] is not None and learned["ordered_after"] is not None:
        said += (
            f" On {plural(learned['apart_products'], 'judged product')} kept apart, a neighbour that belongs stands above one "
            f"that does not in {100 * learned['ordered_after']:.0f} % of cases, {100 * learned['ordered_before']:.0f} % without them."
        )
    return said[0].upper() + said[1:]


def share_sentences(training: Mapping[str, Any], word: str) -> list[str]:
    """Whose behaviour speaks for a product, a sentence for each range of interactions; shares under 5 % left out."""
    sentences = []
    for share in training.get("shares", []):
        who = f"For products {_range_phrase(share['low'], share['high'], word)}"
        if share["arm"] != "hybrid":
            sentences.append(f"{who}: {arm_name(share['arm'])} alone, which was better there")
            continue
        parts = {f"own {word}": share["own"]}
        parts |= {_view_words(view): part for view, part in share["views"].items()}
        told = sorted(((part, name) for name, part in parts.items() if part >= 0.05), reverse=True)
        beside = (
            f"; and {word} compared directly, counted {told_weight(share['behaviour'])}"
            if share.get("behaviour")
            else ""
        )
        sentences.append(
            f"{who}: " + ", ".join(f"{part:.0%} {name}".replace("%", "\u00a0%") for part, name in told) + beside
        )
    return sentences


def _view_words(view: str) -> str:
    """Whose behaviour a view of the content carries over: one of `VIEW_WORDS`, or a modality."""
    if view in MODALITIES:
        return f"buyers of products with {MODALITIES[view].likeness}"
    return VIEW_WORDS.get(view, view)


def told_weight(weight: float) -> str:
    """How much something counts beside the rest, in words."""
    if weight == 1:
        return "as much"
    return f"{weight:g} times as much"


def als_table(metrics: Mapping[str, Any]) -> pd.DataFrame:
    """What was tried to learn from behaviour, best first: factors, regularization, alpha, ndcg, used."""
    columns = ["factors", "regularization", "alpha"]
    table = pd.DataFrame(metrics.get("als_tried", []), columns=[*columns, "ndcg"])
    used = metrics.get("als", {})
    table["used"] = [all(row[name] == used.get(name) for name in columns) for row in table.to_dict("records")]
    return table.sort_values("ndcg", ascending=False, kind="stable").reset_index(drop=True)


def _range_phrase(low: int, high: int | None, word: str) -> str:
    if high == 0:
        return f"without any {word}"
    if high is None:
        return f"with more than {low - 1} {word}"
    return f"with {low}-{high} {word}"


def loss_chart(curves: Mapping[str, Sequence[float]], x_title: str) -> alt.Chart:
    """Training curves: one line per name, the step (1, 2, ...) across."""
    table = pd.DataFrame(
        [
            {"curve": name, "step": step, "loss": value}
            for name, values in curves.items()
            for step, value in enumerate(values, start=1)
        ],
        columns=["curve", "step", "loss"],
    )
    return (
        alt.Chart(table)
        .mark_line(point=len(table) < 60)
        .encode(
            x=alt.X("step:Q", title=x_title, axis=alt.Axis(tickMinStep=1, format="d")),
            y=alt.Y("loss:Q", title="Error", scale=alt.Scale(zero=False)),
            color=alt.Color("curve:N", legend=alt.Legend(orient="bottom", title=None)),
            tooltip=["curve:N", "step:Q", alt.Tooltip("loss:Q", format=".4f")],
        )
        .properties(height=260)
    )
