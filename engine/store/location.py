"""Which database a workspace has: the one that the settings name, else SQLite in the workspace."""

from __future__ import annotations

from engine.core.settings import Settings
from engine.core.workspace import Workspace

__all__ = ["database_url", "has_database"]


def database_url(workspace: Workspace, settings: Settings) -> str:
    """Its SQLAlchemy URL."""
    return settings.database_url or workspace.database_url


def has_database(workspace: Workspace, settings: Settings) -> bool:
    """Whether there is anything to read: SQLite's file does not exist before somebody judges, drafts or changes something."""
    return bool(settings.database_url) or workspace.judgements_file.is_file()
