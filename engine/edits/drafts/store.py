"""The store of drafts: new products that survive restarts, are shared, and are stored whole or not at all.

Pictures are files named by their content, written and synced before the row that names them: a crash leaves at most a
picture that no row names.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.access.acting import require
from engine.access.audit import deed
from engine.access.roles import Action
from engine.catalogue.product import Product, checked_image
from engine.core.errors import InputError, NotFoundError, StoreError
from engine.core.workspace import Workspace
from engine.store import Database, DraftRow
from engine.store.stamps import renew_stamp, stamp

__all__ = ["NOT_DISCARDED", "SERVED", "Draft", "DraftStore", "NewDraft", "State"]

State = Literal["draft", "approved", "taken_in", "discarded"]
SERVED: tuple[State, ...] = ("approved",)
NOT_DISCARDED: tuple[State, ...] = ("draft", "approved", "taken_in")
MOST_PICTURES = 20
_ID = re.compile(r"[^\s\x00-\x1f]([^\x00-\x1f]{0,198}[^\s\x00-\x1f])?")


@dataclass(frozen=True)
class NewDraft:
    """A draft to save.

    Parameters
    ----------
    product : its `image` does not count: the leading picture does.
    pictures : content hashes of stored pictures, the leading one first.
    product_id : the id the product will have; generated where it is None.
    """

    product: Product
    pictures: Sequence[str] = ()
    product_id: str | None = None


@dataclass(frozen=True)
class Draft:
    """A draft as it is stored; the product's `image` is the leading one of its pictures."""

    id: str
    state: State
    product: Product
    pictures: tuple[str, ...]
    created_by: str | None
    created_at: datetime
    updated_at: datetime
    version: int

    @property
    def title(self) -> str:
        """Its title, or its id where it has none."""
        return self.product.title or self.id


