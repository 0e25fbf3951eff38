from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.access.acting import Actor
from engine.access.audit import AuditEntry
from engine.access.roles import Action, Role
from engine.jobs import RunStatus
from ui.news.notices import LONGEST, notices

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def entry(
    number: int, action: Action, subject: str, after: object, *, before: object = None, by: str = "Bea"
) -> AuditEntry:
    at = NOON + timedelta(minutes=number)
    return AuditEntry(number, f"d{number}", at, by, "lead", "sign-in", str(action), subject, before, after, "done")


def run(
    state: str, message: str = "", *, kind: str = "train", release: str | None = None, minute: int = 30
) -> RunStatus:
    at = NOON + timedelta(minutes=minute)
    return RunStatus(f"20260501-{kind}", kind, state, [], at, at if state != "running" else None, message, release)


def texts(
    *entries: AuditEntry, role: Role = Role.LEAD, runs: tuple[RunStatus, ...] = (), changed: str | None = None
) -> list[str]:
    newest_first = sorted(entries, key=lambda one: -one.id)
    return [one.text for one in notices(newest_first, runs, Actor("Ada", role, "sign-in"), "r0003", changed)]


PUBLISHED = entry(1, Action.PUBLISH, "r0003", "r0003", before="r0002")


def test_a_release_says_what_it_changed_once_that_is_known():
    assert texts(PUBLISHED) == ["Release 3 is live"]
    assert texts(PUBLISHED, changed="214 lists improved, 9 got worse.") == [
        "Release 3 is live: 214 lists improved, 9 got worse"
    ]


def test_what_the_live_release_changed_is_not_said_of_an_earlier_one():
    earlier = entry(1, Action.PUBLISH, "r0002", "r0002", before="r0001")
    live = entry(2, Action.PUBLISH, "r0003", "r0003", before="r0002")
    assert texts(earlier, live, changed="4 lists improved.") == [
        "Release 3 is live: 4 lists improved",
        "Release 2 is live",
    ]


def test_going_back_says_in_place_of_what():
    back = entry(2, Action.PUBLISH, "roll back", "r0002", before="r0003")
    assert texts(PUBLISHED, back)[0] == "Release 2 is live again, in place of release 3"


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        (run("failed", "There are no interactions."), "Training failed: There are no interactions"),
        (run("lost", "It was killed."), "Training stopped unexpectedly: It was killed"),
        (run("cancelled", "Cancelled."), "Training cancelled"),
        (run("done", "Release r0004: Not published: worse.", release="r0004"), "Release 4 is trained but not live. Not published: worse"),
        (run("done", "5 products loaded.", kind="ingest"), "5 products loaded"),
        (run("done", kind="ingest"), "Loading a shop done"),
    ],
)  # fmt: skip
def test_a_run_says_how_it_ended_and_why(ended, said):
    assert texts(runs=(ended,)) == [said]


def test_a_run_at_work_is_no_news_and_one_whose_release_went_live_is_told_once():
    assert texts(runs=(run("running"),)) == []
    assert texts(PUBLISHED, runs=(run("done", "Release r0003: Published: all.", release="r0003"),)) == [
        "Release 3 is live"
    ]


def test_the_newest_stands_first_whatever_it_comes_from():
    late = entry(45, Action.EDIT_SETS, "s1", {"name": "Coats", "products": 2, "search": None, "removed": False})
    said = texts(PUBLISHED, late, runs=(run("failed", "No."),))
    assert said == ["Bea saved the set “Coats”: 2 products", "Training failed: No", "Release 3 is live"]


def test_drafts_that_were_approved_together_are_one_line_and_their_edits_none():
    state = {"product": {}, "pictures": []}
    approved = [entry(one, Action.EDIT_DRAFTS, f"d{one}", "approved", before="draft") for one in (1, 2)]
    added = entry(3, Action.EDIT_DRAFTS, "d3", {"state": "approved", **state})
    edited = entry(4, Action.EDIT_DRAFTS, "d3", {"state": "approved", **state}, before={"state": "approved", **state})
    begun = entry(5, Action.EDIT_DRAFTS, "d5", {"state": "draft", **state})
    assert texts(*approved, added, edited, begun) == ["Bea approved 3 drafts: they are in the shop now"]
    assert texts(approved[0], role=Role.MERCHANDISER) == ["1 draft was approved: it is in the shop now"]


def test_nobody_hears_of_what_their_role_does_not_do_nor_who_did_it():
    kept = {"name": "Coats", "products": 2, "search": None, "removed": False}
    everything = [
        PUBLISHED,
        entry(2, Action.EDIT_DRAFTS, "d1", "approved", before="draft"),
        entry(3, Action.SEND_TO_REVIEW, "Boots", {"id": "c1", "products": 7, "release": "r0003"}),
        entry(4, Action.EDIT_SETS, "s1", kept),
    ]
    seen = "Bea saved the set “Coats”: 2 products"  # the Sets page names its maker to everybody
    assert texts(*everything, role=Role.VIEWER) == [seen, "Release 3 is live"]
    assert texts(*everything, role=Role.CURATOR) == [
        seen,
        "There are 7 products to review: “Boots”",
        "Release 3 is live",
    ]
    assert "Bea sent 7 products to review: “Boots”" in texts(*everything, role=Role.LEAD)


def test_what_somebody_did_themselves_is_no_news_but_for_releases():
    mine = [
        entry(1, Action.EDIT_DRAFTS, "d1", "approved", before="draft", by="Ada"),
        entry(2, Action.PUBLISH, "r0003", "r0003", before="r0002", by="Ada"),
    ]
    assert texts(*mine) == ["Release 3 is live"]


def test_a_set_that_is_gone_again_is_not_offered():
    kept = {"name": "Coats", "products": 2, "search": None, "removed": False}
    gone = entry(2, Action.EDIT_SETS, "s1", kept | {"removed": True}, before=kept)
    assert texts(entry(1, Action.EDIT_SETS, "s1", kept), gone) == []


def test_campaigns_say_that_they_are_there_and_that_they_ended():
    new = entry(1, Action.RUN_CAMPAIGNS, "Spring", {"id": "c1", "products": 40, "release": "r0003"})
    ended = entry(2, Action.RUN_CAMPAIGNS, "Spring", "ended", before="open")
    assert texts(new, ended) == ["The campaign “Spring” has ended", "A new campaign to judge: “Spring”, 40 products"]


def test_a_long_name_is_cut():
    (said,) = texts(entry(1, Action.RUN_CAMPAIGNS, "x" * 400, "ended", before="open"))
    assert len(said) == LONGEST
    assert said.endswith("…")
