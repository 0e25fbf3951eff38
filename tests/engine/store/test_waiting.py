"""Whoever waits for others is answered when it was promised, however many wait; a server that goes away loses nothing confirmed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import text

from engine.core.errors import BusyError, StoreError
from engine.curation.judgements import add_within
from engine.store import Database, dialect
from tests.support.postgres import PostgresServer


class TestBusy:
    """Somebody else, another process say, writes for a long time."""

    @pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
    def url(self, request, tmp_path):
        if request.param == "postgres":
            return request.getfixturevalue("postgres_url")
        return f"sqlite:///{tmp_path}/longtail.db"

    @pytest.fixture
    def held(self, url, open_database, monkeypatch):
        """Hold the database for so many seconds, from now on."""
        other = open_database(url)
        monkeypatch.setattr(dialect, "BUSY_SECONDS", 1)
        threads = []

        def hold(seconds: float) -> None:
            begun = threading.Event()

            def work() -> None:
                with other.transaction():
                    begun.set()
                    time.sleep(seconds)

            threads.append(threading.Thread(target=work))
            threads[-1].start()
            begun.wait(10)

        yield hold
        for thread in threads:
            thread.join()

    def test_everybody_is_told_in_time_also_those_behind_others(self, url, held, open_store, judge):
        store = open_store(url)
        held(3.0)

        def ask(number: int) -> float:
            time.sleep(0.05 * number)
            began = time.monotonic()
            alone, shared = store.add, lambda votes: store.database.write(lambda session: add_within(session, votes))
            with pytest.raises(BusyError, match="is busy"):
                (shared if number % 2 else alone)([judge(rater=f"c{number}")])
            return time.monotonic() - began

        with ThreadPoolExecutor(8) as threads:
            waited = list(threads.map(ask, range(8)))
        assert max(waited) < 2.0, "each waits its own second, not one more for everybody before it"
        assert store.log().empty

    def test_who_came_later_is_stored_when_the_turn_comes_in_their_time(self, url, held, open_store, judge):
        store = open_store(url)
        held(1.2)

        def ask(number: int) -> str:
            time.sleep(0.2 * number)
            try:
                store.database.write(lambda session: add_within(session, [judge(rater=f"c{number}")]))
            except BusyError:
                return "busy"
            return "stored"

        with ThreadPoolExecutor(5) as threads:
            outcomes = list(threads.map(ask, (0, 2, 3, 4)))
        assert outcomes[0] == "busy"
        assert outcomes[-2:] == ["stored", "stored"]
        assert len(store.log()) == outcomes.count("stored")


@pytest.mark.postgres
class TestServer:
    """PostgreSQL goes away, is slow, or has too many visitors."""

    def test_a_connection_lost_in_the_middle_stores_nothing_and_the_next_request_works(
        self, postgres_url, open_store, judge
    ):
        store, one = open_store(postgres_url), judge()

        def cut(session) -> None:
            add_within(session, [one])
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

        with pytest.raises(StoreError, match=r"cannot be reached\. Nothing was stored"):
            store.database.write(cut)
        assert store.log().empty
        assert store.database.write(lambda session: add_within(session, [one])) == 1

    def test_a_server_that_is_restarted_while_people_judge_has_everything_confirmed_once(
        self, postgres, open_store, judge
    ):
        store = open_store(postgres.make_database())
        votes = [[judge(rater=f"c{person}", anchor=f"a{number}") for number in range(40)] for person in range(4)]
        refused = []

        def work(person: int) -> None:
            for vote in votes[person]:
                _until_stored(store.database, lambda session, vote=vote: add_within(session, [vote]), refused)
                time.sleep(0.01)

        with ThreadPoolExecutor(4) as people:
            working = [people.submit(work, person) for person in range(4)]
            time.sleep(0.2)
            postgres.stop("immediate")
            time.sleep(0.3)
            postgres.start()
            for one in working:
                one.result()
        assert refused, "the restart was noticed"
        assert sorted(store.log()["client_id"]) == sorted(vote.client_id for person in votes for vote in person)

    def test_a_statement_without_end_is_ended(self, postgres_url, open_database, monkeypatch):
        monkeypatch.setattr(dialect, "STATEMENT_SECONDS", 1)
        database = open_database(postgres_url)
        began = time.monotonic()
        with pytest.raises(StoreError, match="took more than"), database.transaction() as session:
            session.execute(text("SELECT pg_sleep(20)"))
        assert time.monotonic() - began < 5

    def test_one_dashboard_opens_a_bounded_number_of_connections(self, postgres_url, open_database):
        database, together = open_database(postgres_url), threading.Barrier(31)
        counted = []

        def read(_number: int) -> None:
            together.wait(10)
            with database.reading() as session:
                session.execute(text("SELECT pg_sleep(0.05)"))

        def count() -> None:
            with psycopg.connect(postgres_url, autocommit=True) as connection:
                together.wait(10)
                for _ in range(8):
                    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    counted.append(connection.execute(query).fetchone()[0] - 1)
                    time.sleep(0.02)

        with ThreadPoolExecutor(31) as threads:
            reading = [threads.submit(read, number) for number in range(30)]
            threads.submit(count).result()
            for one in reading:
                one.result()
        assert 5 < max(counted) <= dialect.MOST_CONNECTIONS

    def test_a_user_without_rights_is_told_so_and_finds_nothing_half_made(
        self, postgres: PostgresServer, open_database
    ):
        url = postgres.make_database()
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute("DROP ROLE IF EXISTS stranger")
            owner.execute("CREATE ROLE stranger LOGIN")
        with pytest.raises(StoreError, match=r"cannot be written.*as the user of a database server"):
            Database(url.replace("longtail@", "stranger@"))
        with psycopg.connect(url, autocommit=True) as owner:
            made = owner.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()[0]
            owner.execute("DROP ROLE stranger")
        assert made == 0


def _until_stored(database: Database, operation: Callable, refused: list[str]) -> None:
    """As the browser does: the same decision again until it is stored."""
    deadline = time.monotonic() + 30
    while True:
        try:
            database.write(operation)
            return
        except StoreError as exc:
            refused.append(str(exc))
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
