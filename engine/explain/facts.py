"""Facts about a product and the neighbours on one of its lists, each of which anybody can work out again from the data.

Explainer(release).facts(Anchor.of(release, "sku-1"), neighbours, "hybrid")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from scipy import sparse

from engine.catalogue.product import Product
from engine.explain.content_parts import ContentParts
from engine.explain.equal_values import EqualValues
from engine.explain.score_parts import score_parts
from engine.models.recipe import CONTENT
from engine.recommend.neighbour import Neighbour
from engine.recommend.recommender import Recommender

__all__ = ["LOOK_ALIKES", "Anchor", "Explainer", "Facts"]

LOOK_ALIKES = 10
KEPT = 1_000
"""Products whose look-alikes are remembered."""


@dataclass(frozen=True)
class Anchor:
    """The product whose list it is.

    Attributes
    ----------
    row : in the catalogue; None where the release does not have it.
    queries : arm -> (d,) float32, what it asks with, of a product that has a row the release's own; nothing is said of arms that are
        not in it.
    """

    product: Product
    row: int | None
    queries: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, release: Recommender, item_id: str) -> Anchor:
        """A product of the catalogue; raises `NotFoundError`."""
        row = release.row(item_id)
        return cls(release.product(row), row, {name: release.arm(name).query[row] for name in release.arms})


@dataclass(frozen=True)
class Facts:
    """What is known of a product and one neighbour of it.

    Attributes
    ----------
    counts : interactions of the product and of the neighbour.
    shared : shoppers who have both, and `by_chance` how many that would be if the two had nothing to do with each other.
    carried : shoppers who have the neighbour and another of the `LOOK_ALIKES` products nearest to the product by content, but not
        the product itself.
    equal : fields with the same value in both, the rarest value first; without values that most products have.
    alike : modality -> share of random pairs that are less alike, 0 to 1; of modalities that both have.
    same : "image" where both have the very same picture, "text" where title and description are equal.
    missing : modalities that one of the two lacks: these are compared by what is expected of it.
    parts : part -> its share of the score, as `score_parts` gives them; empty where that is not known.
    """

    item_id: str
    counts: tuple[int, int]
    shared: int = 0
    by_chance: float = 0.0
    carried: int = 0
    equal: tuple[str, ...] = ()
    alike: Mapping[str, float] = field(default_factory=dict)
    same: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    parts: Mapping[str, float] = field(default_factory=dict)


class Explainer:
    """Facts from one version of a release; keeps what it counted of the catalogue. Safe to share between threads."""

    def __init__(self, release: Recommender) -> None:
        self._release = release
        self._counts = release.items["interaction_count"].to_numpy()
        self._content = ContentParts(release)
        self._values = EqualValues(release.items, release.attribute_kinds)
        # A page asks for both lists of a product, and again whenever it runs.
        self._near_row = lru_cache(KEPT)(lambda row: self._near(release.arm(CONTENT).query[row], exclude=row))

    def facts(
        self, anchor: Anchor, neighbours: Sequence[Neighbour], arm: str, drafts: Mapping[str, Product] | None = None
    ) -> list[Facts]:
        """Facts about each neighbour on the product's list of this arm, in their order.

        Parameters
        ----------
        drafts : neighbour id -> product, of the neighbours that the release does not have (row -1); little is said of one that is not there.
        """
        known = [one for one in neighbours if one.row >= 0]
        rows = np.array([one.row for one in known], dtype=np.int64)
        found = {one.item_id: facts for one, facts in zip(known, self._of_rows(anchor, known, rows, arm), strict=True)}
        own = self._count(anchor)
        for one in neighbours:
            if one.item_id not in found:
                found[one.item_id] = self._of_content(
                    anchor.product, one.item_id, (drafts or {}).get(one.item_id, Product()), (own, 0)
                )
        return [found[one.item_id] for one in neighbours]

    def _of_rows(self, anchor: Anchor, known: Sequence[Neighbour], rows: np.ndarray, arm: str) -> list[Facts]:
        own, query = self._count(anchor), anchor.queries.get(arm)
        parts = (
            [{} for _ in rows] if query is None else score_parts(self._release, self._content, arm, query, own, rows)
        )
        content = anchor.queries.get(CONTENT)
        alike = {} if content is None else self._content.alike(content, rows)
        shared, carried = self._together(anchor, rows)
        found = []
        for place, one in enumerate(known):
            count = int(self._counts[one.row])
            plain = self._of_content(anchor.product, one.item_id, self._release.product(one.row), (own, count))
            found.append(
                Facts(
                    one.item_id, plain.counts, int(shared[place]), own * count / max(self._release.item_users.shape[0], 1),
                    int(carried[place]), plain.equal,
                    {name: float(shares[place]) for name, shares in alike.items() if name not in plain.missing},
                    plain.same, plain.missing, parts[place],
                )
            )  # fmt: skip
        return found

    def _of_content(self, product: Product, item_id: str, other: Product, counts: tuple[int, int]) -> Facts:
        missing = self._values.missing(product) | self._values.missing(other)
        return Facts(
            item_id, counts, equal=self._values.equal(product, other), same=_same(product, other), missing=missing
        )

    def _count(self, anchor: Anchor) -> int:
        return 0 if anchor.row is None else int(self._counts[anchor.row])

    def _together(self, anchor: Anchor, rows: np.ndarray) -> tuple[list[int], list[int]]:
        """Of each row: shoppers who have it and the anchor; those who have it and a look-alike, but not the anchor."""
        item_users = self._release.item_users
        own, near = np.zeros(item_users.shape[0], dtype=bool), np.zeros(item_users.shape[0], dtype=np.int16)
        if anchor.row is not None:
            own[_users(item_users, anchor.row)] = True
        look_alikes = self._look_alikes(anchor)
        for row in look_alikes:
            near[_users(item_users, row)] += 1
        near[own] = 0
        users = [_users(item_users, int(row)) for row in rows]
        shared = [int(own[some].sum()) for some in users]
        # A neighbour that is a look-alike itself is not one of the others that its shoppers have.
        carried = [int((near[some] > (row in look_alikes)).sum()) for row, some in zip(rows, users, strict=True)]
        return shared, carried

    def _look_alikes(self, anchor: Anchor) -> list[int]:
        query = anchor.queries.get(CONTENT)
        if query is None:
            return []
        return self._near(query) if anchor.row is None else self._near_row(anchor.row)

    def _near(self, query: np.ndarray, exclude: int | None = None) -> list[int]:
        return [int(row) for row in self._release.arm(CONTENT).of_vector(query, LOOK_ALIKES, exclude=exclude)[0]]


def _users(item_users: sparse.csc_matrix, row: int) -> np.ndarray:
    return np.asarray(item_users.indices[item_users.indptr[row] : item_users.indptr[row + 1]])


def _same(product: Product, other: Product) -> frozenset[str]:
    same = set()
    if product.image is not None and product.image == other.image:
        same.add("image")
    if product.title is not None and (product.title, product.description) == (other.title, other.description):
        same.add("text")
    return frozenset(same)
