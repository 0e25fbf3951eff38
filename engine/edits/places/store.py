"""The store of places that people gave to products: one row a product, on the disk when `give` returns."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import select

from engine.access.audit import deed
from engine.access.roles import Action
from engine.core.errors import InputError, NotFoundError
from engine.store import Database, PlaceRow
from engine.store.stamps import renew_stamp, stamp

__all__ = ["KINDS", "MOST_DAYS", "MOST_LISTS", "Kind", "Place", "PlaceStore"]

Kind = Literal["guaranteed", "boosted"]
KINDS: Collection[str] = get_args(Kind)
MOST_DAYS, MOST_LISTS = 90, 1000


@dataclass(frozen=True)
class Place:
    """A product's place.

    Attributes
    ----------
    kind : "guaranteed" puts it on the lists of the products it belongs with most; "boosted" counts its similarity for more everywhere.
    lists : on how many lists it is guaranteed; 0 for a boost.
    until : the moment at which it ends by itself.
    """

    item_id: str
    kind: Kind
    lists: int
    until: datetime
    given_by: str | None


class PlaceStore:
    """Places in the database. Every method raises `StoreError` where the database refuses, and those that write
    `NotAllowedError` where who acts may not."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def give(
        self, item_id: str, kind: Kind, days: int, by: str | None, known: Callable[[str], bool], *, lists: int = 0
    ) -> Place:
        """Give a product a place from now on; it replaces the one it has.

        Raises `InputError` naming what cannot be, and `NotFoundError` where nobody knows the product.

        Parameters
        ----------
        known : whether the shop shows a product, or approved draft, of this id.
        """
        if kind not in KINDS:
            raise InputError(f"A place is {' or '.join(KINDS)}, not {kind!r}.", field="kind")
        if not 1 <= days <= MOST_DAYS:
            raise InputError(f"A place is for 1 to {MOST_DAYS} days, not {days}.", field="days")
        if kind == "guaranteed" and not 1 <= lists <= MOST_LISTS:
            raise InputError(f"A place is on 1 to {MOST_LISTS} lists, not {lists}.", field="lists")
        if not known(item_id):
            raise NotFoundError(f"There is no product {item_id!r} in the shop, so it can have no place.")
        now = datetime.now(UTC)
        with (
            self._database.transaction("places") as session,
            deed(Action.GIVE_PLACES, item_id, session=session) as done,
        ):
            renew_stamp(session, "places")
            row = session.get(PlaceRow, item_id)
            done.before = None if row is None else _recorded(row)
            if row is None:
                row = PlaceRow(item_id=item_id)
                session.add(row)
            row.kind, row.lists = kind, lists if kind == "guaranteed" else 0
            row.until, row.given_by, row.given_at = now + timedelta(days=days), by, now
            done.after = _recorded(row)
            return _from_row(row)

    def take_back(self, item_id: str) -> None:
        """End a product's place, where it has one."""
        with (
            self._database.transaction("places") as session,
            deed(Action.GIVE_PLACES, item_id, session=session) as done,
        ):
            renew_stamp(session, "places")
            row = session.get(PlaceRow, item_id)
            done.nothing_done = row is None
            if row is not None:
                done.before = _recorded(row)
                session.delete(row)

    def all(self) -> list[Place]:
        """Those that have not ended, the one that ends first first."""
        query = select(PlaceRow).where(PlaceRow.until > datetime.now(UTC)).order_by(PlaceRow.until, PlaceRow.item_id)
        with self._database.reading() as session:
            return [_from_row(row) for row in session.scalars(query)]

    def stamp(self) -> str:
        """A value that changes with every place that is given or taken back, whatever the clock says."""
        with self._database.reading() as session:
            return stamp(session, "places")


def _from_row(row: PlaceRow) -> Place:
    return Place(row.item_id, "boosted" if row.kind == "boosted" else "guaranteed", row.lists, row.until, row.given_by)


def _recorded(row: PlaceRow) -> dict[str, Any]:
    return {"kind": row.kind, "lists": row.lists, "until": row.until.isoformat(timespec="minutes")}
