from __future__ import annotations

import pytest

from engine.comparison.changed_lists import ChangedLists
from engine.comparison.list_gains import Tally
from engine.comparison.release_change import ReleaseChange, change_between, change_words, lists_words
from engine.recommend.recommender import Recommender

LISTS = ChangedLists(compared=2000, changed=1024, replaced=2.25, came=0, went=0)
GROUPS = {"head": Tally(900, 24, 14, 2), "tail": Tally(1100, 1000, 200, 7)}


def change(measure, lists=LISTS, groups=GROUPS) -> ReleaseChange:
    return ReleaseChange("r0001-a", "r0002-b", 10, 0, lists, measure, groups)


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        ("judgements", "214 lists improved, 9 got worse, by people's judgements."),
        ("likeness", "214 lists improved, 9 got worse, by likeness of text, picture and details."),
        (
            "held-out",
            "1,024 lists changed. Tested on 2,000 products whose history was hidden in training: 214 lists improved, 9 got worse.",
        ),
        (None, "1,024 lists changed."),
    ],
)
def test_the_sentence_names_what_says_that_a_list_is_better(measure, words):
    assert change_words(change(measure)) == words


def test_a_release_that_changes_no_list_is_said_to():
    assert change_words(change(None, ChangedLists(9, 0, 0.0, 0, 0), {"head": Tally(9, 0, 0, 0)})) == "No list changed."


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        (LISTS, ["1,024 of 2,000 products get a different list: on average 2.2 of its 10 products change."]),
        (
            ChangedLists(9, 0, 0.0, 1, 2),
            ["The lists of all 9 products stay as they are.", "1 product is new in the shop.", "2 products leave it."],
        ),
    ],
)
def test_what_becomes_of_lists_and_products_is_said(lists, said):
    assert lists_words(lists, 10) == said


def test_two_releases_of_the_same_training_change_nothing(tiny):
    before, after = (Recommender.open(tiny.workspace, one) for one in ("r0001", "r0002"))
    found = change_between(before, after, 10, judged=7)
    assert (found.before, found.after, found.judged) == (before.edition, after.edition, 7)
    assert (found.lists.changed, found.measure, found.total.compared) == (0, None, 60)
