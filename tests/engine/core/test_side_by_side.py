"""Parts side by side: results in order, the same with any number of threads, no more of them held than there are threads."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from engine.core.side_by_side import side_by_side, with_threads


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_the_order_of_their_parts(threads: int):
    def slow_first(part: int) -> int:
        time.sleep(0.02 if part == 0 else 0.0)
        return part * part

    with with_threads(threads):
        assert list(side_by_side(slow_first, range(20))) == [part * part for part in range(20)]
        assert list(side_by_side(slow_first, [])) == []


def test_as_many_parts_as_threads_are_worked_on_at_once():
    together = threading.Barrier(3, timeout=20)  # breaks unless three get there
    with with_threads(3):
        assert len(list(side_by_side(lambda _: together.wait(), range(6)))) == 6


def test_without_a_word_there_is_one_thread_and_within_a_part_too():
    here = threading.get_ident()

    def threads_of(_: int) -> set[int]:
        return set(side_by_side(lambda _: threading.get_ident(), range(4)))

    assert threads_of(0) == {here}
    with with_threads(2):
        inner = list(side_by_side(threads_of, range(4)))
    assert all(len(one) == 1 for one in inner)
    assert here not in set.union(*inner)


def test_no_more_results_than_threads_wait_to_be_taken():
    begun: list[int] = []
    with with_threads(2):
        results = side_by_side(lambda part: begun.append(part) or part, range(100))
        assert next(results) == 0
        time.sleep(0.05)
        assert max(begun) <= 2
        results.close()
    time.sleep(0.05)
    assert max(begun) <= 2


def test_the_first_error_is_raised_and_nothing_more_is_begun():
    begun: list[int] = []

    def fail_at_three(part: int) -> int:
        begun.append(part)
        if part == 3:
            raise ValueError("three")
        return part

    with with_threads(2), pytest.raises(ValueError, match="three"):
        list(side_by_side(fail_at_three, range(100)))
    assert max(begun) < 8


def test_sums_are_the_same_to_the_last_bit():
    numbers = np.random.default_rng(0).standard_normal((64, 500)).astype(np.float32)

    def total(threads: int) -> np.ndarray:
        with with_threads(threads):
            return sum(side_by_side(lambda one: one / 3, numbers), np.zeros(500, np.float32))

    assert np.array_equal(total(1), total(4))
