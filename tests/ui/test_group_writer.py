from __future__ import annotations

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.curation.judgements import Judgement, JudgementStore, Seen
from engine.errors import StoreError
from ui.group_writer import GroupWriter


def vote(rater: str = "Ada") -> Judgement:
    return Judgement(str(uuid.uuid4()), "a", "b", "relevant", False, rater, "review", "r0001", 3, (Seen("als", 1),))


def test_what_arrives_while_the_disk_is_busy_shares_a_commit():
    commits: list[int] = []

    def slow(batch) -> int:
        time.sleep(0.05)
        commits.append(len(batch))
        return len(batch)

    writer = GroupWriter(slow)
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda _: writer.add([vote()]), range(20)))
    assert sum(commits) == 20
    assert len(commits) <= 4


def test_everything_confirmed_is_stored_once(tmp_path):
    store = JudgementStore(f"sqlite:///{tmp_path}/longtail.db")
    writer = GroupWriter(store.add)
    votes = [vote(f"c{number}") for number in range(60)]
    with ThreadPoolExecutor(12) as threads:
        list(threads.map(lambda one: writer.add([one]), votes * 2))
    assert sorted(store.log()["client_id"]) == sorted(one.client_id for one in votes)


def test_what_is_refused_is_refused_alone():
    bad, busy = vote("bad"), threading.Event()
    stored: list[str] = []

    def picky(batch) -> int:
        busy.wait(0.2)
        if bad in batch:
            raise StoreError("stored with other content")
        stored.extend(one.rater for one in batch)
        return len(batch)

    writer = GroupWriter(picky)
    with ThreadPoolExecutor(4) as threads:
        outcomes = [threads.submit(writer.add, [one]) for one in (vote("a"), bad, vote("b"), vote("c"))]
    assert [outcome.exception() is None for outcome in outcomes] == [True, False, True, True]
    assert sorted(stored) == ["a", "b", "c"]


def test_an_error_that_nobody_foresaw_reaches_everyone():
    def broken(batch) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        GroupWriter(broken).add([vote()])
