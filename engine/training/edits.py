"""Drafts and changes around a training: they become part of the catalogue before it, and drafts are marked once it is served."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager

from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.edits.apply_to_catalogue import Applied, apply_to_catalogue
from engine.edits.changes.store import ChangeStore
from engine.edits.drafts.store import SERVED, DraftStore
from engine.store import Database, database_url, has_database

__all__ = ["apply_edits", "mark_drafts"]


def apply_edits(workspace: Workspace, settings: Settings) -> Applied:
    """Take approved drafts and changes into the catalogue; nothing where the workspace has no database.

    Raises what `apply_to_catalogue` raises, and `StoreError` where the database refuses.
    """
    with _database(workspace, settings) as database:
        if database is None:
            return Applied([], [])
        return apply_to_catalogue(workspace, DraftStore(database, workspace), ChangeStore(database, workspace))


def mark_drafts(workspace: Workspace, settings: Settings, served: Collection[str]) -> None:
    """Drafts that are products of the served catalogue now are marked so; `served` are its ids."""
    with _database(workspace, settings) as database:
        if database is None:
            return
        drafts, known = DraftStore(database, workspace), set(served)
        drafts.mark_in_catalogue([draft.id for draft in drafts.all(SERVED) if draft.id in known])


@contextmanager
def _database(workspace: Workspace, settings: Settings) -> Iterator[Database | None]:
    """The workspace's database, None where it has none: a training makes no empty one."""
    if not has_database(workspace, settings):
        yield None
        return
    with closing(Database(database_url(workspace, settings))) as database:
        yield database