class DraftStore:
    """Drafts in the database. Every method raises `StoreError` where the database refuses, and those that write
    `NotAllowedError` where who acts may not."""

    def __init__(self, database: Database, workspace: Workspace) -> None:
        self._database, self._workspace = database, workspace

    def save(
        self, new: Sequence[NewDraft], by: str | None, known: Callable[[str], bool], *, approve: bool = False
    ) -> list[str]:
        """Store drafts, all of them or none, and return their ids. When this returns they are on the disk.

        Raises `InputError` naming the id that is taken, or the picture that is not stored.

        Parameters
        ----------
        known : whether the catalogue has a product of this id.
        """
        require(Action.EDIT_DRAFTS)
        for one in new:
            self._check(one.product, one.pictures)
        now = datetime.now(UTC)
        with self._database.transaction("drafts") as session:
            renew_stamp(session, "drafts")
            ids = []
            for one in new:
                product_id = _given(one.product_id) or self._fresh(session, known)
                if known(product_id):
                    raise InputError(
                        f"{product_id!r} is a product of the catalogue. Give the new one another id.", field="id"
                    )
                existing = session.get(DraftRow, product_id)
                if existing is not None and existing.state != "discarded":
                    raise InputError(f"there is a draft {product_id!r} already. Edit that one.", field="id")
                if existing is not None:
                    session.delete(existing)
                    session.flush()
                session.add(
                    DraftRow(
                        id=product_id, state="approved" if approve else "draft", item=_facts(one.product),
                        pictures=list(one.pictures), created_by=by, created_at=now, updated_at=now, version=1,
                    )
                )  # fmt: skip
                session.flush()
                with deed(Action.EDIT_DRAFTS, product_id, session=session) as done:
                    done.after = _recorded("approved" if approve else "draft", one.product, one.pictures)
                ids.append(product_id)
        return ids

    def get(self, draft_id: str) -> Draft:
        """One draft; raises `NotFoundError`."""
        with self._database.reading() as session:
            row = session.get(DraftRow, draft_id)
            if row is None:
                raise NotFoundError(f"There is no draft {draft_id!r}.")
            return _from_row(row)

    def all(self, states: Collection[State] = ("draft", "approved")) -> list[Draft]:
        """Those in these states, the last changed first."""
        query = (
            select(DraftRow).where(DraftRow.state.in_(list(states))).order_by(DraftRow.updated_at.desc(), DraftRow.id)
        )
        with self._database.reading() as session:
            return [_from_row(row) for row in session.scalars(query)]

    def stamp(self) -> str:
        """A value that changes with the drafts, whatever the clock says: anything computed from them is valid until then."""
        with self._database.reading() as session:
            return stamp(session, "drafts")

    def edit(self, draft_id: str, version: int, product: Product, pictures: Sequence[str]) -> Draft:
        """Change a draft that is at this version; raises `InputError` where someone else has changed it meanwhile."""
        self._check(product, pictures)
        with self._database.transaction("drafts") as session:
            row = self._row(session, draft_id)
            if row.version != version:
                raise InputError(f"Someone else edited {row.id!r}; your changes were not saved. Reopen it to continue.")
            with deed(Action.EDIT_DRAFTS, draft_id, session=session) as done:
                done.before = {"state": row.state, "product": row.item, "pictures": row.pictures}
                done.after = _recorded(row.state, product, pictures)
                row.item, row.pictures = _facts(product), list(pictures)
                return _changed(session, row)

    def approve(self, draft_id: str) -> Draft:
        """Serve it from now on; the next training adds it to the catalogue."""
        return self._move(draft_id, "approved")

    def withdraw(self, draft_id: str) -> Draft:
        """Stop serving it; it becomes a draft again."""
        return self._move(draft_id, "draft")

    def discard(self, draft_id: str) -> Draft:
        """Delete it; its id is free again."""
        return self._move(draft_id, "discarded")

    def restore(self, draft_id: str, state: State) -> Draft:
        """Bring a discarded draft back as it was. Raises `NotFoundError` where it is not one, or its id was taken since."""
        with self._database.transaction("drafts") as session:
            row = session.get(DraftRow, draft_id)
            if row is None or row.state != "discarded":
                raise NotFoundError(f"There is no discarded draft {draft_id!r} any more.")
            with deed(Action.EDIT_DRAFTS, draft_id, session=session, before=row.state, after=state):
                row.state = state
                return _changed(session, row)

    def mark_in_catalogue(self, draft_ids: Collection[str]) -> None:
        """These drafts are products of the served catalogue now."""
        for draft_id in draft_ids:
            self._move(draft_id, "taken_in")

    def _move(self, draft_id: str, state: State) -> Draft:
        with self._database.transaction("drafts") as session:
            row = self._row(session, draft_id)
            if row.state == state:
                return _from_row(row)
            with deed(Action.EDIT_DRAFTS, draft_id, session=session, before=row.state, after=state):
                row.state = state
                return _changed(session, row)

    def _row(self, session: Session, draft_id: str) -> DraftRow:
        row = session.get(DraftRow, draft_id)
        if row is None or row.state == "discarded":
            raise NotFoundError(f"There is no draft {draft_id!r} any more.")
        return row

    def _check(self, product: Product, pictures: Sequence[str]) -> None:
        if product.is_empty and not pictures:
            raise InputError("Nothing is said about the product. Give a title, a picture or an attribute.")
        if len(pictures) > MOST_PICTURES:
            raise InputError(f"{len(pictures)} pictures are too many. Give at most {MOST_PICTURES}.", field="pictures")
        for picture in map(checked_image, pictures):
            if not self._workspace.image_file(picture).is_file():
                raise InputError(f"the picture {picture[:12]}... is not stored. Upload it again.", field="pictures")

    def _fresh(self, session: Session, known: Callable[[str], bool]) -> str:
        while True:
            made = f"new-{secrets.token_hex(4)}"
            if not known(made) and session.get(DraftRow, made) is None:
                return made


def _facts(product: Product) -> dict[str, Any]:
    """The product as its row keeps it: its pictures have a column of their own."""
    return replace(product, image=None).to_json()


def _recorded(state: str, product: Product, pictures: Sequence[str]) -> dict[str, Any]:
    """A draft as the audit keeps it."""
    return {"state": state, "product": _facts(product), "pictures": list(pictures)}


def _given(product_id: str | None) -> str | None:
    if product_id is None or not product_id.strip():
        return None
    if not _ID.fullmatch(product_id.strip()):
        raise InputError(f"{product_id[:40]!r} cannot be an id: at most 200 characters in one line.", field="id")
    return product_id.strip()


def _changed(session: Session, row: DraftRow) -> Draft:
    renew_stamp(session, "drafts")
    row.version, row.updated_at = row.version + 1, datetime.now(UTC)
    return _from_row(row)


def _from_row(row: DraftRow) -> Draft:
    try:
        product = Product.from_json({**row.item, "image": row.pictures[0] if row.pictures else None})
    except InputError as exc:
        raise StoreError(
            f"The draft {row.id!r} in the database cannot be read ({exc}). Correct or delete its row in the table drafts."
        ) from exc
    return Draft(
        row.id, row.state, product, tuple(row.pictures), row.created_by, row.created_at, row.updated_at, row.version,  # type: ignore[arg-type]
    )  # fmt: skip
