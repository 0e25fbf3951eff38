"""What lines say: the right number of words for one and many, only what can be acted on, what matters first."""

from __future__ import annotations

import numpy as np
import pytest

from engine.comparison.changed_lists import ChangedLists
from engine.comparison.list_gains import Tally
from engine.comparison.release_change import ReleaseChange
from engine.overview.findings import CatalogueFindings, JudgedFindings
from engine.overview.gaps import Gap
from ui.today.lines import (
    SETS,
    Line,
    all_good,
    catalogue_lines,
    draft_line,
    in_order,
    judged_lines,
    not_worth_filling,
    release_line,
)

COUNTS = np.array([50, 30, 15, 5, 0, 0])
NOBODY = np.empty(0, dtype=np.int64)


def catalogue(**found: object) -> CatalogueFindings:
    nothing = {
        "carrying": 2, "groups": (), "on_lists": np.array([12, 2, 2, 2, 2, 0]), "hubs": NOBODY, "orphans": NOBODY,
        "behaviour_orphans": 3, "weak": NOBODY, "gaps": (), "duplicates": (),
    }  # fmt: skip
    return CatalogueFindings(**(nothing | found))


def judged(worst: np.ndarray = NOBODY, disputes: int = 0, judgements: int = 9, **found: object) -> JudgedFindings:
    nothing = {"trust": (), "replaced": NOBODY, "disputed": np.arange(disputes), "samples": False}
    return JudgedFindings(**(nothing | {"worst": worst, "disputes": disputes, "judgements": judgements} | found))


def titles(found: CatalogueFindings) -> dict[str, str]:
    return {line.name: line.title for line in catalogue_lines(found, COUNTS, "clicks", 10)}


def test_one_and_many_are_worded_apart():
    assert titles(catalogue(weak=np.array([1]), orphans=np.array([5]))) == {
        "weak": "1 list looks weak",
        "orphans": "1 product (17%) is on no list",
    }
    many = titles(
        catalogue(weak=np.array([1, 2]), hubs=np.array([0, 1]), duplicates=[np.array([0, 1]), np.array([2, 3, 4])])
    )
    assert many == {
        "weak": "2 lists look weak",
        "hubs": "2 products crowd the lists",
        "duplicates": "2 products seem to be listed more than once",
    }


@pytest.mark.parametrize(
    ("measure", "improved", "worse", "said"),
    [
        ("held-out", 11, 110, True), ("judgements", 0, 9, True), ("held-out", 50, 60, False),
        ("judgements", 110, 11, False), ("likeness", 11, 110, False), (None, 0, 0, False),
    ],
)  # fmt: skip
def test_a_release_that_clearly_made_lists_worse_is_the_first_thing_to_do(measure, improved, worse, said):
    tallies = {"tail": Tally(145, 121, improved, worse)}
    change = ReleaseChange("r0002-a", "r0003-b", 10, 0, ChangedLists(2000, 1897, 5.5, 0, 0), measure, tallies)
    lines = release_line(change, "Release 3")
    assert [line.title for line in lines] == ["Release 3 made more lists worse than better"] * said
    assert release_line(None, "Release 3") == []
    assert in_order([*draft_line(2), *lines])[0].name == ("release" if said else "drafts")


def test_a_line_is_there_for_a_missing_part_only_where_it_gains_something():
    gaps = [
        Gap("image", np.array([2, 3]), 0.7, 0.6),
        Gap("text", np.array([4]), 0.7, 0.71),
        Gap("attributes", np.array([1]), None, None),
    ]
    lines = {line.name: line for line in catalogue_lines(catalogue(gaps=gaps), COUNTS, "clicks", 10)}
    assert set(lines) == {"no-image", "no-attributes"}
    assert "70% of a perfect list with pictures and 60% without" in lines["no-image"].why
    assert "not measured" in lines["no-attributes"].why
    said = "Not listed: 1 product without texts, as these added nothing when the release was trained."
    assert not_worth_filling(catalogue(gaps=gaps)) == said
    assert not_worth_filling(catalogue()) == not_worth_filling(None) == ""
    assert "missing" not in all_good(catalogue(gaps=gaps), None, 1)


def test_what_people_said_comes_first_and_then_what_concerns_most_traffic():
    lines = [*catalogue_lines(catalogue(weak=np.array([3]), orphans=np.array([0, 1])), COUNTS, "clicks", 10)]
    lines += judged_lines(judged(np.array([4]), 1), COUNTS, 10) + draft_line(2)
    assert [line.name for line in in_order(lines)] == ["disputed", "worst", "drafts", "orphans", "weak"]


@pytest.mark.parametrize(("waiting", "title"), [(0, None), (1, "1 draft waits"), (1200, "1,200 drafts wait")])
def test_drafts_are_counted(waiting, title):
    lines = draft_line(waiting)
    assert [line.title.removesuffix(" for your approval") for line in lines] == ([title] if title else [])


def test_all_that_is_well_is_one_sentence():
    assert all_good(catalogue(), judged(), 0) == (
        "All good: no list looks weak; no product crowds the lists; every product is on a list; no two products look the same; "
        "nothing is missing from any product; no list shows much that people called irrelevant; no drafts waiting."
    )
    assert all_good(None, None, 3) == ""
    assert "called" not in all_good(catalogue(), judged(judgements=0), 0)


def test_samples_are_said_to_be_samples():
    (line,) = judged_lines(judged(np.array([1]), samples=True), COUNTS, 10)
    assert "Sample judgements count too." in line.why
    (line,) = judged_lines(judged(np.array([1])), COUNTS, 10)
    assert "ample" not in line.why


def test_every_line_about_products_has_a_set():
    everything = catalogue(
        weak=np.array([1]), hubs=np.array([0]), orphans=np.array([5]), duplicates=[np.array([0, 1])],
        gaps=[Gap(part, np.array([2]), None, None) for part in ("image", "text", "attributes")],
    )  # fmt: skip
    lines: list[Line] = [
        *catalogue_lines(everything, COUNTS, "clicks", 10),
        *judged_lines(judged(np.array([4]), 1, replaced=np.array([3])), COUNTS, 10),
    ]
    assert {line.name for line in lines} == set(SETS)
