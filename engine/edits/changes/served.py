"""Changed products among the served lists: their rows of every arm read again, everything else as the release has it.

Behaviour stays where it was: a product keeps its clicks, so its own list follows its new content as far as the clicks
leave room (`engine.models.posterior_update`), and on others' lists it stands where its shoppers put it. Without clicks it moves
there too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.arms.base import KnownProducts, Sides
from engine.arms.registry import sides_of
from engine.core.progress import Progress, silent
from engine.core.workspace import Workspace
from engine.edits.changes.merging import Change, changed, in_force
from engine.recommend.product_description import described, readable, set_rows
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import read_products
from engine.recommend.vector_cache import Arrays, VectorCache, cache_key

__all__ = ["cached_changes", "changed_in", "vectors_of_changes", "with_changes"]


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
            {
                f"{arm}.{letter}": vectors[place]
                for arm, one in sides.items()
                for letter, vectors in (("q", one.query), ("c", one.candidates))
            }
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
) -> dict[str, Sides]:
    """Every arm's vectors of products of the catalogue that are described anew."""
    before = [described(recommender, int(row), workspace) for row in rows]
    both = read_products(recommender, workspace, [*items, *before])
    known = KnownProducts(
        rows,
        recommender.items["interaction_count"].to_numpy()[rows],
        both[len(rows) :],
        np.asarray(recommender.profiles[rows]),
        {name: recommender.arm(name).vectors_of(rows) for name in recommender.arms},
    )
    return sides_of(both[: len(rows)], recommender.arm_facts, known)
