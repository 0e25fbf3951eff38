"""Decisions as the browser sends them."""

from __future__ import annotations

import uuid

import pytest

from engine.core.errors import InputError
from engine.curation.decisions import Decision, Kind
from engine.curation.votes import Verdict

DECISION, CARD = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))


def sent(**changes) -> dict:
    verdict = {"client_id": str(uuid.uuid4()), "neighbour": "n", "verdict": "unsure", "implied": False, "reason": None}
    return {"id": DECISION, "kind": "judged", "card": CARD, "verdicts": [verdict], "seconds": 2.5} | changes


def test_a_decision_is_read_with_its_votes():
    decision = Decision.from_json(sent())
    assert (decision.id, decision.kind, decision.card_id, decision.seconds) == (DECISION, Kind.JUDGED, CARD, 2.5)
    assert [vote.verdict for vote in decision.votes] == [Verdict.UNSURE]


@pytest.mark.parametrize("kind", ["skipped", "undone"])
def test_a_card_that_is_not_judged_has_no_votes(kind):
    assert Decision.from_json(sent(kind=kind, verdicts="anything")).votes == ()


@pytest.mark.parametrize("seconds", [None, "2", -1, 1e9, float("nan")])
def test_a_time_that_cannot_be_is_not_known(seconds):
    assert Decision.from_json(sent(seconds=seconds)).seconds is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "dreamt"}, "kind"),
        ({"kind": None}, "kind"),
        ({"verdicts": "all fit"}, "verdicts"),
        ({"verdicts": [7]}, "verdicts"),
        ({"card": "\ud800"}, "card"),
        ({"card": "\0"}, "card"),
        ({"card": None}, "card"),
        ({"card": [1]}, "card"),
        ({"id": "x" * 100_000}, "id"),
        ({"id": CARD.replace("0", "A", 1)}, "id"),
    ],
)
def test_what_is_no_decision_is_refused_by_field(changes, field):
    with pytest.raises(InputError) as caught:
        Decision.from_json(sent(**changes))
    assert caught.value.field == field


def test_a_verdict_is_not_taken_back_on_a_card():
    entry = sent()
    entry["verdicts"][0]["verdict"] = "withdrawn"
    with pytest.raises(InputError, match="not a verdict on a card"):
        Decision.from_json(entry)
