"""The judgement store on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from engine.core.errors import StoreError
from engine.curation.judgements import JudgementStore, add_within
from engine.store import Database, dialect
from tests.engine.curation.store_contract import StoreContract

pytestmark = pytest.mark.postgres


class TestPostgresStore(StoreContract):
    """A shop with its own server."""

    @pytest.fixture
    def url(self, postgres_url):
        return postgres_url


def test_the_short_form_of_the_url_works_too(postgres_url, judge, open_store):
    assert open_store(postgres_url.replace("postgresql://", "postgres://")).add([judge()]) == 1


def test_a_server_that_is_not_there_is_said_without_the_password():
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        JudgementStore(Database("postgresql://longtail:secret@127.0.0.1:1/longtail"))
    assert "secret" not in caught.value.detail
    assert "127.0.0.1" in caught.value.detail
    assert not any(part in str(caught.value) for part in ("secret", "127.0.0.1", "longtail@"))


def test_a_database_that_is_not_there_is_said(postgres_server):
    with pytest.raises(StoreError, match="gone or was replaced"):
        JudgementStore(Database(f"{postgres_server}/nosuch"))


def test_a_held_table_is_said_to_be_busy(postgres_url, judge, monkeypatch, open_store):
    monkeypatch.setattr(dialect, "BUSY_SECONDS", 1)
    store = open_store(postgres_url)
    with psycopg.connect(postgres_url) as holder:
        holder.execute("LOCK TABLE judgements IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreError, match="busy"):
            store.add([judge()])
    assert store.add([judge()]) == 1


def test_a_connection_that_the_server_closed_is_opened_again(postgres_url, judge, open_store):
    store = open_store(postgres_url)
    store.add([judge()])
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert store.add([judge("b", "c")]) == 1


def test_a_row_that_another_dashboard_stores_slowly_is_not_overlooked(postgres_url, judge, open_store):
    here, there = open_store(postgres_url), open_store(postgres_url)
    with ThreadPoolExecutor(1) as thread:
        with here.database.transaction() as session:
            add_within(session, [judge("a", "slow")])
            quick = thread.submit(there.add, [judge("a", "quick")])
            with pytest.raises(TimeoutError):
                quick.result(0.3)  # else its number, the larger one, would be seen first and this one never
        quick.result()
    assert here.log()["neighbour_id"].tolist() == ["slow", "quick"]


def test_a_role_that_may_only_read_is_told_so(postgres_url, judge, open_store):
    open_store(postgres_url).add([judge()])
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute("DROP ROLE IF EXISTS reader")
        owner.execute("CREATE ROLE reader LOGIN")
        owner.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    store = open_store(postgres_url.replace("longtail@", "reader@"))
    assert len(store.current()) == 1
    with pytest.raises(StoreError, match="cannot be written"):
        store.add([judge()])
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute("DROP OWNED BY reader")
        owner.execute("DROP ROLE reader")
