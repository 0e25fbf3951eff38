"""Changed products among the served lists: their rows of every arm read again, everything else as the release has it.

A product keeps its behaviour: its own list follows its new content as far as its clicks leave room
(`engine.models.posterior_update`), and it stays on the lists of others where its shoppers put it. A product without
clicks moves on those too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engine.arms.base import KnownProducts, Sides
from engine.arms.registry import sides_of
from engine.catalogue.product import Product, with_products
from engine.core.progress import Progress, silent
from engine.core.workspace import Workspace
from engine.edits.changes.merging import Change
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import read_products
from engine.recommend.vector_cache import Arrays, VectorCache, cache_key

__all__ = ["cached_changes", "changed_products", "vectors_of_changes", "with_changes"]


def changed_products(recommender: Recommender, workspace: Workspace, changes: Sequence[Change]) -> dict[str, Product]:
    """Item id -> the product as changed, of the products of this release whose change still holds."""
    found: dict[str, Product] = {}
    for change in changes:
        if change.item_id in recommender:
            changed = change.apply(recommender.product(change.item_id))
            if changed is not None:
                found[change.item_id] = changed.readable_by(recommender.attribute_kinds, workspace)
    return found


def vectors_of_changes(
    recommender: Recommender, workspace: Workspace, products: Mapping[str, Product], progress: Progress = silent
) -> dict[str, Arrays]:
    """Item id -> its vectors in every arm, from the cache on disk or else computed; without products that cannot be read.

    Parameters
    ----------
    recommender : the release as it was trained.
    products : item id -> the product as changed.
    """
    ids = list(products)

    def compute(positions: list[int]) -> list[Arrays]:
        rows = np.array([recommender.row(ids[position]) for position in positions])
        sides = _sides(recommender, workspace, rows, [products[ids[position]] for position in positions])
        return [
            {
                f"{arm}.{letter}": vectors[row]
                for arm, one in sides.items()
                for letter, vectors in (("q", one.query), ("c", one.candidates))
            }
            for row in range(len(rows))
        ]

    cache = VectorCache(workspace, recommender.edition)
    found = cache.fill([_key(item_id, products[item_id]) for item_id in ids], compute, progress)
    return {item_id: arrays for item_id, arrays in zip(ids, found, strict=True) if arrays is not None}


def cached_changes(
    recommender: Recommender, workspace: Workspace, products: Mapping[str, Product]
) -> dict[str, Arrays]:
    """As `vectors_of_changes`, only those whose vectors are in the cache: reads no picture and loads no network."""
    cache = VectorCache(workspace, recommender.edition)
    found = {item_id: cache.read(_key(item_id, product)) for item_id, product in products.items()}
    return {item_id: arrays for item_id, arrays in found.items() if arrays is not None}


def with_changes(
    recommender: Recommender,
    workspace: Workspace,
    products: Mapping[str, Product],
    vectors: Mapping[str, Arrays],
) -> Recommender:
    """The release with these products as changed, searched by these vectors; the one given is not touched."""
    if not products:
        return recommender
    arms = {name: recommender.arm(name) for name in recommender.arms}
    if vectors:
        rows = np.array([recommender.row(item_id) for item_id in vectors])
        for name, arm in arms.items():
            query, candidates = (np.stack([one[f"{name}.{side}"] for one in vectors.values()]) for side in "qc")
            arms[name] = arm.with_rows(rows, query, candidates)
    version = cache_key([(one, products[one].to_json(), one in vectors) for one in sorted(products)])[:12]
    by_row = {recommender.row(item_id): product for item_id, product in products.items()}
    items = with_products(recommender.items, by_row, recommender.attribute_kinds, workspace)
    changed = np.array(sorted(by_row), dtype=np.int64)
    return recommender.with_rows(items, arms, f"{recommender.release_id}-{version}", changed)


def _key(item_id: str, product: Product) -> str:
    return cache_key("changed", item_id, product.to_json())


def _sides(
    recommender: Recommender, workspace: Workspace, rows: np.ndarray, products: Sequence[Product]
) -> dict[str, Sides]:
    """Every arm's vectors of products of the catalogue with other content."""
    kinds = recommender.attribute_kinds
    before = [recommender.product(int(row)).readable_by(kinds, workspace) for row in rows]
    both = read_products(recommender, workspace, [*products, *before])
    known = KnownProducts(
        rows,
        recommender.items["interaction_count"].to_numpy()[rows],
        both[len(rows) :],
        np.asarray(recommender.profiles[rows]),
        {name: recommender.arm(name).vectors_of(rows) for name in recommender.arms},
    )
    return sides_of(both[: len(rows)], recommender.arm_facts, known)
