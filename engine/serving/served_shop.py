"""The shop as shoppers see it, defined once: pages, commands, exports and Python callers open the same object.

What is shown is a release, its products as people changed them, with approved drafts among the lists and without the
neighbours that people ruled out.

    shop = ServedShop.open(workspace, settings)
    shop.neighbours("sku-1", "hybrid", 10)
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from engine.arms.registry import SERVED as SERVED_ARM
from engine.catalogue.product import Product
from engine.catalogue.shopper_ids import shopper_id
from engine.core.progress import Progress, silent
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.curation.suppression import Suppressed
from engine.edits.changes.served import cached_changes, changed_products, vectors_of_changes, with_changes
from engine.edits.changes.store import ChangeStore
from engine.edits.drafts.served import DraftBuffer, drafts_in_cache, vectors_of_drafts
from engine.edits.drafts.store import SERVED, Draft, DraftStore
from engine.edits.places.served import PlacesInLists
from engine.edits.places.store import PlaceStore
from engine.recommend.inbound import Inbound
from engine.recommend.neighbour import Neighbour
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import UnseenVectors, neighbours_of_unseen, vectors_of_unseen
from engine.recommend.vector_cache import cache_key
from engine.serving.background_result import BackgroundResult
from engine.serving.edits_database import EditsDatabase, Latest
from engine.serving.lists import shown_beside, shown_list, shown_lists
from engine.store import Database

__all__ = ["ServedShop"]

NOTHING: frozenset[str] = frozenset()

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Changed:
    """The release with changed products, and those products by id."""

    release: Recommender
    products: Mapping[str, Product]


class ServedShop:
    """One release with what people did to it since; drafts, changes and rulings are read again when they change.

    Safe to share between threads. A command opens it as it is: whoever asks waits until new drafts and changes have their
    vectors, and a database that cannot be read raises `StoreError`. A server opens it `in_background`, and nobody waits for
    more than a moment: a change shows its facts at once and its new neighbours later, a draft appears once it has its
    vectors (`is_complete` says when), and while the database cannot be read the release is shown as it was trained.

    Attributes
    ----------
    as_trained : the release without anything that people did to it since.
    notice : a sentence for people where this is not the release that was published last; else None.
    """

    def __init__(
        self,
        as_trained: Recommender,
        workspace: Workspace,
        settings: Settings,
        *,
        open_database: Callable[[], Database] | None = None,
        in_background: bool = False,
        progress: Progress = silent,
    ) -> None:
        self.as_trained, self.notice = as_trained, as_trained.notice
        self._workspace, self._settings = workspace, settings
        self._in_background, self._progress = in_background, progress
        self._database = EditsDatabase(workspace, settings, open_database, tolerant=in_background)
        self._latest_changes: Latest[BackgroundResult[_Changed]] = Latest()
        self._latest_drafts: Latest[BackgroundResult[DraftBuffer]] = Latest()
        self._latest_places: Latest[PlacesInLists] = Latest()
        self._suppressed: Suppressed | None = None
        self._warm_up: threading.Thread | None = None
        self._lock = threading.Lock()

    @classmethod
    def open(
        cls,
        workspace: Workspace,
        settings: Settings,
        release_id: str | None = None,
        *,
        open_database: Callable[[], Database] | None = None,
        in_background: bool = False,
        progress: Progress = silent,
    ) -> ServedShop:
        """The shop of the published release, or of the one asked for; errors as `Recommender.open`.

        Parameters
        ----------
        open_database : gives the database where the caller has one open already.
        in_background : for processes that serve people: see `ServedShop`.
        progress : reports while the vectors of drafts and changes are computed.
        """
        as_trained = Recommender.open(workspace, release_id)
        return cls(
            as_trained, workspace, settings, open_database=open_database, in_background=in_background, progress=progress
        )

    @property
    def release_id(self) -> str:
        return self.as_trained.release_id

    @property
    def release(self) -> Recommender:
        """The release with products as people changed them: what its arms return, before drafts and rulings."""
        return self._changed().result.release

    @property
    def changed_ids(self) -> frozenset[str]:
        """Ids of the products whose change holds in this release."""
        return frozenset(self._changed().result.products)

    @property
    def drafts(self) -> DraftBuffer:
        """The approved drafts that are in the lists."""
        return self._drafts().result

    @property
    def places(self) -> PlacesInLists:
        """The places that people gave to products and drafts."""
        drafts = self.drafts

        def read(database: Database) -> PlacesInLists:
            places = PlaceStore(database)
            return self._latest_places.get(
                places.stamp, lambda: PlacesInLists(drafts, tuple(places.all())),
                writes=database.writes["places"], depends_on=(drafts.recommender.version, *((draft.id, draft.version) for draft in drafts.drafts)),
            )  # fmt: skip

        return self._database.read(read, PlacesInLists(drafts, ()))

    @property
    def is_complete(self) -> bool:
        """Whether every draft and change is in the lists by now, or cannot be."""
        return self._changed().done and self._drafts().done

    @property
    def version(self) -> str:
        """Another one whenever any list may be: what was worked out from the lists holds for one version."""
        drafts = [(draft.id, draft.version) for draft in self.drafts.drafts]
        rulings = self.suppressed_everywhere()
        places = [(one.item_id, one.kind, one.lists) for one in self.places.active.values()]
        if not drafts and not rulings and not places:
            return self.release.version
        lists = {anchor: sorted(rulings[anchor]) for anchor in sorted(rulings)}
        return f"{self.release.version}+{cache_key(drafts, lists, places)[:12]}"

    def refresh(self) -> None:
        """Read drafts and changes now, and wait for their vectors unless that goes on in the background."""
        self._drafts()

    def suppressed(self, item_id: str) -> frozenset[str]:
        """Ids of the neighbours that people ruled out beside a product."""
        return self.suppressed_everywhere().get(item_id, NOTHING)

    def suppressed_everywhere(self) -> Mapping[str, frozenset[str]]:
        """Item id -> the neighbours ruled out beside it; do not change it."""
        return self._database.read(lambda database: self._rulings(database).all(), {})

    def neighbours(
        self, item_id: str, arm: str = SERVED_ARM, k: int = 10, *, suppressed: Collection[str] | None = None
    ) -> list[Neighbour]:
        """The k products shown beside a product or an approved draft, best first; drafts have row -1.

        Drafts are in the hybrid's lists alone: by another arm they have none. Raises `NotFoundError`.

        Parameters
        ----------
        suppressed : leave these out, not what people have ruled out by now.
        """
        out = self.suppressed(item_id) if suppressed is None else suppressed
        return shown_list(self.places, item_id, arm, k, out)

    def shown_beside(self, draft_id: str, k: int = 10) -> list[Inbound]:
        """The products beside which an approved draft is shown, by itself or by its place, the best ranks first.

        Raises `NotFoundError` where it is not in the lists (yet).
        """
        return shown_beside(self.places, self.suppressed_everywhere(), draft_id, k)

    def neighbours_all(self, arm: str = SERVED_ARM, k: int = 10, item_ids: Sequence[str] | None = None) -> pd.DataFrame:
        """The lists of every product and approved draft, or of `item_ids`: item_id, rank, neighbour_id, score.

        The lists are those of `neighbours`. They come in the order of the catalogue, then of the drafts, or in the order
        of `item_ids`; a product without a list has no rows. Raises `NotFoundError` naming an unknown product.
        """
        return shown_lists(self.places, self.suppressed_everywhere(), arm, k, item_ids)

    def neighbours_of_unseen(self, product: Product, k: int = 10, arm: str = SERVED_ARM) -> list[Neighbour]:
        """The k products of the catalogue that a new product belongs with; errors as `neighbours_of_unseen`."""
        if self._in_background:
            self.warm_up().join()
        return neighbours_of_unseen(self.release, self._workspace, product, k, arm)

    def read_unseen(self, products: Sequence[Product]) -> UnseenVectors:
        """The vectors of new products in the release, read together; errors as `neighbours_of_unseen`."""
        if self._in_background:
            self.warm_up().join()
        return vectors_of_unseen(self.release, self._workspace, products)

    def neighbours_if_changed(
        self, item_id: str, product: Product, arm: str = SERVED_ARM, k: int = 10
    ) -> list[Neighbour]:
        """What would be shown beside a product of the catalogue if it were changed to this; nothing is stored."""
        if self._in_background:
            self.warm_up().join()
        base = self.as_trained
        wanted = product.readable_by(base.attribute_kinds, self._workspace)
        products = {**self._changed().result.products, item_id: wanted}
        vectors = cached_changes(base, self._workspace, products)
        vectors |= vectors_of_changes(base, self._workspace, {item_id: wanted})
        release = with_changes(base, self._workspace, products, vectors)
        drafts = DraftBuffer(release, self._workspace, self.drafts.drafts)
        return shown_list(PlacesInLists(drafts, self.places.places), item_id, arm, k, self.suppressed(item_id))

    def recommend(
        self, user_id: str, arm: str = SERVED_ARM, k: int = 10, *, favour: float | None = None
    ) -> list[Neighbour]:
        """The k products shown to a shopper (id or e-mail address), without those they have; errors as
        `Recommender.ranked_by_shopper`.

        Parameters
        ----------
        favour : for the long tail; `serving.favour` unless given, else what training chose.
        """
        wanted = self._settings.serving.favour if favour is None else favour
        return self.release.ranked_by_shopper(shopper_id(self._workspace, user_id), arm, k, favour=wanted)

    def prepare_drafts(self, draft_ids: Collection[str], progress: Progress = silent) -> None:
        """Work out the vectors of drafts that were just approved, so that nobody has to wait for them later.

        With `in_background` a failure is logged: they are saved all the same, and it is tried again when they are shown.
        """
        try:
            if self._in_background:
                self.warm_up().join()
            none: list[Draft] = []
            approved = self._database.read(lambda database: DraftStore(database, self._workspace).all(SERVED), none)
            wanted = set(draft_ids)
            vectors_of_drafts(self.release, self._workspace, [one for one in approved if one.id in wanted], progress)
        except Exception:
            if not self._in_background:
                raise
            logger.warning("the vectors of new products could not be worked out", exc_info=True)

    def warm_up(self) -> threading.Thread:
        """Load what reads new products, in a thread that is started once; seconds that nobody has to wait for later.

        Join it before reading a product: libraries that import parts of themselves when they are first used cannot be
        used first by two threads at once.
        """
        with self._lock:
            if self._warm_up is None:
                self._warm_up = threading.Thread(target=self._read_examples, name="warm up", daemon=True)
                self._warm_up.start()
            return self._warm_up

    def _read_examples(self) -> None:
        try:
            neighbours_of_unseen(self.as_trained, self._workspace, Product(title="a product"), 1)
            pictures = self.as_trained.items["image"].dropna()
            if len(pictures):  # the networks that read pictures are made with the first one
                neighbours_of_unseen(self.as_trained, self._workspace, Product(image=pictures.iloc[0]), 1)
        except Exception:
            # It is tried again, and the person is told, when there is a product to read.
            logger.warning("could not get ready to read new products", exc_info=True)

    def _rulings(self, database: Database) -> Suppressed:
        with self._lock:
            if self._suppressed is None:
                self._suppressed = Suppressed(JudgementStore(database))
            return self._suppressed

    def _changed(self) -> BackgroundResult[_Changed]:
        def read(database: Database) -> BackgroundResult[_Changed]:
            changes = ChangeStore(database, self._workspace)
            return self._latest_changes.get(
                changes.stamp, lambda: self._apply_changes(changes), writes=database.writes["changes"]
            )

        return self._database.read(read, BackgroundResult(_Changed(self.as_trained, {})))

    def _apply_changes(self, changes: ChangeStore) -> BackgroundResult[_Changed]:
        base, workspace = self.as_trained, self._workspace
        products = changed_products(base, workspace, changes.all())

        def work() -> _Changed:
            if self._in_background and products:
                self.warm_up().join()
            vectors = vectors_of_changes(base, workspace, products, self._progress)
            return _Changed(with_changes(base, workspace, products, vectors), products)

        if not self._in_background:
            return BackgroundResult(work())
        cached = cached_changes(base, workspace, products)
        first = _Changed(with_changes(base, workspace, products, cached), products)
        return BackgroundResult(first, work if len(cached) < len(products) else None)

    def _drafts(self) -> BackgroundResult[DraftBuffer]:
        release = self.release

        def read(database: Database) -> BackgroundResult[DraftBuffer]:
            drafts = DraftStore(database, self._workspace)
            return self._latest_drafts.get(
                drafts.stamp, lambda: self._add_drafts(release, drafts.all(SERVED)),
                writes=database.writes["drafts"], depends_on=release.version,
            )  # fmt: skip

        return self._database.read(read, BackgroundResult(DraftBuffer(release, self._workspace, ())))

    def _add_drafts(self, release: Recommender, approved: Sequence[Draft]) -> BackgroundResult[DraftBuffer]:
        workspace = self._workspace
        new = tuple(draft for draft in approved if draft.id not in release)

        def work() -> DraftBuffer:
            if self._in_background:
                self.warm_up().join()
            vectors = vectors_of_drafts(release, workspace, new, self._progress)
            readable = tuple(draft for draft, arrays in zip(new, vectors, strict=True) if arrays)
            return DraftBuffer(release, workspace, readable)

        if not self._in_background:
            return BackgroundResult(work())
        cached = tuple(drafts_in_cache(release, workspace, new))
        return BackgroundResult(DraftBuffer(release, workspace, cached), work if len(cached) < len(new) else None)
