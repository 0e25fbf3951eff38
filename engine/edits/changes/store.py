"""The store of changed products: one row a product, on the disk when `save` returns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select

from engine.core.errors import InputError
from engine.core.workspace import Workspace
from engine.curation.campaigns import lock
from engine.curation.judgements import JudgementStore
from engine.edits.changes.merging import Change, difference
from engine.store.change_tables import ProductChangeRow

__all__ = ["ChangeStore"]


class ChangeStore:
    """Changes in the database of the judgements. Every method raises `StoreError` where the database refuses."""

    def __init__(self, store: JudgementStore, workspace: Workspace) -> None:
        self._store, self._workspace = store, workspace

    def save(
        self, item_id: str, now: Mapping[str, Any], wanted: Mapping[str, Any], by: str | None, version: int
    ) -> Change | None:
        """Have a product described as `wanted`; None where that is what it is anyhow, and any change to it is gone.

        Parameters
        ----------
        now : the product as the release has it, without any change.
        version : of the change that was seen, 0 where there was none.

        Raises `InputError` where nothing would be said of the product, its picture is not stored, or somebody else
        changed it meanwhile.
        """
        before, after = difference(now, wanted)
        self._check(wanted, after)
        with self._store.transaction() as session:
            lock(session, "product_changes")
            row = session.get(ProductChangeRow, item_id)
            if (row.version if row else 0) != version:
                raise InputError(f"Somebody else changed {item_id!r} while you did. Open it again; yours is not saved.")
            if not after:
                if row is not None:
                    session.delete(row)
                return None
            if row is None:
                row = ProductChangeRow(item_id=item_id, version=0)
                session.add(row)
            row.before, row.after, row.changed_by = before, after, by
            row.changed_at, row.version = datetime.now(UTC), version + 1
            return _from_row(row)

    def undo(self, item_id: str) -> None:
        """Forget the change to a product; none there is fine too."""
        with self._store.transaction() as session:
            lock(session, "product_changes")
            row = session.get(ProductChangeRow, item_id)
            if row is not None:
                session.delete(row)

    def get(self, item_id: str) -> Change | None:
        """The change to one product."""
        with self._store.reading() as session:
            row = session.get(ProductChangeRow, item_id)
            return None if row is None else _from_row(row)

    def all(self) -> list[Change]:
        """Every change, the newest first, those that a release or the shop's files have overtaken among them."""
        query = select(ProductChangeRow).order_by(ProductChangeRow.changed_at.desc(), ProductChangeRow.item_id)
        with self._store.reading() as session:
            return [_from_row(row) for row in session.scalars(query)]

    def stamp(self) -> tuple[int, int, str]:
        """Is another one whenever any change is."""
        query = select(func.count(), func.sum(ProductChangeRow.version), func.max(ProductChangeRow.changed_at))
        with self._store.reading() as session:
            count, versions, latest = session.execute(query).one()
        return int(count), int(versions or 0), str(latest)

    def _check(self, wanted: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        if not any(wanted.values()):
            raise InputError("Nothing would be said about the product. Leave it a title, a picture or an attribute.")
        image = after.get("image")
        if image and not self._workspace.image_file(image).is_file():
            raise InputError(f"the picture {image[:12]}... is not stored. Upload it again.", field="image")


def _from_row(row: ProductChangeRow) -> Change:
    at = row.changed_at if row.changed_at.tzinfo else row.changed_at.replace(tzinfo=UTC)
    return Change(row.item_id, dict(row.before), dict(row.after), row.changed_by, at, row.version)
