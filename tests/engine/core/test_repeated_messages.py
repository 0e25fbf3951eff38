"""Nobody can flood the log, and what was held back is told."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from engine.core.repeated_messages import RepeatedMessages


class Listener(logging.Handler):
    """A handler that keeps what it was given to write."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class Clock:
    """Seconds as the test says."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def logger(request: pytest.FixtureRequest) -> Iterator[logging.Logger]:
    made = logging.getLogger(f"test.{request.node.name}")
    made.propagate = False
    yield made
    made.handlers.clear()


def listen(logger: logging.Logger, clock: Clock, **options: int) -> Listener:
    listener = Listener()
    listener.addFilter(RepeatedMessages(clock=clock, **options))
    logger.addHandler(listener)
    return listener


def test_a_flood_is_written_a_few_times_and_then_counted(logger, clock):
    listener = listen(logger, clock, shown=3)
    for number in range(1207):
        logger.warning("card %s of %s is not known", number, f"{number:08x}-aaaa")
    assert len(listener.lines) == 3
    clock.now += 61
    logger.warning("all is well")
    assert listener.lines[3:] == ["card 0 of 00000000-aaaa is not known (the same 1,204 times more)", "all is well"]


def test_what_came_seldom_is_written_as_it_came(logger, clock):
    listener = listen(logger, clock)
    for minute in range(10):
        clock.now += 20
        logger.error("the disk is full at minute %d", minute)
        logger.warning("another thing")
    assert len(listener.lines) == 20
    assert not any("times more" in line for line in listener.lines)


def test_errors_from_different_places_are_told_apart(logger, clock):
    listener = listen(logger, clock, shown=1)
    for divisor in (0, 0):
        try:
            1 / divisor
        except ZeroDivisionError:
            logger.exception("failed")
    try:
        int("x")
    except ValueError:
        logger.exception("failed")
    assert listener.lines == ["failed", "failed"]


def test_texts_that_always_differ_fill_no_disk(logger, clock):
    listener = listen(logger, clock, most=50)
    for number in range(5000):
        logger.warning("".join(chr(97 + int(digit)) for digit in f"{number:04d}"))
    assert len(listener.lines) == 50
    clock.now += 61
    logger.warning("later")
    assert listener.lines[-1] == "later"
    assert len(listener.lines) <= 101


def test_each_handler_tells_what_it_held_back_itself(logger, clock):
    one, other = listen(logger, clock, shown=1), listen(logger, clock, shown=2)
    for _ in range(4):
        logger.warning("again")
    clock.now += 61
    logger.warning("later")
    assert one.lines == ["again", "again (the same 3 times more)", "later"]
    assert other.lines == ["again", "again", "again (the same 2 times more)", "later"]


def test_a_message_whose_values_do_not_fit_is_counted_too(logger, clock):
    kept = RepeatedMessages(clock=clock, shown=1)
    record = logger.makeRecord(logger.name, logging.INFO, "", 0, "%d pieces", ("many",), None)
    assert [kept.filter(record), kept.filter(record)] == [True, False]
