"""What a training did, told in sentences, tables and curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from engine.arms.plan import TrainingPlan
from engine.arms.registry import title_of
from engine.models.encoders.registry import MODALITIES
from engine.models.recipe import SILENCE
from engine.release.manifest import Manifest
from ui.widgets.charts import Chart, draw_chart, legend
from ui.widgets.formatting import duration_phrase, plain, plural, visible_cells

__all__ = [
    "als_table",
    "draw_shares",
    "draw_training_history",
    "judgements_sentence",
    "loss_chart",
    "share_sentences",
    "shoppers_sentence",
]

Training = Mapping[str, Any]
"""training.json of a release, written by `engine.training`."""

NARROWEST = 300  # px of a chart
MENTIONED = 0.05  # a smaller share is left out
CANDIDATES = ["factors", "regularization", "alpha"]
VIEW_WORDS = {
    "words": "shoppers of products with similar wording",
    "content": "shoppers of products with similar text, picture and attributes",
    "prediction": "shoppers of products with similar predicted behaviour",
}


def draw_shares(training: Training, word: str) -> None:
    """Whose behaviour speaks for a product; nothing where the training did not say."""
    if sentences := share_sentences(training, word):
        st.markdown("**Whose behaviour Longtail uses**")
        st.markdown("\n".join(f"- {plain(sentence)}" for sentence in sentences))


def draw_training_history(training: Training, plan: TrainingPlan, manifest: Manifest, flags: str) -> None:
    """What was decided, learned and tried, how long each step took, and how the errors fell.

    Parameters
    ----------
    flags : what became of the neighbours that people ruled out, a sentence; empty where there is nothing to say.
    """
    with st.expander("What the last training did"):
        said = {
            "Decision": manifest.extra.get("decision"),
            "Judgements": judgements_sentence(training.get("judgements") or {}),
            "Shoppers": shoppers_sentence(plan),
            "Flags": f"{flags}." if flags else "",
        }
        for name, sentence in said.items():
            if sentence:
                st.markdown(f"**{plain(name)}:** {plain(sentence)}")
        _draw_tried(als_table(plan))
        _draw_steps(manifest.steps)
        _draw_curves(training)
        for note in training.get("notes", []):
            st.caption(plain(note))


def judgements_sentence(learned: Mapping[str, Any]) -> str:
    """What a training learned from judgements (training.json's record), in words; empty where it learned nothing."""
    if not learned:
        return ""
    said = (
        f"Learned from {plural(learned['pairs'], 'judged pair')} on {plural(learned['products'], 'product')}, "
        f"{learned['irrelevant']:,} of them irrelevant"
    )
    said += (
        ", and applied this to similar products."
        if learned["power"]
        else ". Only the lists of those products changed, as it did not help others."
    )
    if learned["ordered_before"] is not None and learned["ordered_after"] is not None:
        said += (
            f" On {plural(learned['apart_products'], 'judged product')} set aside for testing, good matches now rank above "
            f"irrelevant ones in {learned['ordered_after']:.0%} of cases, compared with {learned['ordered_before']:.0%} before."
        )
    return said


def shoppers_sentence(plan: TrainingPlan) -> str:
    """How shoppers are served and what that was chosen from, in words."""
    scoring, tried = plan.recipe.user_scoring, plan.trials.user_scorings
    if not scoring.weight:
        said = "Shoppers are shown what lies near everything they have, taken together."
    elif scoring.items is None:
        said = "Shoppers are shown products very like single ones that they have, beside what lies near all of them."
    else:
        said = "Shoppers are shown what is often chosen together with what they have, and products like it."
    if len(tried) < 2:
        return said
    quality = {one.tried: one.ndcg for one in tried}
    return (
        f"{said} {len(tried)} ways were compared by how well they find products with few interactions that shoppers had "
        f"chosen and that were hidden: this one reached {quality.get(scoring, 0.0):.3f}, the plainest {tried[0].ndcg:.3f}."
    )


def share_sentences(training: Training, word: str) -> list[str]:
    """Whose behaviour speaks for a product, a sentence for each range of interactions; small shares left out."""
    return [
        f"Products {_range_phrase(share['low'], share['high'], word)}: {_share_phrase(share, word)}"
        for share in training.get("shares", [])
    ]


def als_table(plan: TrainingPlan) -> pd.DataFrame:
    """What was tried to learn from behaviour, best first: factors, regularization, alpha, ndcg, used."""
    trials = sorted(plan.trials.als, key=lambda one: -one.ndcg)
    return pd.DataFrame(
        [
            {name: getattr(one.tried, name) for name in CANDIDATES} | {"ndcg": one.ndcg, "used": one.tried == plan.als}
            for one in trials
        ],
        columns=[*CANDIDATES, "ndcg", "used"],
    )


def loss_chart(curves: Mapping[str, Sequence[float]], x_title: str) -> Chart:
    """Training curves: one line per name, the step (1, 2, ...) across."""
    rows = [(name, step, loss) for name, losses in curves.items() for step, loss in enumerate(losses, start=1)]
    table = pd.DataFrame(rows, columns=["curve", "step", "loss"])
    chart: alt.Chart = (
        alt.Chart(table)
        .mark_line(point=len(table) < 60)
        .encode(
            x=alt.X("step:Q", title=x_title, axis=alt.Axis(tickMinStep=1, format="d")),
            y=alt.Y("loss:Q", title="Error", scale=alt.Scale(zero=False)),
            color=alt.Color("curve:N", legend=legend("bottom")),
            tooltip=["curve:N", "step:Q", alt.Tooltip("loss:Q", format=".4f")],
        )
        .properties(height=260)
    )
    return chart


def _draw_tried(table: pd.DataFrame) -> None:
    """The settings that were compared; nothing where there was one alone."""
    if len(table) < 2:
        return
    names = {
        "factors": "Factors",
        "regularization": "Regularization",
        "alpha": "Alpha",
        "ndcg": "Quality",
        "used": "Used",
    }
    st.markdown("**Settings tried for learning from behaviour**")
    st.dataframe(
        visible_cells(table.rename(columns=names)),
        hide_index=True,
        column_config={"Quality": st.column_config.NumberColumn(format="%.3f")},
    )


def _draw_steps(steps: Mapping[str, float]) -> None:
    """`steps` is step -> seconds it took."""
    if steps:
        rows = [{"Step": name, "Took": duration_phrase(seconds)} for name, seconds in steps.items()]
        st.dataframe(visible_cells(pd.DataFrame(rows)), hide_index=True)


def _draw_curves(training: Training) -> None:
    grid = st.grid(2, min_column_width=NARROWEST)
    if losses := training.get("als_losses"):
        with grid.cell():
            st.markdown("**Learning from behaviour**")
            _draw_losses({"All interactions": losses}, "Round", "The error of learning from behaviour, round by round")
    if checks := training.get("predictor", {}).get("checks"):
        curves = {
            "Products used for training": [check["train"] for check in checks],
            "Products held back": [check["validation"] for check in checks],
        }
        with grid.cell():
            st.markdown("**Predicting behaviour from content**")
            _draw_losses(curves, f"Steps / {checks[0]['step']}", "The error of predicting behaviour, step by step")


def _draw_losses(curves: Mapping[str, Sequence[float]], x_title: str, says: str) -> None:
    draw_chart(loss_chart, {"curves": dict(curves), "x_title": x_title}, says=says)


def _share_phrase(share: Mapping[str, Any], word: str) -> str:
    """What speaks for the products of one range, the largest share first."""
    if share["arm"] != "hybrid":
        return f"{title_of(share['arm'])} alone, which worked better"
    parts = {f"their own {word}": share["own"]}
    parts |= {_view_phrase(view): part for view, part in share["views"].items()}
    told = sorted(((part, name) for name, part in parts.items() if part >= MENTIONED), reverse=True)
    said = ", ".join(f"{part:.0%} from {name}" for part, name in told)
    for block, weight in share["channels"].items():
        if round(weight, 1):
            said += f"; plus {_beside_phrase(block, word)}, with {_weight_phrase(weight)}"
    return said


def _view_phrase(view: str) -> str:
    """Whose behaviour a view of the content carries over: one of `VIEW_WORDS`, or a modality."""
    if view in MODALITIES:
        return f"shoppers of products with {MODALITIES[view].likeness}"
    return VIEW_WORDS.get(view, view)


def _beside_phrase(block: str, word: str) -> str:
    """What is added to the hybrid: a channel, or content where behaviour is silent."""
    if block == SILENCE:
        return "text and picture where shoppers say little"
    return f"{word} compared directly" if block == "als" else f"the list “{title_of(block)}”"


def _weight_phrase(weight: float) -> str:
    """How much something counts beside the rest, in words."""
    rounded = round(weight, 2 if weight < 1 else 1)
    return "the same weight" if rounded == 1 else f"{rounded:g} times the weight"


def _range_phrase(low: int, high: int | None, word: str) -> str:
    if high == 0:
        return f"with no {word}"
    if high is None:
        return f"with more than {low - 1} {word}"
    return f"with {low}–{high} {word}"
