"""What a new release changes beside the one that is served, worked out while it is trained so that nobody has to wait for it."""

from __future__ import annotations

import logging

from engine.core.errors import LongtailError
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.release.publish import current_release_id
from engine.serving.what_changes import list_length, what_changes
from engine.store import Database, database_url, has_database

__all__ = ["keep_what_changes"]

logger = logging.getLogger(__name__)


def keep_what_changes(workspace: Workspace, settings: Settings, release_id: str) -> None:
    """Work it out and keep it; nothing where nothing is served, or what is served cannot be opened."""
    served = current_release_id(workspace)
    if not served:
        return
    store = JudgementStore(Database(database_url(workspace, settings))) if has_database(workspace, settings) else None
    try:
        what_changes(workspace, served, release_id, list_length(settings.serving.neighbours), store)
    except LongtailError as exc:
        logger.warning("what %s changes beside %s could not be worked out: %s", release_id, served, exc)
