"""The new query is answered."""

import tempfile

from engine.store import Database, dialect

with tempfile.TemporaryDirectory() as folder:
    database = Database(f"sqlite:///{folder}/longtail.db")
    with database.reading() as session:
        assert dialect.version_of(session).startswith("3.")  # type: ignore[attr-defined]
