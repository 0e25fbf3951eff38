"""What stands beside the hybrid's own block: the similarities that are added to its own, and how loud each speaks.

A channel is another arm's block as it is. Where behaviour is silent, content speaks in a block of its own: its candidates
are content vectors about their mean, shortened by how well behaviour knows them, so that it is heard among products that
nobody can vouch for and leaves alone those that shoppers know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.arms.geometry import ArmVectors, has_direction, spread_grams
from engine.models.recipe import CONTENT, HYBRID, SILENCE, Recipe

__all__ = ["Beside", "beside_of", "candidate_blocks", "query_blocks"]


@dataclass(frozen=True)
class Beside:
    """What a product described later needs of the catalogue.

    Attributes
    ----------
    grams : block -> (d, d) float32, from which spreads are told; the hybrid's own block and every one that is added.
    centre : (d,) float32, the mean content; empty where content does not speak.
    """

    grams: dict[str, np.ndarray]
    centre: np.ndarray


def beside_of(candidates: np.ndarray, unknown: np.ndarray, recipe: Recipe, arms: Mapping[str, ArmVectors]) -> Beside:
    """From the hybrid's candidates (n_items, rank), how unknown each is (n_items,), and the other arms."""
    added = recipe.blocks_added()
    centre = np.asarray(arms[CONTENT].candidates).mean(axis=0) if SILENCE in added else np.zeros(0, dtype=np.float32)
    if not added:
        return Beside({}, centre)

    def some(rows: slice) -> dict[str, np.ndarray]:
        others = {name: arm.candidates[rows] for name, arm in arms.items()}
        return candidate_blocks(candidates[rows], unknown[rows], recipe, others, centre)

    return Beside(spread_grams(some, (HYBRID, *added), len(candidates)), centre)


def query_blocks(queries: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Block -> (n, d) float32 queries, from those of the other arms."""
    return {**queries} | ({SILENCE: queries[CONTENT]} if CONTENT in queries else {})


def candidate_blocks(
    own: np.ndarray, unknown: np.ndarray, recipe: Recipe, others: Mapping[str, np.ndarray], centre: np.ndarray
) -> dict[str, np.ndarray]:
    """Block -> (n, d) float32 candidates, each row at most of length 1.

    Parameters
    ----------
    own : (n, rank), the hybrid's; `unknown` (n,) how much of each product is guesswork.
    others : arm -> (n, d), candidates of the other arms.
    """
    blocks = {HYBRID: own, **others}
    if recipe.silence.weight:
        loud = np.power(unknown, np.float32(recipe.silence.power))[:, None] / np.float32(2.0)
        content = others[CONTENT]
        blocks[SILENCE] = np.where(has_direction(content)[:, None], (content - centre) * loud, np.float32(0.0))
    return blocks
