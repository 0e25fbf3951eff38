"""A release of which the lists are looked at: its products, who stands beside whom, and the contents that lists are compared by.

Lists of a million products are a thirtieth of what a whole release holds in memory (`engine.recommend.recommender.Recommender`), so whoever compares
releases opens nothing else of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.core.errors import IndexFileError, NotFoundError, ReleaseContentError, ReleaseError
from engine.core.workspace import Workspace
from engine.models.recipe import CONTENT
from engine.recommend.neighbour import Neighbour
from engine.release.arm_files import side_files
from engine.release.arm_search import ArmSearch, open_vectors
from engine.release.files import ReleaseFiles
from engine.release.manifest import Manifest
from engine.release.publish import verify_release
from engine.release.room import check_room
from engine.release.shop_files import ITEMS_FILE, check_shop, read_items
from engine.release.top_lists import TOP, TOP_LISTS_FILE, TopLists, read_top_lists

__all__ = ["ListedRelease", "opening"]

_FILES = (ITEMS_FILE, TOP_LISTS_FILE)


class ListedRelease:
    """The products and lists of one release, as it was trained; errors are those of `open`.

    Attributes
    ----------
    directory : of the release; its files are never written to.
    """

    def __init__(self, directory: Path, manifest: Manifest):
        """Open the files of a release."""
        check_room(manifest, _FILES)
        self.directory, self.manifest = directory, manifest
        self.files = ReleaseFiles(directory, manifest)
        with opening(manifest):
            check_shop(manifest)
            self._items, self._item_ids = read_items(self.files, manifest.n_items)
            self._top_lists = read_top_lists(self.files, manifest.n_items)

    @classmethod
    def open(cls, workspace: Workspace, release_id: str) -> ListedRelease:
        """Verify what is read of a release, and open it. Raises `NotFoundError`, `NoRoomError` or `ReleaseError`, saying what to do."""
        return cls(workspace.releases / release_id, verify_release(workspace, release_id, _FILES))

    @property
    def release_id(self) -> str:
        return self.manifest.release_id

    @property
    def edition(self) -> str:
        """The id, and of what content: a release that was restored or trained again under the same id has another one."""
        return self.manifest.edition

    @property
    def items(self) -> pd.DataFrame:
        """The products in row order, with `interaction_count`. Shared: do not change it."""
        return self._items

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """metrics.json whole; errors as `open`."""
        with opening(self.manifest):
            return self.files.json("metrics.json")

    def row(self, item_id: str) -> int:
        """The row of a product; `NotFoundError` when the release does not have it."""
        row = self._item_ids.row(item_id)
        if row is None:
            raise NotFoundError(f"There is no product {item_id!r} in {self.manifest.label}. If it is new, train again.")
        return row

    def rows_of(self, item_ids: Sequence[str]) -> NDArray[np.int64]:
        """The rows of many products at once, -1 where the release does not have one."""
        return self._item_ids.rows(item_ids)

    def __contains__(self, item_id: str) -> bool:
        """Whether the release has this product."""
        return item_id in self._item_ids

    def top_lists(self, arm: str) -> TopLists:
        """The `TOP` best of every product by "als" or "hybrid", as the release was trained; `NotFoundError` for another arm."""
        try:
            return self._top_lists[arm]
        except KeyError as exc:
            raise NotFoundError(f"Lists are kept of {', '.join(self._top_lists)}, not of {arm!r}.") from exc

    def neighbours(self, item_id: str, arm: str = "hybrid", k: int = 10) -> list[Neighbour]:
        """The k products most similar to one of the catalogue, best first, itself left out; `ValueError` for a k above `TOP`, other errors as `top_lists`."""
        if k > TOP:
            raise ValueError(f"{TOP} neighbours of a product are kept, not {k}")
        return self.found(*self.top_lists(arm).of_row(self.row(item_id), k))

    def found(self, rows: Iterable[int], scores: Iterable[float]) -> list[Neighbour]:
        """Rows and scores, best first, as a list of products."""
        pairs = zip(rows, scores, strict=True)
        return [
            Neighbour(str(self._item_ids[row]), int(row), rank, float(score))
            for rank, (row, score) in enumerate(pairs, start=1)
        ]

    @property
    def content(self) -> ArmSearch:
        """What products are like, whatever shoppers did; opened when it is first asked for, errors as `open`."""
        return self._content

    @cached_property
    def _content(self) -> ArmSearch:
        entry = self.manifest.arms.get(CONTENT)
        if entry is None:
            raise ReleaseError(f"{self.manifest.label} has no arm {CONTENT!r}. Train a new one.")
        check_room(self.manifest, side_files(entry))
        with opening(self.manifest):
            return open_vectors(self.files, self.manifest.n_items, CONTENT)


@contextmanager
def opening(manifest: Manifest) -> Iterator[None]:
    """A block that opens a release: what is wrong with its files is said of the release."""
    try:
        yield
    except (ReleaseError, IndexFileError) as exc:
        kind = type(exc) if isinstance(exc, ReleaseError) else ReleaseContentError
        raise kind(f"{manifest.label} cannot be opened ({str(exc).rstrip('.')}). Train a new one.") from exc
