from __future__ import annotations

import threading
import time

from engine.serving.background_result import WAIT_SECONDS, BackgroundResult


def ended(result: BackgroundResult) -> BackgroundResult:
    for _ in range(200):
        if result.done:
            return result
        time.sleep(0.02)
    raise AssertionError("the work never ended")


def test_without_work_the_first_result_is_all():
    assert (BackgroundResult(1).result, BackgroundResult(1).done) == (1, True)


def test_short_work_is_waited_for():
    made = BackgroundResult("first", lambda: "full")
    assert (made.result, made.done) == ("full", True)


def test_long_work_goes_on_while_the_first_result_is_shown():
    may_end = threading.Event()
    began = time.monotonic()
    made = BackgroundResult("first", lambda: may_end.wait(30) and "full")
    assert WAIT_SECONDS <= time.monotonic() - began < 10
    assert (made.result, made.done) == ("first", False)
    may_end.set()
    assert ended(made).result == "full"


def test_work_that_fails_is_logged_and_the_first_result_stays(caplog):
    made = ended(BackgroundResult("first", lambda: 1 / 0))
    assert made.result == "first"
    assert "ZeroDivisionError" in caplog.text
