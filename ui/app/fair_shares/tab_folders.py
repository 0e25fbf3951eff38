"""Folders on disk that belong to a tab: removed once it has been closed for a while."""

from __future__ import annotations

import shutil
from pathlib import Path

from streamlit.runtime.scriptrunner import get_script_run_ctx

__all__ = ["give_away", "keep", "remove", "remove_all", "sessions"]

_folders: dict[str, list[Path]] = {}


def keep(folder: Path) -> None:
    """The folder belongs to the tab whose page is running now."""
    context = get_script_run_ctx()
    if context is not None:
        _folders.setdefault(context.session_id, []).append(folder)


def give_away(folder: Path) -> None:
    """The folder is somebody else's now."""
    for session, folders in list(_folders.items()):
        if folder in folders:
            folders.remove(folder)
            if not folders:
                _folders.pop(session, None)


def sessions() -> list[str]:
    """The tabs that have folders."""
    return list(_folders)


def remove(session: str) -> None:
    """Remove the folders of a tab."""
    for folder in _folders.pop(session, []):
        shutil.rmtree(folder, ignore_errors=True)


def remove_all() -> None:
    """Remove the folders of every tab."""
    for session in sessions():
        remove(session)
