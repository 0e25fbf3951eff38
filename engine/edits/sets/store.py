"""The store of sets of products, shared by everybody."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.access.audit import deed
from engine.access.roles import Action
from engine.core.errors import InputError, NotFoundError
from engine.core.identifiers import check_storable
from engine.store import Database, ProductSetRow

__all__ = ["LONGEST_NAME", "MOST_PRODUCTS", "ProductSet", "SetStore"]

MOST_PRODUCTS = 100_000
LONGEST_NAME = 80
Query = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class ProductSet:
    """A set as it is stored.

    Attributes
    ----------
    item_ids : its products, in the order in which they were added; empty where it is a search.
    search : parameter of the address of Similar items -> its values, where the set is a search that is made anew each time.
    note : how it came about, a few words.
    """

    id: str
    name: str
    item_ids: tuple[str, ...]
    search: Query | None
    note: str
    created_by: str | None
    updated_at: datetime
    is_removed: bool


class SetStore:
    """Sets in the database. Every method raises `StoreError` where the database refuses, and those that write
    `NotAllowedError` where who acts may not."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(
        self, name: str, item_ids: Sequence[str] = (), *, by: str | None, note: str = "", search: Query | None = None
    ) -> ProductSet:
        """Store a new set. Raises `InputError` where the name is empty, too long or taken, or there are no products or too many."""
        unique = list(dict.fromkeys(item_ids))
        if not unique and not search:
            raise InputError("A set needs at least one product.", field="products")
        now = datetime.now(UTC)
        row = ProductSetRow(
            id=secrets.token_hex(8), note=note[:200], created_by=by, created_at=now, is_removed=False,
            search=None if search is None else {key: list(values) for key, values in search.items()},
        )  # fmt: skip
        with self._writing(row.id) as (session, done):
            row.name = _free_name(session, name)
            _fill(row, unique, now)
            session.add(row)
            done.after = _recorded(row)
            return _from_row(row)

    def add(self, set_id: str, item_ids: Sequence[str]) -> int:
        """Add products to a set; how many were not in it. Raises `NotFoundError`, or `InputError` where it is a search, or full."""
        with self._changing(set_id) as row:
            if row.search is not None:
                raise InputError(f"“{row.name}” is a saved search, so products join it by themselves.", field="set")
            before = len(row.item_ids)
            _fill(row, list(dict.fromkeys([*row.item_ids, *item_ids])), datetime.now(UTC))
            return len(row.item_ids) - before

    def drop(self, set_id: str, item_ids: Sequence[str]) -> None:
        """Take products out of a set; the last one stays. Raises `NotFoundError` or `InputError`."""
        with self._changing(set_id) as row:
            left = [one for one in row.item_ids if one not in set(item_ids)]
            if not left:
                raise InputError("A set needs at least one product. Remove the set instead.", field="products")
            _fill(row, left, datetime.now(UTC))

    def rename(self, set_id: str, name: str) -> None:
        """Give a set another name. Raises `NotFoundError`, or `InputError` as `save`."""
        with self._writing(set_id) as (session, done):
            row = _known(session, set_id)
            done.before = _recorded(row)
            if name.strip() != row.name:
                row.name = _free_name(session, name)
            row.updated_at, done.after = datetime.now(UTC), _recorded(row)

    def remove(self, set_id: str) -> None:
        """Remove a set; `restore` brings it back. Raises `NotFoundError`."""
        with self._changing(set_id) as row:
            row.is_removed = True

    def restore(self, set_id: str) -> None:
        """Bring a removed set back. Raises `NotFoundError`, or `InputError` where its name is taken by now."""
        with self._writing(set_id) as (session, done):
            row = _known(session, set_id, removed=True)
            row.name = _free_name(session, row.name)
            row.is_removed, done.after = False, _recorded(row)

    def get(self, set_id: str) -> ProductSet:
        """One set that is not removed; raises `NotFoundError`."""
        with self._database.reading() as session:
            return _from_row(_known(session, set_id))

    def all(self) -> list[ProductSet]:
        """Those that are not removed, the last changed first."""
        query = (
            select(ProductSetRow)
            .where(ProductSetRow.is_removed.is_(False))
            .order_by(ProductSetRow.updated_at.desc(), ProductSetRow.id)
        )
        with self._database.reading() as session:
            return [_from_row(row) for row in session.scalars(query)]

    def named(self, most: int) -> list[tuple[str, str, Query | None]]:
        """Id, name and search of those that `all` gives, at most so many; their products are not read."""
        query = (
            select(ProductSetRow.id, ProductSetRow.name, ProductSetRow.search)
            .where(ProductSetRow.is_removed.is_(False))
            .order_by(ProductSetRow.updated_at.desc(), ProductSetRow.id)
            .limit(most)
        )
        with self._database.reading() as session:
            return [(set_id, name, search) for set_id, name, search in session.execute(query)]

    @contextmanager
    def _writing(self, set_id: str) -> Iterator[tuple[Session, Any]]:
        with (
            self._database.transaction("sets") as session,
            deed(Action.EDIT_SETS, set_id, session=session) as done,
        ):
            yield session, done

    @contextmanager
    def _changing(self, set_id: str) -> Iterator[ProductSetRow]:
        with self._writing(set_id) as (session, done):
            row = _known(session, set_id)
            done.before = _recorded(row)
            yield row
            done.after = _recorded(row)


def _known(session: Session, set_id: str, *, removed: bool = False) -> ProductSetRow:
    row = session.get(ProductSetRow, set_id)
    if row is None or (row.is_removed and not removed):
        raise NotFoundError("This set is gone. Somebody may have removed it.")
    return row


def _free_name(session: Session, name: str) -> str:
    """The name without spaces around it; raises `InputError` where it cannot be one, or another set has it."""
    name = name.strip()
    if not name or len(name) > LONGEST_NAME:
        raise InputError(f"A set needs a name of 1 to {LONGEST_NAME} characters.", field="name")
    check_storable(name, "name")
    taken = select(ProductSetRow.id).where(ProductSetRow.name == name, ProductSetRow.is_removed.is_(False))
    if session.scalars(taken).first() is not None:
        raise InputError(f"There is a set “{name}” already. Choose another name.", field="name")
    return name


def _fill(row: ProductSetRow, item_ids: list[str], now: datetime) -> None:
    if len(item_ids) > MOST_PRODUCTS:
        raise InputError(f"A set holds at most {MOST_PRODUCTS:,} products, not {len(item_ids):,}.", field="products")
    for one in item_ids:
        check_storable(one, "products")
    row.item_ids, row.updated_at = item_ids, now


def _from_row(row: ProductSetRow) -> ProductSet:
    return ProductSet(
        row.id, row.name, tuple(row.item_ids), row.search, row.note, row.created_by, row.updated_at, row.is_removed
    )


def _recorded(row: ProductSetRow) -> dict[str, Any]:
    return {"name": row.name, "products": len(row.item_ids), "search": row.search, "removed": row.is_removed}
