"""`database`: which version its tables have, and the way back to that of an older Longtail."""

from __future__ import annotations

import argparse
from contextlib import closing

from engine.cli.console import Console
from engine.cli.context import open_database
from engine.store.failures import translated
from engine.store.migrating import downgrade, revisions
from engine.store.schema_version import current_revision

__all__ = ["database"]


def database(arguments: argparse.Namespace, console: Console) -> None:
    """List the versions of the tables, or go back to one."""
    with closing(open_database(arguments)) as opened, translated(opened.engine.url):
        if arguments.downgrade is None:
            found = current_revision(opened.engine)
            rows = [[one, what, "in use" if one == found else ""] for one, what in revisions().items()]
            console.table(["version", "what it brought", ""], rows, {"database": opened.name, "version": found})
            return
        lost = downgrade(opened.engine, arguments.downgrade, accept_loss=arguments.accept_loss)
    deleted = f" Deleted: {', '.join(lost)}." if lost else ""
    console.result(
        {"version": arguments.downgrade, "deleted": lost},
        f"The database has version {arguments.downgrade} now.{deleted} Start the older Longtail: this one would bring it up to date again.",
    )
