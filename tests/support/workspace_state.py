"""What a workspace says, as a value that can be compared: what is served, the shop, every row; without times and random ids."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from engine.backup.journal import end_interrupted
from engine.catalogue.snapshot import event_files, read_info
from engine.core.errors import NoDataError
from engine.core.occupancy import opened
from engine.core.workspace import Workspace
from engine.jobs import sweep_folders
from engine.jobs.recording import clean_leftovers
from engine.release.publish import current_release_id, published_releases, verify_release
from engine.store import Base

__all__ = ["leftovers", "recovered_state", "state_of"]

# Of every table: what differs when the same is done again.
_PASSING = {"created_at", "updated_at", "changed_at", "at", "deed", "last_seen", "set_at"}
# The audit also says what was begun; who reads it knows that a deed which was interrupted may be done or not.
_NOT_COMPARED = {"audit", "alembic_version", "sqlite_sequence"} | {
    name for name, table in Base.metadata.tables.items() if table.info.get("derived")
}


def recovered_state(root: Path) -> dict[str, Any]:
    """The state after the next run, ten minutes later, has put in order what a kill or a power failure left."""
    workspace = Workspace(root)
    for part in root.rglob(".*.part"):  # younger ones may be a page's that is writing now
        os.utime(part, (0, 0))
    with opened(root, end_interrupted):
        clean_leftovers(workspace)
        sweep_folders(workspace)
        return state_of(root)


def state_of(root: Path) -> dict[str, Any]:
    """Nothing is changed but a hot journal of SQLite's, which is rolled back."""
    workspace = Workspace(root)
    rows = _rows(workspace.judgements_file)
    return {
        "release": _release(workspace),
        "shop": _shop(workspace),
        "rows": rows,
        "settings": _digest(workspace.settings_file),
        "keys": [_digest(root / name) for name in ("shopper.key", "review.key")],
        "missing pictures": _missing(workspace, rows),
    }


def leftovers(root: Path) -> list[str]:
    """Files that nobody needs any more."""
    return sorted(
        path.relative_to(root).as_posix()
        for pattern in (".*.part", ".ingest-*", ".restore*", ".longtail.db*", ".upload-*")
        for path in root.rglob(pattern)
    )


def _release(workspace: Workspace) -> list[Any]:
    current = current_release_id(workspace)
    if current is None:
        return []
    verify_release(workspace, current)  # raises where it is not whole
    return [current, published_releases(workspace)]


def _shop(workspace: Workspace) -> list[Any]:
    try:
        snapshot = workspace.current_snapshot()
    except NoDataError:
        if (workspace.snapshots / "current").is_file():
            raise
        return []
    info = read_info(snapshot)
    events = sum(pq.read_metadata(file).num_rows for file in event_files(snapshot))
    return [
        info["name"],
        hashlib.sha256(pq.read_table(snapshot / "items.parquet").to_pandas().to_csv().encode()).hexdigest(),
        events,
    ]


def _rows(file: Path) -> dict[str, list[Any]]:
    if not file.is_file() or not file.stat().st_size:
        return {}
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.row_factory = sqlite3.Row
        tables = [
            row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        found = {
            table: [
                {name: row[name] for name in row.keys() if name not in _PASSING}  # noqa: SIM118 - iterating gives values
                for row in connection.execute(f"SELECT * FROM {table} ORDER BY rowid")
            ]
            for table in tables
            if table not in _NOT_COMPARED
        }
    return {table: rows for table, rows in found.items() if rows}


def _missing(workspace: Workspace, rows: dict[str, list[Any]]) -> list[str]:
    """Pictures that something names and that are not there, or empty."""
    named: set[str] = set()
    try:
        column = pq.read_table(workspace.current_snapshot() / "items.parquet").to_pandas().get("image")
        named |= set(column.dropna()) if column is not None else set()
    except NoDataError:
        pass
    for row in rows.get("drafts", []):
        named |= set(json.loads(row["pictures"]))
    for row in rows.get("product_changes", []):
        named |= {value for value in [json.loads(row["after"]).get("image")] if value}
    files = [file(image) for image in named for file in (workspace.image_file, workspace.thumbnail_file)]
    return sorted(file.name for file in files if not file.is_file() or not file.stat().st_size)


def _digest(file: Path) -> str | None:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None
