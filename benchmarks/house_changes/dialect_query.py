"""The new query answers on SQLite; `tests/engine/store` runs what is in the module on PostgreSQL."""

import tempfile

from engine.store import Database
from engine.store.dialect import size_in_bytes

with tempfile.TemporaryDirectory() as folder:
    database = Database(f"sqlite:///{folder}/longtail.db")
    with database.reading() as session:
        assert size_in_bytes(session) > 0
    database.close()
