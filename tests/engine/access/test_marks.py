from __future__ import annotations

import pytest

from engine.access.marks import Mark, Marks
from engine.store import Database


@pytest.fixture
def marks(tmp_path) -> Marks:
    return Marks(Database(f"sqlite:///{tmp_path}/longtail.db"))


def test_for_a_newcomer_all_that_happened_so_far_is_old(marks):
    assert marks.of("Ada") is None
    marks.begin("Ada", 7, "20260501-1")
    assert marks.of("Ada") == Mark(7, "20260501-1", toured=False)
    marks.begin("Ada", 9, "20260501-2")  # has one already
    assert marks.of("Ada") == Mark(7, "20260501-1", toured=False)


def test_a_mark_goes_forward_alone(marks):
    marks.seen("Ada", 5, "20260501-2")
    marks.seen("Ada", 3, "20260501-1")
    assert marks.of("Ada") == Mark(5, "20260501-2", toured=False)
    marks.seen("Ada", 6, "")
    assert marks.of("Ada") == Mark(6, "20260501-2", toured=False)
    assert marks.of("Bob") is None


def test_the_tour_is_remembered_beside_what_was_read_and_can_be_wanted_again(marks):
    marks.seen("Ada", 5, "20260501-2")
    marks.toured("Ada")
    assert marks.of("Ada") == Mark(5, "20260501-2", toured=True)
    marks.toured("Ada", toured=False)
    assert marks.of("Ada") == Mark(5, "20260501-2", toured=False)
    marks.toured("Bob")
    assert marks.of("Bob") == Mark(0, "", toured=True)
