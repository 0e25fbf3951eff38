"""The judgement store on SQLite, and what a judgement is."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from engine.core.errors import InputError, StoreError
from engine.curation.judgements import JudgementStore
from engine.curation.votes import Judgement
from engine.store import Database, dialect
from tests.engine.curation.store_contract import StoreContract

REPOSITORY = Path(__file__).resolve().parents[3]


class TestSqliteStore(StoreContract):
    """The default: a file in the workspace."""


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"verdict": "bad"}, "verdict"),
        ({"source": "email"}, "source"),
        ({"anchor": " "}, "anchor_id"),
        ({"neighbour": ""}, "neighbour_id"),
        ({"rater": ""}, "rater"),
        ({"release_id": ""}, "release_id"),
        ({"rater": "A\0nn"}, "rater"),
        ({"reason": "\ud800"}, "reason"),
        ({"client_id": "7"}, "client_id"),
        ({"client_id": "3F2504E0-4F89-41D3-9A0C-0305E82C3301"}, "client_id"),
        ({"anchor": "n"}, "neighbour_id"),
        ({"anchor_count": -1}, "anchor_count"),
        ({"ranks": {"als": 0}}, "ranks"),
    ],
)
def test_what_is_no_judgement_is_refused_by_field(judge, changes, field):
    with pytest.raises(InputError) as caught:
        judge(**changes)
    assert caught.value.field == field


def test_the_store_makes_the_folder_it_needs(tmp_path, judge):
    store = JudgementStore(Database(f"sqlite:///{tmp_path}/new/folder with space/l%20#?.db"))
    assert store.add([judge()]) == 1


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_that_would_vanish_with_the_program_is_refused(url):
    with pytest.raises(StoreError, match="names no file"):
        JudgementStore(Database(url))


@pytest.mark.parametrize("url", ["longtail.db", "nosuch://host/database", "http://"])
def test_what_is_no_database_url_is_refused(url):
    with pytest.raises(StoreError, match="not a database URL"):
        JudgementStore(Database(url))


def test_a_held_database_is_said_to_be_busy(url, judge, monkeypatch):
    monkeypatch.setattr(dialect, "BUSY_SECONDS", 0.1)
    store = JudgementStore(Database(url))
    holder = sqlite3.connect(store_file(url), isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="busy"):
        store.add([judge()])
    with pytest.raises(StoreError, match="busy"):
        store.current()
    holder.execute("ROLLBACK")
    holder.close()
    assert store.add([judge()]) == 1


def test_a_database_that_was_deleted_is_said_to_be_gone_and_no_empty_one_takes_its_place(url, store, judge):
    store_file(url).unlink()
    for call in (lambda: store.add([judge()]), store.current, store.log, store.has_demo, store.remove_demo):
        with pytest.raises(StoreError, match="gone"):
            call()
    assert not store_file(url).exists()


def test_a_database_that_was_emptied_is_said_to_be_gone(url, store, judge):
    store_file(url).write_bytes(b"")
    with pytest.raises(StoreError, match="gone or was replaced"):
        store.add([judge()])


def test_a_file_that_is_no_database_is_said_to_be_damaged(tmp_path):
    (tmp_path / "longtail.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match="damaged"):
        JudgementStore(Database(f"sqlite:///{tmp_path}/longtail.db"))


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="judgements database"):
        JudgementStore(Database(f"sqlite:///{tmp_path}/file/longtail.db"))


def test_a_read_only_database_can_be_read_and_says_why_it_is_not_written(judge):
    # A folder of its own: pytest's is closed to other users, and root may write anything.
    folder = Path(tempfile.mkdtemp(prefix="longtail-"))
    try:
        url = f"sqlite:///{folder}/longtail.db"
        JudgementStore(Database(url)).add([judge()])
        (folder / "longtail.db").chmod(0o444)
        folder.chmod(0o555)
        child = os.fork()
        if child == 0:
            os._exit(_says_read_only(url, judge()))
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def _says_read_only(url: str, judgement: Judgement) -> int:
    try:
        if os.getuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        store = JudgementStore(Database(url))
        if len(store.current()) != 1:
            return 1
        try:
            store.add([judgement])
        except StoreError as exc:
            return 0 if "cannot be written" in str(exc) else 2
        return 3
    except BaseException:
        return 4


def test_where_wal_is_unsafe_a_rollback_journal_is_used_even_if_the_file_came_in_wal_mode(tmp_path, monkeypatch):
    file = tmp_path / "longtail.db"
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("CREATE TABLE other (x)")
    connection.close()
    for version, mode in (((3, 51, 2), "delete"), ((3, 51, 3), "wal"), ((3, 40, 1), "delete")):
        monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
        JudgementStore(Database(f"sqlite:///{file}"))
        connection = sqlite3.connect(file)
        assert connection.execute("PRAGMA journal_mode").fetchone() == (mode,)
        connection.close()


def test_a_commit_reaches_the_disk_and_foreign_keys_hold(store):
    with store.database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 3  # EXTRA
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 10_000


CHILD = """
import itertools, sys, uuid
from engine.curation.judgements import JudgementStore
from engine.curation.votes import Judgement
from engine.store import Database
store = JudgementStore(Database(sys.argv[1]))
for i in itertools.count():
    batch = [Judgement(client_id=str(uuid.uuid4()), anchor_id=f"a{i}", neighbour_id=f"n{j}", verdict="irrelevant",
                       rater="Ann", source="review", release_id="r1", anchor_count=1, ranks={"als": j + 1})
             for j in range(3)]
    store.add(batch)
    print(*[judgement.client_id for judgement in batch], flush=True)
"""


def test_no_confirmed_judgement_is_lost_and_none_is_half_stored_when_the_program_is_killed(url):
    confirmed: set[str] = set()
    for batches in (1, 7, 20):
        with subprocess.Popen(
            [sys.executable, "-c", CHILD, url], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
        ) as child:
            lines = [child.stdout.readline() for _ in range(batches)]
            child.send_signal(signal.SIGKILL)
            lines += child.stdout.readlines()
        confirmed |= {client_id for line in lines if line.endswith("\n") for client_id in line.split()}
    store = JudgementStore(Database(url))
    log = store.log()
    assert confirmed <= set(log["client_id"])
    assert len(confirmed) >= 3 * (1 + 7 + 20)
    assert log.groupby("anchor_id").size().mod(3).eq(0).all()
    assert (log["seen"] != "").all()
    connection = sqlite3.connect(store_file(url))
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def store_file(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))
