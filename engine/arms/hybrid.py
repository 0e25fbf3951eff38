"""Longtail, the arm that shops serve: the hybrid, with other arms beside it where the recipe asks for them.

Queries and candidates are those of `engine.arms.hybrid_fit`. Where the recipe gives a range of counts to another arm, that arm's
block of the vector asks in the hybrid's place; where it adds a channel, the channel's block asks as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from engine.arms.base import FittedModels, KnownProducts, Reading, Sides
from engine.arms.beside import Beside, beside_of, candidate_blocks, query_blocks
from engine.arms.geometry import ArmVectors, BlockLayout, has_direction, spreads
from engine.arms.hybrid_fit import Hybrid, expected_candidates
from engine.core.joined_rows import JoinedRows
from engine.core.large_arrays import LARGE, zeros
from engine.core.large_arrays import blocks as row_blocks
from engine.core.side_by_side import do_side_by_side
from engine.core.vectors import unit_rows
from engine.models.recipe import CONTENT, HYBRID, SILENCE, Recipe

__all__ = ["LONGTAIL", "HybridFrame", "hybrid_arm", "hybrid_layout"]

MADE_AT_ONCE = 1 << 14
"""Products whose vectors are put together at a time."""


@dataclass(frozen=True)
class _Longtail:
    name: str = HYBRID
    title: str = "Longtail"
    help: str = (
        "What the shop shows. It uses what the product's own shoppers did and, where there are few of them, "
        "what shoppers of similar products did."
    )
    colour: str = "#1d8a78"
    dark_colour: str = "#5cc8b0"
    is_channel: bool = False

    def vectors(self, fitted: FittedModels, others: Mapping[str, ArmVectors]) -> ArmVectors | None:
        """By the recipe that the hybrid was fitted with."""
        if fitted.hybrid is None:
            return None
        return hybrid_arm(fitted.hybrid, fitted.hybrid.recipe, others)

    def sides(
        self,
        reading: Reading,
        known: KnownProducts | None,
        facts: Mapping[str, float],
        others: Mapping[str, Sides],
    ) -> Sides:
        """A product keeps its interactions: its own list follows its new content as far as they leave room, and on
        others' lists it stays where its shoppers put it. Without interactions it moves on both sides."""
        saved = reading.hybrid
        smoothed, unknown = _smoothed(reading, known)
        asked = saved.corrected(smoothed, reading.views, None if known is None else known.rows)
        counts = np.zeros(len(asked), dtype=np.int64) if known is None else known.counts
        queries = query_blocks({name: side.query for name, side in others.items()})
        layout = _layout(saved.recipe, asked.shape[1], queries)
        query = _queries(layout, _Asked(asked, counts, unknown), saved.recipe, queries, saved.beside.grams)
        own = expected_candidates(smoothed, saved.recipe, saved.longest)
        if known is not None:
            stored = layout.block(known.stored[self.name].candidates, HYBRID) * layout.scale
            own = np.where((counts > 0)[:, None], stored, own)
        theirs = {name: side.candidates for name, side in others.items()}
        blocks = candidate_blocks(own, unknown, saved.recipe, theirs, saved.beside.centre)
        found = layout.candidates(blocks) * _found(blocks, layout)[:, None]
        return Sides(query * reading.present[:, None], found * reading.present[:, None])


LONGTAIL = _Longtail()


@dataclass(frozen=True)
class _Asked:
    """n smoothed queries (n, rank) with their products' interactions and how much of each is guesswork, (n,) each."""

    query: np.ndarray
    counts: np.ndarray
    unknown: np.ndarray


