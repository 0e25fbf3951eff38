from __future__ import annotations

from ui.review.address_leases import UNASKED, AddressLeases


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_an_address_holds_no_more_than_half_of_what_is_left():
    clock = Clock()
    leases = AddressLeases(clock)
    assert leases.room("9.9.9.9", "spring", UNASKED, lambda: 1 // 0) == UNASKED, "a few are given without counting"
    leases.given("9.9.9.9", "spring", [(f"card {number}", clock.now + 100) for number in range(45)])
    assert leases.room("9.9.9.9", "spring", 10, lambda: 100) == 5
    assert leases.room("9.9.9.9", "spring", 10, lambda: 60) == 0
    assert leases.room("9.9.9.9", "summer", 10, lambda: 60) == 10
    assert leases.room("10.0.0.1", "spring", 10, lambda: 60) == 10


def test_what_is_decided_or_has_lapsed_makes_room():
    clock = Clock()
    leases = AddressLeases(clock)
    leases.given("9.9.9.9", "spring", [(f"card {number}", clock.now + 100) for number in range(30)])
    assert leases.room("9.9.9.9", "spring", 5, lambda: 60) == 0
    leases.answered("9.9.9.9", "spring", ["card 0", "card 1", "unknown"])
    assert leases.room("9.9.9.9", "spring", 5, lambda: 60) == 2
    clock.now += 101
    assert leases.room("9.9.9.9", "spring", 5, lambda: 60) == 5
