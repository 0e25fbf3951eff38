"""What a training chose for this shop, and why, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from engine.arms.plan import TrainingPlan
from engine.models.recipe import Silence
from ui.widgets.formatting import plain, plural

__all__ = ["choice_sentences", "draw_choices", "modality_sentence", "niche_sentence"]

VIEW_NAMES = {
    "words": "wording",
    "content": "text, picture and attributes together",
    "prediction": "predicted behaviour",
    "text": "text",
    "image": "picture",
    "attributes": "attributes",
}
PART_NAMES = {"text": "texts", "image": "pictures", "attributes": "attributes"}
ALIKE = 0.01
"""A smaller difference, as a share, is not worth a sentence."""


def draw_choices(plan: TrainingPlan, metrics: Mapping[str, Any], word: str) -> None:
    """What was chosen and why, and what each part of the content adds; nothing where nothing was compared."""
    sentences = [*choice_sentences(plan, word), modality_sentence(plan), niche_sentence(metrics, word)]
    said = [sentence for sentence in sentences if sentence]
    if said:
        st.markdown("**What was chosen for this shop, and why**")
        st.markdown("\n".join(f"- {plain(sentence)}" for sentence in said))


def choice_sentences(plan: TrainingPlan, word: str) -> list[str]:
    """The recipe and what it was chosen from; empty where nothing was compared."""
    recipe, trials = plan.recipe, plan.trials
    if not trials.recipes:
        return [plan.problem] if plan.problem else []
    compared = len(trials.recipes) + len(trials.silences)
    first, views = trials.recipes[0].ndcg, (recipe.weights, recipe.sharpness)
    found = max(
        (one.ndcg for one in trials.recipes if (one.tried.weights, one.tried.sharpness) == views), default=first
    )
    end = f"the one it started from {first:.3f}." if found > first else "and no other was clearly better."
    said = [
        f"{compared:,} recipes were compared on products whose {word} were hidden. The one in use compares products by "
        f"{_views_phrase(recipe.weights)}: it reached {found:.3f}, {end}",
        f"A product's own shoppers count as much as those of similar products from about {recipe.noise:.0f} {word} on.",
    ]
    said.append(_silence_sentence(recipe.silence, word))
    return said


def modality_sentence(plan: TrainingPlan) -> str:
    """What each part of the content adds for this shop; empty where it has one part alone."""
    found = {one.tried: one.ndcg for one in plan.trials.modalities}
    whole = found.pop("", 0.0)
    if not found or whole <= 0:
        return ""
    parts = []
    for name, without in sorted(found.items(), key=lambda one: one[1]):
        change = (whole - without) / whole
        shown = PART_NAMES.get(name, name)
        if abs(change) < ALIKE:
            parts.append(f"as good without {shown}")
        else:
            parts.append(f"{abs(change):.0%} {'worse' if change > 0 else 'better'} without {shown}")
    return f"What each part of the content is worth: neighbours are {', '.join(parts)}."


def niche_sentence(metrics: Mapping[str, Any], word: str) -> str:
    """How products in quiet corners are served; empty where that was not measured."""
    niches = metrics.get("niches") or {}
    if not niches:
        return ""
    pooled = {arm: figures["mean"] for arm, figures in niches["by_look_alikes"]["pooled"].items()}
    ours, content = pooled["hybrid"], pooled["content"]
    measured = plural(niches["n_targets"], "product")
    if niches["behind_content"] > 2 * niches["behind_content_error"]:
        end = "text and picture alone would serve them better."
    elif ours > content * (1 + ALIKE):
        end = "Longtail serves them better than text and picture alone."
    else:
        end = "Longtail serves them as well as text and picture alone."
    return (
        f"Quiet corners: of whole groups of similar products nearly all {word} were hidden. On {measured} there Longtail "
        f"reaches {ours:.3f}, text and picture alone {content:.3f}: {end}"
    )


def _silence_sentence(silence: Silence, word: str) -> str:
    if not silence.weight:
        return (
            f"Where neither a product nor anything like it has {word}, text and picture are heard only through similar "
            "products. Letting them speak for themselves did not help."
        )
    weight = float(silence.beside(np.array([0.8]))[0])
    return (
        f"Where neither a product nor anything like it has {word}, text and picture speak for themselves: for a product "
        f"that is four fifths guesswork they count {weight:.1f} times as much as behaviour."
    )


def _views_phrase(weights: Mapping[str, float]) -> str:
    """What products are compared by, the heaviest first."""
    most = max(weights.values())
    parts = [
        VIEW_NAMES.get(view, view) + ("" if weight == most else f" (weight {weight / most:.1f})")
        for view, weight in sorted(weights.items(), key=lambda one: -one[1])
    ]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
