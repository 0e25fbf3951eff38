from __future__ import annotations

import pytest

from ui.app.fair_shares import token_buckets
from ui.app.fair_shares.token_buckets import TokenBuckets


class Clock:
    now = 5.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_full_bucket_lets_a_burst_through_and_then_the_rate(clock):
    buckets = TokenBuckets(rate=2, size=10, clock=clock)
    for _ in range(10):
        assert buckets.wait("ada") == 0
        buckets.take("ada")
    assert buckets.wait("ada") == pytest.approx(0.5)
    clock.now += 0.5
    assert buckets.wait("ada") == 0


def test_one_client_takes_nothing_from_another(clock):
    buckets = TokenBuckets(rate=1, size=3, clock=clock)
    buckets.take("eve", 3)
    assert buckets.wait("eve") > 0
    assert buckets.wait("ada") == 0


def test_a_debt_is_no_larger_than_the_bucket(clock):
    buckets = TokenBuckets(rate=1, size=3, clock=clock)
    for _ in range(100):
        buckets.take("eve", 5)
    assert buckets.wait("eve") == pytest.approx(4.0)


def test_a_bucket_never_holds_more_than_its_size(clock):
    buckets = TokenBuckets(rate=1, size=3, clock=clock)
    buckets.take("ada")
    clock.now += 1000
    buckets.take("ada", 3)
    assert buckets.wait("ada") == pytest.approx(1.0)


def test_so_many_clients_are_remembered_and_no_more(clock, monkeypatch):
    monkeypatch.setattr(token_buckets, "_MOST", 10)
    buckets = TokenBuckets(rate=1, size=3, clock=clock)
    for number in range(11):
        buckets.take(number, 3)
    assert buckets.wait(0) == 0
    assert buckets.wait(1) > 0
