"""Many requests in one transaction: each is done, or refused, as if it were alone."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.core.errors import InputError, StoreError
from engine.curation.judgements import JudgementStore, add_within
from engine.store import CardRow


@pytest.fixture(params=["url", pytest.param("postgres_url", marks=pytest.mark.postgres)])
def any_store(request, open_store) -> JudgementStore:
    return open_store(request.getfixturevalue(request.param))


def test_what_arrives_while_the_disk_is_busy_shares_a_commit(store):
    before, first = store.database.writes.total(), threading.Event()

    def slow(_session) -> int:
        first.set()
        deadline = time.monotonic() + 60
        while len(store.database._queue._waiting) < 20 and time.monotonic() < deadline:
            time.sleep(0.01)
        return -1

    with ThreadPoolExecutor(21) as threads:
        begun = threads.submit(store.database.write, slow)
        first.wait(60)
        results = list(threads.map(lambda number: store.database.write(lambda _session: number), range(20)))
    assert begun.result() == -1
    assert results == list(range(20))
    assert store.database.writes.total() - before == 2


def test_everything_confirmed_is_stored_once(store, judge):
    votes = [judge(rater=f"c{number}") for number in range(60)]
    with ThreadPoolExecutor(12) as threads:
        list(threads.map(lambda one: store.database.write(lambda session: add_within(session, [one])), votes * 2))
    assert sorted(store.log()["client_id"]) == sorted(one.client_id for one in votes)


def test_what_is_refused_is_refused_alone_and_leaves_nothing(store, judge):
    busy = threading.Event()

    def refuse(session):
        add_within(session, [judge(rater="half")])
        raise InputError("no", field="x")

    def wait(_session):
        busy.wait(0.2)

    with ThreadPoolExecutor(4) as threads:
        threads.submit(store.database.write, wait)
        outcomes = [
            threads.submit(store.database.write, operation)
            for operation in (
                lambda s: add_within(s, [judge(rater="a")]),
                refuse,
                lambda s: add_within(s, [judge(rater="b")]),
            )
        ]
    assert [outcome.exception() is None for outcome in outcomes] == [True, False, True]
    assert set(store.log()["rater"]) == {"a", "b"}


def test_a_database_that_is_gone_confirms_nothing(store, judge, tmp_path):
    (tmp_path / "longtail.db").rename(tmp_path / "away.db")
    with pytest.raises(StoreError, match="is gone"):
        store.database.write(lambda session: add_within(session, [judge()]))
    (tmp_path / "away.db").rename(tmp_path / "longtail.db")
    assert store.log().empty


def test_an_error_that_nobody_foresaw_reaches_the_caller(store):
    with pytest.raises(ZeroDivisionError):
        store.database.write(lambda _session: 1 / 0)


@pytest.mark.parametrize("card", ["\ud800", "\0"])
def test_what_cannot_be_stored_fails_alone(any_store, judge, card):
    busy = threading.Event()
    with ThreadPoolExecutor(4) as threads:
        threads.submit(any_store.database.write, lambda _session: busy.wait(0.2))
        first = threads.submit(any_store.database.write, lambda s: add_within(s, [judge(rater="a")]))
        bad = threads.submit(any_store.database.write, lambda s: s.get(CardRow, card))
        last = threads.submit(any_store.database.write, lambda s: add_within(s, [judge(rater="b")]))
    assert (first.exception(), last.exception()) == (None, None)
    assert bad.exception() is not None or bad.result() is None
    assert set(any_store.log()["rater"]) == {"a", "b"}
