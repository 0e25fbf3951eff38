"""The store of changed products: one row a product, on the disk when `save` returns."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select

from engine.access.audit import deed
from engine.access.roles import Action
from engine.catalogue.product import Product
from engine.core.errors import InputError, StoreError
from engine.core.workspace import Workspace
from engine.edits.changes.merging import Change, difference, fields_from_json, fields_to_json
from engine.store import Database, ProductChangeRow
from engine.store.stamps import renew_stamp, stamp

__all__ = ["ChangeStore"]


class ChangeStore:
    """Changes in the database. Every method raises `StoreError` where the database refuses, and those that write
    `NotAllowedError` where who acts may not."""

    def __init__(self, database: Database, workspace: Workspace) -> None:
        self._database, self._workspace = database, workspace

    def save(self, item_id: str, now: Product, wanted: Product, by: str | None, version: int) -> Change | None:
        """Make a product what is wanted. Where the release has it like that already, any change is deleted: None.

        Parameters
        ----------
        now : the product as the release has it, without any change.
        version : of the change that was seen, 0 where there was none.

        Raises `InputError` where nothing would be known of the product, its new picture is not stored, or someone else
        has changed it meanwhile.
        """
        before, after = difference(now, wanted)
        self._check(now, wanted)
        with (
            self._database.transaction("changes") as session,
            deed(Action.CHANGE_PRODUCTS, item_id, session=session) as done,
        ):
            renew_stamp(session, "changes")
            row = session.get(ProductChangeRow, item_id)
            done.before = None if row is None else row.after
            if (row.version if row else 0) != version:
                raise InputError(
                    f"Someone else edited {item_id!r}; your changes were not saved. Reopen it to continue."
                )
            done.after, done.nothing_done = fields_to_json(after) or None, not after and row is None
            if not after:
                if row is not None:
                    session.delete(row)
                return None
            if row is None:
                row = ProductChangeRow(item_id=item_id, version=0)
                session.add(row)
            row.before, row.after, row.changed_by = fields_to_json(before), fields_to_json(after), by
            row.changed_at, row.version = datetime.now(UTC), version + 1
            return _from_row(row)

    def undo(self, item_id: str) -> None:
        """Delete the change to a product, where there is one."""
        with (
            self._database.transaction("changes") as session,
            deed(Action.CHANGE_PRODUCTS, item_id, session=session) as done,
        ):
            renew_stamp(session, "changes")
            row = session.get(ProductChangeRow, item_id)
            done.nothing_done = row is None
            if row is not None:
                done.before = row.after
                session.delete(row)

    def get(self, item_id: str) -> Change | None:
        """The change to one product."""
        with self._database.reading() as session:
            row = session.get(ProductChangeRow, item_id)
            return None if row is None else _from_row(row)

    def all(self) -> list[Change]:
        """Every change, the newest first, including those that a release or the shop's files have overtaken."""
        query = select(ProductChangeRow).order_by(ProductChangeRow.changed_at.desc(), ProductChangeRow.item_id)
        with self._database.reading() as session:
            return [_from_row(row) for row in session.scalars(query)]

    def stamp(self) -> str:
        """A value that differs after every change, whatever the clock says."""
        with self._database.reading() as session:
            return stamp(session, "changes")

    def _check(self, now: Product, wanted: Product) -> None:
        if wanted.is_empty:
            raise InputError("Keep at least a title, picture or attribute.")
        image = wanted.image
        if image and image != now.image and not self._workspace.image_file(image).is_file():
            raise InputError(f"the picture {image[:12]}... is not stored. Upload it again.", field="image")


def _from_row(row: ProductChangeRow) -> Change:
    try:
        before, after = fields_from_json(row.before), fields_from_json(row.after)
    except InputError as exc:
        raise StoreError(
            f"The change to {row.item_id!r} in the database cannot be read ({exc}). "
            "Undo it: `python -m engine changes undo`."
        ) from exc
    return Change(row.item_id, before, after, row.changed_by, row.changed_at, row.version)
