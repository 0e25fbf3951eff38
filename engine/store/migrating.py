"""Bringing the tables to another version: up when a database is opened, down when somebody goes back to an older Longtail.

Either happens in one transaction: a migration that fails leaves the database as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, func, select
from sqlalchemy.orm import Session

from engine.core.errors import InputError, StoreError
from engine.store.base import Base
from engine.store.dialect import display_name, lock, take_your_time, writing
from engine.store.schema_version import MIGRATIONS, current_revision

__all__ = ["build_tables", "downgrade", "revisions", "upgrade"]


def revisions() -> dict[str, str]:
    """Every version of the tables, newest first, and what it brought."""
    script = ScriptDirectory(str(MIGRATIONS))
    return {one.revision: (one.doc or "").partition("\n")[0] for one in script.walk_revisions()}


def upgrade(engine: Engine) -> None:
    """Bring the tables to the newest version; processes that come at once wait for the first.

    Raises `StoreError` where a newer version of Longtail wrote them.
    """
    found, known = current_revision(engine), list(revisions())
    if found == known[0]:
        return
    if found is not None and found not in known:
        raise StoreError(
            f"The judgements database was written by a newer version of Longtail ({found}). Update Longtail; nothing was changed.",
            display_name(engine.url),
        )
    with _migrating(engine) as (_, config):
        command.upgrade(config, "head")


def build_tables(connection: Connection) -> None:
    """Make today's tables where a connection looks, which holds none, within its transaction."""
    command.upgrade(_config(connection), "head")


def downgrade(engine: Engine, revision: str, *, accept_loss: bool = False) -> list[str]:
    """Take the tables back to an older version, and return what that deleted: "12 rows of drafts".

    Raises `InputError` where there is no such older version, and, unless `accept_loss`, where anything that people said
    or did would be deleted: then nothing was changed.
    """
    found = current_revision(engine)
    older = [known for known in revisions() if found is not None and known < found]
    if revision not in older:
        listed = ", ".join(older) or "there is none"
        raise InputError(f"{revision!r} is no version before {found}, which the database has now. Choose: {listed}.")
    with _migrating(engine) as (connection, config):
        before = _contents(connection)
        command.downgrade(config, revision)
        after = _contents(connection)
        lost = [f"{count:,} rows of {what}" for what, count in before.items() if count and what not in after]
        lost = [said for said in lost if not _is_said_by_its_table(said, lost)]
        if lost and not accept_loss:
            raise InputError(
                f"Going back to {revision} deletes {', '.join(lost)}. Nothing was changed. Make a backup, and add --accept-loss."
            )
    return lost


@contextmanager
def _migrating(engine: Engine) -> Iterator[tuple[Connection, Config]]:
    """One transaction for Alembic to work in."""
    with Session(writing(engine)) as session, session.begin():
        lock(session, "migrations")
        take_your_time(session)
        yield session.connection(), _config(session.connection())


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _contents(connection: Connection) -> dict[str, int]:
    """How many rows hold something: by table, and by table.column; what can be worked out again is left out."""
    found = MetaData()
    found.reflect(connection)
    counts: dict[str, int] = {}
    for table in found.sorted_tables:
        known = Base.metadata.tables.get(table.name)
        if known is None or known.info.get("derived"):
            continue
        columns = [one for one in table.columns if not known.columns[one.name].info.get("derived")]
        row = connection.execute(select(func.count(), *(func.count(one) for one in columns)).select_from(table)).one()
        counts[table.name] = int(row[0])
        counts |= {f"{table.name}.{one.name}": int(count) for one, count in zip(columns, row[1:], strict=True)}
    return counts


def _is_said_by_its_table(said: str, lost: list[str]) -> bool:
    """Whether the table of a deleted column is deleted as a whole."""
    what = said.rpartition(" ")[2]
    return "." in what and any(one.rpartition(" ")[2] == what.partition(".")[0] for one in lost)
