"""Three things at a glance: how it is, what changed, what to do first."""

from __future__ import annotations

import numpy as np
import pytest

from engine.comparison.changed_lists import ChangedLists
from engine.comparison.list_gains import Tally
from engine.comparison.release_change import ReleaseChange
from engine.overview.findings import JudgedFindings
from engine.overview.trust import Trust
from ui.runs.release_change import changed_sentence
from ui.today.glance import glances
from ui.today.lines import Line
from ui.today.results import Results

NOBODY = np.empty(0, dtype=np.int64)
TRUST = (Trust("tail", "als", "unknown"), Trust("tail", "hybrid", "lists", 0.9, 0.8, 0.95, 20))


def results(*, known: bool, done: bool) -> Results:
    return Results(None, JudgedFindings(TRUST, NOBODY, NOBODY, 0, NOBODY, 9, samples=False) if known else None, done)


def line(title: str) -> Line:
    return Line("weak", "", title, "", NOBODY)


def test_what_is_known_is_said_and_what_is_not_yet_has_its_place():
    whole = results(known=True, done=True)
    assert glances(whole, [line("A"), line("B"), line("C")], "Release 2 did.", "clicks") == [
        ("How it is", "Longtail's lists are good for 90% of long-tail products."),
        ("What changed", "Release 2 did."),
        ("What to do first", "A. There are 2 more things to do."),
    ]
    assert glances(whole, [line("A"), line("B")], None, "clicks")[1] == (
        "What to do first",
        "A. There is 1 more thing to do.",
    )
    assert glances(whole, [line("A")], None, "clicks")[1] == ("What to do first", "A.")
    assert glances(whole, [], None, "clicks")[1] == ("What to do first", "Nothing: all is well.")
    assert glances(results(known=False, done=False), [], None, "clicks") == [
        ("How it is", "Looking…"),
        ("What to do first", "Looking…"),
    ]
    assert glances(results(known=False, done=True), [], None, "clicks")[0] == ("How it is", "Not known yet.")


def change(lists: ChangedLists) -> ReleaseChange:
    return ReleaseChange("r0002-a", "r0003-b", 10, 0, lists, None, {"tail": Tally(lists.compared, 99, 50, 3)})


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            change(ChangedLists(2000, 214, 2.25, 0, 3)),
            "Release 3 changed 214 of 2,000 lists: on average 2.2 of 10 products are others.",
        ),
        (change(ChangedLists(2000, 0, 0.0, 0, 0)), "Release 3 left all 2,000 lists as they were."),
        (change(ChangedLists(9, 0, 0.0, 1, 0)), "Release 3 left all 9 lists as they were. It brought 1 new product."),
    ],
)
def test_what_the_last_release_changed_is_a_sentence(changed, sentence):
    assert changed_sentence(changed, "Release 3") == sentence
