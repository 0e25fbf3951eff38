"""Changed products among the served lists: their rows of every arm read again, everything else as the release has it.

Behaviour stays where it was: a product keeps its clicks, so its own list follows its new content as far as the clicks
leave room (`engine.models.posterior_update`), and on others' lists it stands where its shoppers put it. Without clicks it moves
there too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.arms.fusion import ArmVectors, arm_vectors
from engine.arms.hybrid import arms_beside, asked_of
from engine.arms.hybrid_files import SavedHybrid
from engine.core.progress import Progress, silent
from engine.core.vectors import unit_rows
from engine.core.workspace import Workspace
from engine.edits.changes.merging import Change, changed, in_force
from engine.edits.drafts.served import candidates_of_unseen
from engine.models.posterior_update import PosteriorUpdate
from engine.models.smoother import Rows
from engine.recommend.product_description import described, readable, set_rows
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import Reading, UnseenVectors, read_described
from engine.recommend.vector_cache import Arrays, VectorCache, cache_key

__all__ = ["cached_changes", "changed_in", "vectors_of_changes", "with_changes"]

Sides = dict[str, tuple[np.ndarray, np.ndarray]]
"""Of every arm what n products ask with and what they are found by, (n, d) float32 each."""


def changed_in(recommender: Recommender, workspace: Workspace, changes: Sequence[Change]) -> dict[str, dict[str, Any]]:
    """Item id -> the product as it is now, of those whose change holds in this release."""
    found: dict[str, dict[str, Any]] = {}
    for change in changes:
        if change.item_id in recommender:
            now = described(recommender, recommender.row(change.item_id))
            if fields := in_force(change, now):
                found[change.item_id] = readable(changed(now, fields), recommender, workspace)
    return found


def vectors_of_changes(
    recommender: Recommender, workspace: Workspace, items: Mapping[str, Mapping[str, Any]], progress: Progress = silent
) -> dict[str, Arrays]:
    """Item id -> its vectors in every arm, kept on disk from the first time on; without those that cannot be read.

    Parameters
    ----------
    recommender : the release as it was trained.
    items : item id -> the product as it is now.
    """
    ids = list(items)
    kept = VectorCache(workspace, recommender.release_id)

    def work(places: list[int]) -> list[Arrays]:
        rows = np.array([recommender.row(ids[place]) for place in places])
        sides = _sides(recommender, workspace, rows, [items[ids[place]] for place in places])
        return [
            {f"{arm}.{side}": pair[number][place] for arm, pair in sides.items() for number, side in enumerate("qc")}
            for place in range(len(rows))
        ]

    found = kept.fill([_key(one, items[one]) for one in ids], work, progress)
    return {one: arrays for one, arrays in zip(ids, found, strict=True) if arrays is not None}


def cached_changes(
    recommender: Recommender, workspace: Workspace, items: Mapping[str, Mapping[str, Any]]
) -> dict[str, Arrays]:
    """As `vectors_of_changes`, those alone whose vectors are on disk: reads no picture and loads no network."""
    kept = VectorCache(workspace, recommender.release_id)
    found = {one: kept.read(_key(one, item)) for one, item in items.items()}
    return {one: arrays for one, arrays in found.items() if arrays is not None}


def with_changes(
    recommender: Recommender,
    workspace: Workspace,
    items: Mapping[str, Mapping[str, Any]],
    vectors: Mapping[str, Arrays],
) -> Recommender:
    """The release with these products as they are now, searched by these vectors; the one given stays as it is."""
    if not items:
        return recommender
    arms = {name: recommender.arm(name) for name in recommender.arms}
    if vectors:
        rows = np.array([recommender.row(one) for one in vectors])
        for name, arm in arms.items():
            query, candidates = (np.stack([one[f"{name}.{side}"] for one in vectors.values()]) for side in "qc")
            arms[name] = arm.with_rows(rows, query, candidates)
    version = cache_key([(one, dict(items[one]), one in vectors) for one in sorted(items)])[:12]
    kinds = recommender.manifest.extra.get("shop", {}).get("attributes", {})
    facts = set_rows(recommender.items, {recommender.row(one): item for one, item in items.items()}, kinds, workspace)
    return recommender.with_rows(facts, arms, f"{recommender.release_id}-{version}")


def _key(item_id: str, item: Mapping[str, Any]) -> str:
    return cache_key("changed", item_id, dict(item))


def _sides(
    recommender: Recommender, workspace: Workspace, rows: np.ndarray, items: Sequence[Mapping[str, Any]]
) -> Sides:
    """Every arm's vectors of products of the catalogue that are described anew."""
    before = [described(recommender, int(row), workspace) for row in rows]
    both = read_described(recommender, workspace, [*items, *before])
    now, then = both[: len(rows)], both[len(rows) :]
    counts = recommender.items["interaction_count"].to_numpy()[rows]
    sides: Sides = {
        "als": (np.asarray(recommender.arm("als").query[rows]), np.asarray(recommender.arm("als").candidates[rows])),
        "content": (unit_rows(now.content), unit_rows(now.content)),
        "predicted": _predicted(recommender, rows, counts, now.predicted),
    }
    if now.hybrid is None:
        tau = recommender.plan.known_above
        blended = arm_vectors(recommender.item_factors[rows], now.predicted, now.content, counts, tau)["hybrid"]
        return {**sides, "hybrid": (blended.query, blended.candidates)}
    return {**sides, "hybrid": _hybrid(recommender, workspace, rows, counts, now, then, sides)}


