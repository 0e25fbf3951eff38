"""`backup` and `restore`: everything that cannot be made again, in one file, and back."""

from __future__ import annotations

import argparse

from engine.backup.create import back_up
from engine.backup.restore import restore as restore_backup
from engine.cli.console import Console
from engine.cli.context import open_settings, open_workspace

__all__ = ["backup", "restore"]

SECRET = (
    "The file holds the keys of the workspace, its settings and everybody's names: keep it where only you can read it."
)


def backup(arguments: argparse.Namespace, console: Console) -> None:
    """Write everything that cannot be made again to a file."""
    made = back_up(
        open_workspace(arguments),
        open_settings(arguments),
        arguments.file,
        all_releases=arguments.all_releases,
        progress=console.progress,
    )
    for note in made.notes:
        console.note(note)
    console.note(SECRET)
    size = arguments.file.stat().st_size
    values = {"file": str(arguments.file), "bytes": size, "files": len(made.files), "rows": sum(made.tables.values())}
    console.result(
        values
        | {"release": made.release, "snapshot": made.snapshot, "created_at": made.created_at, "notes": made.notes},
        f"Backed up to {arguments.file}: {len(made.files):,} files and {sum(made.tables.values()):,} rows, "
        f"{size / 1e6:,.1f} MB.",
    )


def restore(arguments: argparse.Namespace, console: Console) -> None:
    """Make the workspace what it was when the backup was made."""
    workspace = open_workspace(arguments)
    done = restore_backup(
        workspace,
        arguments.file,
        replace_data=arguments.replace,
        to_database=arguments.database,
        progress=console.progress,
    )
    for kept in done.kept:
        console.note(f"What was there before is in {kept}. Remove it once you no longer need it.")
    made = done.manifest
    console.result(
        {"created_at": made.created_at, "release": made.release, "snapshot": made.snapshot, "kept": list(done.kept)},
        f"{workspace.root} is as it was on {made.created_at}: {len(made.files):,} files and "
        f"{sum(made.tables.values()):,} rows.",
    )