@dataclass(frozen=True)
class HybridFrame:
    """The hybrid with every arm that a recipe has beside it, to be asked by recipes that weigh these differently."""

    hybrid: Hybrid
    recipe: Recipe
    layout: BlockLayout
    beside: Beside
    arms: Mapping[str, ArmVectors]

    @classmethod
    def of(cls, hybrid: Hybrid, recipe: Recipe, arms: Mapping[str, ArmVectors]) -> HybridFrame:
        """With the arms that `recipe` has beside the hybrid; `arms` are the others, n_items rows each."""
        queries = query_blocks({name: np.asarray(arm.query) for name, arm in arms.items()})
        layout = _layout(recipe, hybrid.candidates.shape[1], queries)
        return cls(hybrid, recipe, layout, beside_of(hybrid.candidates, hybrid.unknown, recipe, arms), arms)

    def queries(self, recipe: Recipe, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """(n, d) float32 unit rows by a recipe that adds no block which the frame lacks."""
        hybrid = self.hybrid
        asked = _Asked(hybrid.query[rows], hybrid.counts[rows], hybrid.unknown[rows])
        theirs = query_blocks({name: arm.query[rows] for name, arm in self.arms.items()})
        return _queries(self.layout, asked, recipe, theirs, self.beside.grams)

    def candidates(self, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """(n, d) float32 unit rows, zero where nothing is known."""
        hybrid = self.hybrid
        theirs = {name: arm.candidates[rows] for name, arm in self.arms.items()}
        blocks = candidate_blocks(
            hybrid.candidates[rows], hybrid.unknown[rows], self.recipe, theirs, self.beside.centre
        )
        found = self.layout.candidates(blocks)
        found[~_found(blocks, self.layout)] = 0.0
        return found


def hybrid_arm(hybrid: Hybrid, recipe: Recipe, arms: Mapping[str, ArmVectors]) -> ArmVectors:
    """Unit rows whose cosines rank as the inner products of the hybrid's queries and candidates do, with the arms of a
    recipe beside; `arms` are the others, n_items rows each. A large table of content is not written out in them again."""
    frame = HybridFrame.of(hybrid, recipe, arms)

    def ask(rows: slice) -> np.ndarray:
        return frame.queries(recipe, rows)

    if SILENCE not in frame.layout.widths or 4 * arms[CONTENT].query.size < LARGE:
        return ArmVectors(_written_out(frame, ask), _written_out(frame, frame.candidates))
    content, centre = arms[CONTENT], frame.beside.centre
    asked = _joined(frame, ask, np.asarray(content.query), np.zeros_like(centre))
    return ArmVectors(asked, _joined(frame, frame.candidates, np.asarray(content.candidates), centre))


def _written_out(frame: HybridFrame, made: Callable[[slice], np.ndarray]) -> np.ndarray:
    """A side as one array, from what is made of some rows."""
    found = zeros((len(frame.hybrid.query), frame.layout.width))

    def write(rows: slice) -> None:
        found[rows] = made(rows)

    do_side_by_side(write, row_blocks(len(found), MADE_AT_ONCE))
    return found


def _joined(
    frame: HybridFrame, made: Callable[[slice], np.ndarray], content: np.ndarray, centre: np.ndarray
) -> JoinedRows:
    """The same with the content that stands beside behaviour, less its centre, left where it is."""
    columns = frame.layout.columns(SILENCE)
    own = zeros((len(content), frame.layout.width - len(centre)))
    scale = np.zeros(len(content), dtype=np.float32)

    def take_apart(rows: slice) -> None:
        found, plain = made(rows), content[rows] - centre
        own[rows] = np.delete(found, columns, axis=1)
        squares = np.einsum("nd,nd->n", plain, plain)
        spoken = np.einsum("nd,nd->n", found[:, columns], plain)
        np.divide(spoken, squares, out=scale[rows], where=squares > 0)

    do_side_by_side(take_apart, row_blocks(len(own), MADE_AT_ONCE))
    return JoinedRows(own, scale, content, centre, columns.start)


def hybrid_layout(recipe: Recipe, rank: int, widths: Mapping[str, int]) -> BlockLayout:
    """Which columns of the hybrid's vectors are whose; `widths` are those of the blocks that may stand beside its own."""
    return BlockLayout({HYBRID: rank} | {name: widths[name] for name in recipe.blocks_beside()})


def _found(blocks: Mapping[str, np.ndarray], layout: BlockLayout) -> np.ndarray:
    """(n,) bool, candidates that can be found: by behaviour, their look-alikes' or, where content speaks, by content."""
    known = has_direction(blocks[HYBRID])
    return known | has_direction(blocks[SILENCE]) if SILENCE in layout.widths else known


def _smoothed(reading: Reading, known: KnownProducts | None) -> tuple[np.ndarray, np.ndarray]:
    if known is None:
        return reading.hybrid.expected(reading.views)
    return reading.hybrid.moved(known.rows, known.before.views, reading.views, known.profiles)


def _layout(recipe: Recipe, rank: int, queries: Mapping[str, np.ndarray]) -> BlockLayout:
    return hybrid_layout(recipe, rank, {name: block.shape[1] for name, block in queries.items()})


def _queries(
    layout: BlockLayout,
    asked: _Asked,
    recipe: Recipe,
    queries: Mapping[str, np.ndarray],
    grams: Mapping[str, np.ndarray],
) -> np.ndarray:
    """(n, d) float32: the block of the arm that answers, with the arms that are added to it."""
    answering = recipe.answering(asked.counts)
    blocks = {HYBRID: unit_rows(asked.query)} | {name: queries[name] for name in layout.widths if name != HYBRID}
    found = layout.queries(
        {
            name: np.where((answering == name)[:, None], block, np.float32(0.0)).astype(np.float32)
            for name, block in blocks.items()
        }
    )
    return _with_arms_added(layout, found, asked, recipe, queries, grams)


def _with_arms_added(
    layout: BlockLayout,
    found: np.ndarray,
    asked: _Asked,
    recipe: Recipe,
    queries: Mapping[str, np.ndarray],
    grams: Mapping[str, np.ndarray],
) -> np.ndarray:
    """Queries with another arm's query in its block wherever the hybrid itself answers; unit rows.

    Both similarities are divided by their standard deviation over the candidates, row by row, so that a weight of 1
    lets them speak equally loud.
    """
    own, full = layout.block(found, HYBRID), found.copy()
    answers = recipe.answering(asked.counts) == HYBRID
    for name in recipe.blocks_added():
        weights = recipe.weights_beside(name, asked.counts, asked.unknown)
        mixed = (weights > 0) & has_direction(own) & has_direction(queries[name])
        if mixed.any():
            theirs = spreads(queries[name][mixed], grams[name])
            scale = weights[mixed] * spreads(own[mixed], grams[HYBRID]) / np.maximum(theirs, 1e-12)
            layout.block(full, name)[mixed] = scale.astype(np.float32)[:, None] * queries[name][mixed]
        if name == SILENCE:
            alone = answers & ~has_direction(own) & has_direction(queries[name])
            layout.block(full, name)[alone] = queries[name][alone]
    return unit_rows(full)
