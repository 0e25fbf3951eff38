from __future__ import annotations

import threading
import time

from ui.today.results import Latest


def test_a_result_counts_as_the_last_word_only_for_the_stamp_it_was_worked_out_for():
    latest: Latest[str] = Latest()
    go = threading.Event()
    assert latest.get(1, lambda: "one", 5) == ("one", True)

    def slowly() -> str:
        go.wait(5)
        return "two"

    assert latest.get(2, slowly, 0) == ("one", False)
    assert latest.get(3, lambda: "three", 0) == ("one", False)
    go.set()
    while not (found := latest.get(3, lambda: "three", 5))[1]:  # between them "two" is there, and rests
        assert found[0] in ("one", "two")
    assert found == ("three", True)


def test_who_may_ask_often_waits_for_nothing_and_begins_work_seldom():
    latest: Latest[int] = Latest()
    begun: list[int] = []

    def count(stamp: int) -> int:
        begun.append(stamp)
        until = (
            time.thread_time() + 0.2
        )  # the next one is put off for two seconds: a slow machine does not outlive that
        while time.thread_time() < until:
            pass
        return stamp

    assert latest.look(1, lambda: count(1)) is None
    assert latest.get(1, lambda: count(1), 5)[0] in (None, 1)
    while latest.look(1, lambda: count(1)) is None:
        pass
    assert latest.look(2, lambda: count(2)) == 1
    assert begun == [1]
    while latest.get(2, lambda: count(2), 5) != (2, True):
        time.sleep(0.01)
    assert begun == [1, 2]
