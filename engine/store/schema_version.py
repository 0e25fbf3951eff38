"""Which version the tables of a database have, and which this Longtail works with: told without Alembic, which takes long to import."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy import Engine, column, inspect, select, table

__all__ = ["MIGRATIONS", "current_revision", "is_newest", "newest_revision"]

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
_VERSIONS = table("alembic_version", column("version_num"))


def current_revision(engine: Engine) -> str | None:
    """The version that the tables have; None for a database without any."""
    with engine.connect() as connection:
        if not inspect(connection).has_table(_VERSIONS.name):
            return None
        found: str | None = connection.execute(select(_VERSIONS.c.version_num)).scalar()
        return found


def is_newest(engine: Engine) -> bool:
    """Whether the tables have the version that this Longtail works with."""
    return current_revision(engine) == newest_revision()


@cache
def newest_revision() -> str:
    """The version of the tables that this Longtail works with, `0009` of r0009_marks.py."""
    return max(path.name[1:].partition("_")[0] for path in (MIGRATIONS / "versions").glob("r*.py"))
