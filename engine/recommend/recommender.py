"""The read-only facade over one release: what pages, exports and commands ask for neighbours and recommendations.

Opening checks every file, holds the vectors in private copies and loads no network; nothing here imports torch. All methods may be called
from any number of threads.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from engine.arms.plan import TrainingPlan
from engine.catalogue.product import Product
from engine.core.errors import NoRoomError, NotFoundError, ReleaseContentError, ReleaseError
from engine.core.shared_results import shared_arrays
from engine.core.workspace import Workspace
from engine.models.recipe import CONTENT
from engine.recommend.listed_release import ListedRelease, opening
from engine.recommend.neighbour import Neighbour
from engine.recommend.shopper_lists import SHOPPER_FILES, ShopperLists
from engine.release.arm_search import ArmSearch, Found, open_arms
from engine.release.files import making_sense_of
from engine.release.judged_products import judged_products
from engine.release.manifest import Manifest, read_manifest
from engine.release.publish import last_good_release, refuse_content, verify_release
from engine.release.room import check_room
from engine.release.shop_files import read_user_ids
from engine.release.top_lists import TOP

__all__ = ["Recommender"]

_USER_ITEMS = "user_items.npz"
_MOST_TRIES = 20  # releases that are tried, or changes of one that are waited for

logger = logging.getLogger(__name__)


class Recommender(ListedRelease):
    """One release, open for reading.

    Attributes
    ----------
    notice : a sentence for the page where this is not the release that was published last; else None.
    directory : of the release; its files are never written to.
    version : its edition, and what of it was changed since (`with_rows`): what was worked out holds for one version.
    changed_rows : (m,) int64, of the products that were changed.
    """

    def __init__(self, directory: Path, manifest: Manifest, notice: str | None = None):
        """Open the files of a release; `Recommender.open` checks those that are read later too. Raises as it does."""
        check_room(manifest)
        super().__init__(directory, manifest)
        self.notice, files, n_items = notice, self.files, manifest.n_items
        with opening(manifest):
            self._user_ids = read_user_ids(files)
            n_users = len(self._user_ids)
            self._user_items = files.csr(_USER_ITEMS, (n_users, n_items))
            self._user_factors = files.vectors("user_factors.npy", n_users)
            self._profiles = files.vectors("profiles.npy", n_items)
            self._shopper_factors = {arm: files.vectors(file, n_items) for arm, file in SHOPPER_FILES.items()}
            self._arms = open_arms(files, n_items)
            self._check_sizes()
        self.version, self.changed_rows = self.edition, np.empty(0, dtype=np.int64)

    @classmethod
    def open(cls, workspace: Workspace, release_id: str | None = None) -> Recommender:
        """Verify and open a release: the one asked for, else the published one, else the last good one with a `notice`.

        Raises `NoReleaseError`, `NotFoundError`, `NoRoomError` or `ReleaseError`, saying what to do.
        """
        if release_id is not None:
            return cls(workspace.releases / release_id, verify_release(workspace, release_id))
        for _ in range(_MOST_TRIES):
            release_id, notice = last_good_release(workspace)
            directory = workspace.releases / release_id
            try:
                return cls(directory, read_manifest(directory), notice)
            except NoRoomError:
                raise
            except ReleaseContentError as exc:
                refuse_content(directory, exc)
            except ReleaseError:
                logger.warning("a release changed while it was opened", exc_info=True)
        raise ReleaseError("Releases change faster than they can be opened. Try again once nothing writes to them.")

    def with_notice(self, notice: str | None) -> Recommender:
        """The same release with another sentence for the page."""
        other = copy(self)
        other.notice = notice
        return other

    def with_rows(
        self, items: pd.DataFrame, arms: Mapping[str, ArmSearch], version: str, changed: NDArray[np.int64]
    ) -> Recommender:
        """The same release with other facts and vectors of the products in the rows `changed`; this one stays as it is."""
        other = copy(self)
        other._items, other._arms, other.version, other.changed_rows = items, dict(arms), version, changed
        return other

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms this release has."""
        return tuple(self._arms)

    @cached_property
    def training(self) -> dict[str, Any]:
        """training.json whole: losses, curves, the plan, settings."""
        return self.files.json("training.json")

    @cached_property
    def plan(self) -> TrainingPlan:
        """What the release was trained with, and what was compared to choose it."""
        with making_sense_of("training.json"):
            return TrainingPlan.from_dict(self.training["plan"])

    def get_ready(self) -> None:
        """Work out what is worked out once for a release, which takes seconds for a million products: who comes first need not wait."""
        _ = self.item_users
        self._shoppers.get_ready()
        for search in self._arms.values():
            search.get_ready()

    @cached_property
    def item_users(self) -> sparse.csc_matrix:
        """(n_users, n_items) by products: who interacted with what. Shared with other processes: do not change it."""

        def make() -> dict[str, NDArray[Any]]:
            found = sparse.csc_matrix(self._user_items)
            return {"data": found.data, "indices": found.indices, "indptr": found.indptr}

        parts = shared_arrays(f"{self.files.sha256(_USER_ITEMS)} by products", make)
        return sparse.csc_matrix((parts["data"], parts["indices"], parts["indptr"]), shape=self._user_items.shape)

    @property
    def profiles(self) -> NDArray[np.float32]:
        """(n_items, rank): directions of residual behaviour."""
        return self._profiles

    @property
    def arm_facts(self) -> dict[str, Mapping[str, float]]:
        """Arm -> the numbers it keeps for products that are described later."""
        return {name: search.facts for name, search in self._arms.items()}

    @cached_property
    def trained_on(self) -> frozenset[str]:
        """Ids of the products whose judgements the release learned from: nothing they say may score it."""
        return judged_products(self.files)

    @cached_property
    def maps(self) -> pd.DataFrame:
        """item_id and each map's coordinates (`als_x`, `als_y`, `hybrid_x`, `hybrid_y`), NaN where an item has no place."""
        table = self.files.table("maps.parquet", ["item_id"], len(self._items))
        with making_sense_of("maps.parquet"):
            maps: pd.DataFrame = table.to_pandas()
            return maps

    @property
    def attribute_kinds(self) -> Mapping[str, str]:
        """The attributes of the shop that the release was trained on, name -> "category", "number", "text" or "multi"."""
        kinds: Mapping[str, str] = self.manifest.extra["shop"]["attributes"]
        return kinds

    def product(self, item: str | int) -> Product:
        """The product of this id, or in this row; `NotFoundError` when the release does not have the id."""
        row = self.row(item) if isinstance(item, str) else item
        return Product.of_row(self._items.iloc[row], self.attribute_kinds)

    def arm(self, name: str) -> ArmSearch:
        """The search of one arm; `NotFoundError` naming the arms there are."""
        try:
            return self._arms[name]
        except KeyError as exc:
            raise NotFoundError(
                f"There is no arm {name!r}; {self.manifest.label} has {', '.join(self._arms)}."
            ) from exc

    @property
    def content(self) -> ArmSearch:
        return self.arm(CONTENT)

    def neighbours(self, item_id: str, arm: str = "hybrid", k: int = 10) -> list[Neighbour]:
        """The k products most similar to one of the catalogue, best first, itself left out; as the model returns them.

        Empty where the arm knows nothing of the product (`als` without interactions, `content` without content).
        """
        return self.found(*self._lists_of(arm, np.array([self.row(item_id)]), k)[0])

    def neighbours_all(self, arm: str = "hybrid", k: int = 10, item_ids: Sequence[str] | None = None) -> pd.DataFrame:
        """The lists of every product, or of `item_ids`: columns item_id, rank, neighbour_id, score.

        Anchors come in the order of the catalogue (or of `item_ids`), ranks ascending; an anchor without a list has no
        rows. The lists are those of `neighbours`.
        """
        rows = np.arange(len(self._items)) if item_ids is None else self._known_rows(item_ids)
        lists = self._lists_of(arm, rows, k)
        lengths = np.array([len(found) for found, _ in lists], dtype=np.int64)
        empty = [np.empty(0, dtype=np.int64)]
        neighbours = np.concatenate([*empty, *(found for found, _ in lists)])
        ranks = np.concatenate([*empty, *(np.arange(1, length + 1) for length in lengths)])
        return pd.DataFrame(
            {
                "item_id": pd.array(self._item_ids.take(np.repeat(rows, lengths)), dtype="str"),
                "rank": ranks.astype(np.int32),
                "neighbour_id": pd.array(self._item_ids.take(neighbours), dtype="str"),
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

    def ranked_by_shopper(
        self, user_id: str, arm: str = "hybrid", k: int = 10, *, favour: float | None = None
    ) -> list[Neighbour]:
        """What the shop would recommend to a shopper, without what they already have.

        `als` can recommend products with interactions alone, `hybrid` all of them.

        Parameters
        ----------
        favour : how often the score of a long-tail product counts when a list of `hybrid` is filled; as the plan says unless given.
        """
        candidates = self.arm(arm).candidate_rows
        return self.found(*self._shoppers.ranked(self._user(user_id), arm, candidates, k, favour))

    def reasons(self, user_id: str, rows: Sequence[int], n: int = 2) -> list[list[int]]:
        """Of each row recommended to a shopper by the hybrid: rows of what they have that it goes with most, best first."""
        return self._shoppers.reasons(self._user(user_id), np.asarray(rows, dtype=np.int64), n)

    def history(self, user_id: str) -> list[str]:
        """Ids of what a shopper interacted with, the weightiest first."""
        user = self._user(user_id)
        rows = self._seen(user)
        weights = self._user_items.data[self._user_items.indptr[user] : self._user_items.indptr[user + 1]]
        return [str(one) for one in self._item_ids.take(rows[np.argsort(-weights, kind="stable")])]

    def sample_shoppers(self, n: int, seed: int = 0, min_history: int = 3) -> list[str]:
        """Up to n shoppers at random, with at least `min_history` products each where there are such shoppers."""
        lengths = np.diff(self._user_items.indptr)
        pool = np.flatnonzero(lengths >= min(min_history, int(lengths.max(initial=0))))
        chosen = np.random.default_rng(seed).permutation(pool)[: max(n, 0)]
        return [self._user_ids[position] for position in chosen]

    def has_shopper(self, user_id: str) -> bool:
        """Whether the release knows this shopper."""
        return user_id in self._user_ids

    @cached_property
    def _shoppers(self) -> ShopperLists:
        counts, recipe = self._items["interaction_count"].to_numpy(), self.plan.recipe
        users = self._user_items, self._user_factors
        return ShopperLists(self.files, recipe, counts, *users, self._profiles, self._shopper_factors)

    def _is_listed(self, arm: str, k: int) -> bool:
        """Whether the lists of an arm can be looked up: they are kept, and long enough."""
        return arm in self._top_lists and 0 < k <= TOP

    def _lists_of(self, arm: str, rows: NDArray[np.int64], k: int) -> list[Found]:
        search = self.arm(arm)
        return self._top_lists[arm].of_rows(search, rows, k) if self._is_listed(arm, k) else search.of_all(rows, k)

    def _known_rows(self, item_ids: Sequence[str]) -> NDArray[np.int64]:
        rows = self.rows_of(item_ids)
        if (rows < 0).any():
            self.row(item_ids[int(np.argmax(rows < 0))])  # says that there is none
        return rows

    def _user(self, user_id: str) -> int:
        user = self._user_ids.row(user_id)
        if user is None:
            raise NotFoundError(
                f"There is no shopper {user_id!r} in {self.manifest.label}. Pick one from the list, or train again."
            )
        return user

    def _seen(self, user: int) -> NDArray[np.int64]:
        start, end = self._user_items.indptr[user : user + 2]
        return np.asarray(self._user_items.indices[start:end], dtype=np.int64)

    def _check_sizes(self) -> None:
        """Of matrices that are multiplied with one another; every arm that serves shoppers is there."""
        if self._user_factors.shape[1] != self._shopper_factors["als"].shape[1]:
            raise ReleaseContentError("user_factors.npy and item_factors.npy have different numbers of columns")
        if missing := set(SHOPPER_FILES) - set(self._arms):
            raise ReleaseContentError(f"manifest.json names no arm {min(missing)!r}")
