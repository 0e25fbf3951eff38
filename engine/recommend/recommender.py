"""The read-only facade over one release: what pages, exports and commands ask for neighbours and recommendations.

Opening checks every file, maps the vectors and loads no network; nothing here imports torch. All methods may be called
from any number of threads.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy import sparse

from engine.arms.plan import TrainingPlan
from engine.catalogue.product import Product
from engine.core.errors import NotFoundError, ReleaseError
from engine.core.workspace import Workspace
from engine.models.user_scoring import UserScorer, UserScoring
from engine.release.arm_search import ArmSearch, open_arms
from engine.release.judged_products import products_trained_on
from engine.release.manifest import Manifest
from engine.release.publish import last_good_release, verify_release

__all__ = ["Neighbour", "Recommender"]

# What a shopper's vector is multiplied with, by arm: the items' own factors, or what they and their look-alikes have.
_SHOPPER_FILES = {"als": "item_factors.npy", "hybrid": "hybrid.npy"}


@dataclass(frozen=True)
class Neighbour:
    """One product in a list.

    Attributes
    ----------
    rank : 1 is the best.
    score : the cosine for similar items; for a shopper higher is better, nothing more.
    """

    item_id: str
    row: int
    rank: int
    score: float


class Recommender:
    """One release, open for reading.

    Attributes
    ----------
    notice : a sentence for the page where this is not the release that was published last; else None.
    directory : of the release; its files are never written to.
    version : the release's id, and what of it was changed since (`with_rows`): what was worked out holds for one version.
    """

    def __init__(self, directory: Path, manifest: Manifest, notice: str | None = None):
        """Open the files of a release that was just verified; `Recommender.open` does both."""
        self.directory, self.manifest, self.notice = directory, manifest, notice
        try:
            self._items = _read_items(directory / "items.parquet")
            user_ids = pq.read_table(directory / "user_ids.parquet", columns=["user_id"])["user_id"].to_pylist()
            self._user_items = sparse.csr_matrix(sparse.load_npz(directory / "user_items.npz"))
            self._user_factors = _map(directory / "user_factors.npy")
            self._profiles = _map(directory / "profiles.npy")
            self._shopper_factors = {arm: _map(directory / file) for arm, file in _SHOPPER_FILES.items()}
        except (OSError, ValueError, KeyError, pa.ArrowException) as exc:
            raise ReleaseError(f"{manifest.label} cannot be opened ({exc}). Train a new one.") from exc
        n_items, n_users = len(self._items), len(user_ids)
        if n_items != manifest.n_items or self._user_items.shape != (n_users, n_items):
            raise ReleaseError(
                f"{manifest.label} contradicts itself: {n_items} products, {manifest.n_items} by its manifest, "
                f"and behaviour of {self._user_items.shape[1]}. Train a new one."
            )
        self._item_ids: NDArray[np.object_] = self._items["item_id"].to_numpy(dtype=object)
        self._row_of: dict[str, int] = {item_id: row for row, item_id in enumerate(self._item_ids)}
        self._user_ids: list[str] = user_ids
        self._user_of: dict[str, int] = {user_id: position for position, user_id in enumerate(user_ids)}
        self._arms = open_arms(directory, manifest.arms, n_items)
        self.version = manifest.release_id

    @classmethod
    def open(cls, workspace: Workspace, release_id: str | None = None) -> Recommender:
        """Verify and open a release: the one asked for, else the published one, else the last good one with a `notice`.

        Raises `NoReleaseError`, `NotFoundError` or `ReleaseError`, saying what to do.
        """
        notice = None
        if release_id is None:
            release_id, notice = last_good_release(workspace)
        manifest = verify_release(workspace, release_id)
        return cls(workspace.releases / release_id, manifest, notice)

    def with_rows(self, items: pd.DataFrame, arms: Mapping[str, ArmSearch], version: str) -> Recommender:
        """The same release with other facts and vectors of some products; this one stays as it is."""
        other = copy(self)
        other._items, other._arms, other.version = items, dict(arms), version
        return other

    @property
    def release_id(self) -> str:
        return self.manifest.release_id

    @property
    def items(self) -> pd.DataFrame:
        """The products in row order, with `interaction_count`. Shared: do not change it."""
        return self._items

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms this release has."""
        return tuple(self._arms)

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """metrics.json whole."""
        return self._json("metrics.json")

    @cached_property
    def training(self) -> dict[str, Any]:
        """training.json whole: losses, curves, the plan, settings."""
        return self._json("training.json")

    @cached_property
    def plan(self) -> TrainingPlan:
        """What the release was trained with, and what was compared to choose it."""
        return TrainingPlan.from_dict(self.training["plan"])

    @property
    def profiles(self) -> NDArray[np.float32]:
        """(n_items, rank), memory-mapped: directions of residual behaviour."""
        return self._profiles

    @property
    def arm_facts(self) -> dict[str, Mapping[str, float]]:
        """Arm -> the numbers it keeps for products that are described later."""
        return {name: search.facts for name, search in self._arms.items()}

    @cached_property
    def trained_on(self) -> frozenset[str]:
        """Ids of the products whose judgements the release learned from: nothing they say may score it."""
        return products_trained_on(self.directory)

    @cached_property
    def maps(self) -> pd.DataFrame:
        """item_id and each map's coordinates (`als_x`, `als_y`, `hybrid_x`, `hybrid_y`), NaN where an item has no place."""
        return pd.read_parquet(self.directory / "maps.parquet")

    def row(self, item_id: str) -> int:
        """The row of a product; `NotFoundError` when the release does not have it."""
        try:
            return self._row_of[item_id]
        except KeyError as exc:
            raise NotFoundError(
                f"There is no product {item_id!r} in {self.manifest.label}. If it is new, train again."
            ) from exc

    @property
    def attribute_kinds(self) -> Mapping[str, str]:
        """The attributes of the shop that the release was trained on, name -> "category", "number", "text" or "multi"."""
        kinds: Mapping[str, str] = self.manifest.extra["shop"]["attributes"]
        return kinds

    def product(self, item: str | int) -> Product:
        """The product of this id, or in this row; `NotFoundError` when the release does not have the id."""
        row = self.row(item) if isinstance(item, str) else item
        return Product.of_row(self._items.iloc[row], self.attribute_kinds)

    def __contains__(self, item_id: str) -> bool:
        """Whether the release has this product."""
        return item_id in self._row_of

    def arm(self, name: str) -> ArmSearch:
        """The search of one arm; `NotFoundError` naming the arms there are."""
        try:
            return self._arms[name]
        except KeyError as exc:
            raise NotFoundError(
                f"There is no arm {name!r}; {self.manifest.label} has {', '.join(self._arms)}."
            ) from exc

    def neighbours(self, item_id: str, arm: str = "hybrid", k: int = 10) -> list[Neighbour]:
        """The k products most similar to one of the catalogue, best first, itself left out; as the model returns them.

        Empty where the arm knows nothing of the product (`als` without interactions, `content` without content).
        """
        return self.found(*self.arm(arm).of_row(self.row(item_id), k))

    def neighbours_all(self, arm: str = "hybrid", k: int = 10, item_ids: Sequence[str] | None = None) -> pd.DataFrame:
        """The lists of every product, or of `item_ids`: columns item_id, rank, neighbour_id, score.

        Anchors come in the order of the catalogue (or of `item_ids`), ranks ascending; an anchor without a list has no
        rows. The lists are those of `neighbours`.
        """
        search = self.arm(arm)
        rows = np.arange(len(self._items)) if item_ids is None else np.array([self.row(i) for i in item_ids], dtype=int)
        lists = search.of_all(rows, k)
        lengths = np.array([len(found) for found, _ in lists], dtype=np.int64)
        empty = [np.empty(0, dtype=np.int64)]
        neighbours = np.concatenate([*empty, *(found for found, _ in lists)])
        ranks = np.concatenate([*empty, *(np.arange(1, length + 1) for length in lengths)])
        return pd.DataFrame(
            {
                "item_id": pd.array(self._item_ids[np.repeat(rows, lengths)], dtype="str"),
                "rank": ranks.astype(np.int32),
                "neighbour_id": pd.array(self._item_ids[neighbours], dtype="str"),
                "score": np.concatenate([np.empty(0), *(scores for _, scores in lists)]),
            }
        )

    def arms_returning(self, item_id: str, k: int = 10) -> dict[str, dict[str, int]]:
        """Who puts what beside a product: neighbour id -> {arm: rank}, over the k best of every arm."""
        returned: dict[str, dict[str, int]] = {}
        for arm in self._arms:
            for neighbour in self.neighbours(item_id, arm, k):
                returned.setdefault(neighbour.item_id, {})[arm] = neighbour.rank
        return returned

    def ranked_by_shopper(self, user_id: str, arm: str = "hybrid", k: int = 10) -> list[Neighbour]:
        """What the shop would recommend to a shopper, without what they already have.

        `als` can recommend products with interactions alone, `hybrid` all of them.
        """
        user = self._user(user_id)
        if arm not in self._shopper_factors:
            raise NotFoundError(f"Shoppers are served by {', '.join(self._shopper_factors)}, not by {arm!r}.")
        scores = np.asarray(self._shopper_scores(user, arm), dtype=np.float64)
        allowed = np.zeros(len(scores), dtype=bool)
        allowed[self._arms[arm].candidate_rows] = True
        allowed[self._seen(user)] = False
        rows = np.flatnonzero(allowed)
        rows = rows[np.argsort(-np.round(scores[rows], 6), kind="stable")[: max(k, 0)]]
        return self.found(rows, scores[rows])

    def history(self, user_id: str) -> list[str]:
        """Ids of what a shopper interacted with, the weightiest first."""
        user = self._user(user_id)
        rows = self._seen(user)
        weights = self._user_items.data[self._user_items.indptr[user] : self._user_items.indptr[user + 1]]
        return [str(self._item_ids[row]) for row in rows[np.argsort(-weights, kind="stable")]]

    def sample_shoppers(self, n: int, seed: int = 0, min_history: int = 3) -> list[str]:
        """Up to n shoppers at random, with at least `min_history` products each where there are such shoppers."""
        lengths = np.diff(self._user_items.indptr)
        pool = np.flatnonzero(lengths >= min(min_history, int(lengths.max(initial=0))))
        chosen = np.random.default_rng(seed).permutation(pool)[: max(n, 0)]
        return [self._user_ids[position] for position in chosen]

    def has_shopper(self, user_id: str) -> bool:
        """Whether the release knows this shopper."""
        return user_id in self._user_of

    def found(self, rows: Iterable[int], scores: Iterable[float]) -> list[Neighbour]:
        """Rows and scores, best first, as a list of products."""
        pairs = zip(rows, scores, strict=True)
        return [
            Neighbour(str(self._item_ids[row]), int(row), rank, float(score))
            for rank, (row, score) in enumerate(pairs, start=1)
        ]

    @cached_property
    def _user_scorer(self) -> tuple[UserScorer, UserScoring]:
        counts, scoring = self._items["interaction_count"].to_numpy(), self.plan.recipe.user_scoring
        weights = {} if scoring.items is None else {scoring.items: self._item_weights()}
        return UserScorer(self._profiles, self._shopper_factors["hybrid"], counts, weights), scoring

    def _item_weights(self) -> sparse.csr_matrix:
        try:
            return sparse.csr_matrix(sparse.load_npz(self.directory / "item_weights.npz"))
        except (OSError, ValueError, KeyError) as exc:
            raise ReleaseError(
                f"{self.manifest.label}: item_weights.npz cannot be read ({exc}). Train a new one."
            ) from exc

    def _shopper_scores(self, user: int, arm: str) -> NDArray[np.float32]:
        """(n_items,) by their own factors, or for the hybrid by what they have."""
        if arm == "hybrid":
            scorer, scoring = self._user_scorer
            return np.asarray(scorer(self._user_items[[user]], scoring)[0])
        return np.asarray(self._shopper_factors[arm] @ self._user_factors[user])

    def _user(self, user_id: str) -> int:
        try:
            return self._user_of[user_id]
        except KeyError as exc:
            raise NotFoundError(
                f"There is no shopper {user_id!r} in {self.manifest.label}. Pick one from the list, or train again."
            ) from exc

    def _seen(self, user: int) -> NDArray[np.int64]:
        start, end = self._user_items.indptr[user : user + 2]
        return np.asarray(self._user_items.indices[start:end], dtype=np.int64)

    def _json(self, name: str) -> dict[str, Any]:
        try:
            content: Mapping[str, Any] = json.loads((self.directory / name).read_text("utf-8"))
        except (OSError, ValueError) as exc:
            raise ReleaseError(f"{self.manifest.label}: {name} cannot be read ({exc}). Train a new one.") from exc
        return dict(content)


def _map(path: Path) -> NDArray[np.float32]:
    array: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def _read_items(path: Path) -> pd.DataFrame:
    """items.parquet; a multi-valued attribute holds lists of strings or None, as in `engine.catalogue.snapshot`."""
    table = pq.read_table(path)
    items: pd.DataFrame = table.to_pandas()
    for field in table.schema:
        if pa.types.is_list(field.type):
            items[field.name] = pd.Series(table[field.name].to_pylist(), dtype=object)
    if not {"item_id", "interaction_count"} <= set(items.columns):
        raise ValueError(f"{path.name} lacks item_id or interaction_count")
    return items