def _predicted(
    recommender: Recommender, rows: np.ndarray, counts: np.ndarray, predicted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The new prediction asks; it is what the product is found by too, unless its own behaviour is well known."""
    units = unit_rows(predicted)
    width = units.shape[1]
    found_by = np.asarray(recommender.arm("predicted").candidates[rows])
    worth = np.linalg.norm(found_by[:, :width], axis=1, keepdims=True)
    fresh = np.hstack([worth * units, np.sqrt(np.maximum(1.0 - worth**2, 0.0))])
    known = counts[:, None] > recommender.plan.known_above
    query = np.hstack([units, np.zeros((len(units), 1), dtype=np.float32)])
    return query, np.where(known, found_by, fresh).astype(np.float32)


def _hybrid(
    recommender: Recommender,
    workspace: Workspace,
    rows: np.ndarray,
    counts: np.ndarray,
    now: Reading,
    then: Reading,
    sides: Sides,
) -> tuple[np.ndarray, np.ndarray]:
    saved, search = now.hybrid, recommender.arm("hybrid")
    assert saved is not None
    rank, recipe = saved.smoother.coefficients.shape[1], saved.recipe
    smoothed = _moved(recommender, saved, rows, then.views, now.views)
    asked = saved.corrected(smoothed, now.views, rows)
    beside = arms_beside(recipe)
    spread = np.float32(np.sqrt(1 + len(beside)))
    everywhere = np.ones(len(search.candidates), dtype=bool)
    arms = {
        name: ArmVectors(
            pair[0], np.asarray(recommender.arm(name).candidates), np.asarray(pair[0].any(axis=1)), everywhere
        )
        for name, pair in sides.items()
    }
    query = asked_of(asked, spread * search.candidates[:, :rank], counts, recipe, arms)
    blocks = np.asarray(search.candidates[rows][:, :rank])
    if (counts == 0).any():
        cold = candidates_of_unseen(recommender, workspace, UnseenVectors(query, now.present, smoothed))
        blocks = np.where((counts == 0)[:, None], np.nan_to_num(cold[:, :rank]), blocks)
    full = np.concatenate([blocks, *(sides[name][1] / spread for name in beside)], axis=1)
    rest = np.sqrt(np.maximum(1.0 - np.square(full).sum(axis=1, keepdims=True), 0.0))
    known = np.any(blocks, axis=1, keepdims=True)
    return query.astype(np.float32), (np.hstack([full, rest]) * known).astype(np.float32)


_movers: dict[str, PosteriorUpdate] = {}


def _moved(
    recommender: Recommender,
    saved: SavedHybrid,
    rows: np.ndarray,
    before: Mapping[str, Rows],
    after: Mapping[str, Rows],
) -> np.ndarray:
    """(n, rank) float32 smoothed vectors; in releases from before products could change what the new content says alone."""
    if saved.observed_lengths is None:
        return saved.smoothed(after)
    key = str(recommender.directory)
    if key not in _movers:
        _movers.clear()
        _movers[key] = PosteriorUpdate(
            saved.smoother, recommender.items["interaction_count"].to_numpy(), saved.recipe.noise
        )
    own = recommender.profiles[rows] * saved.observed_lengths[rows][:, None]
    return _movers[key](rows, before, after, own)
