"""Verdicts, reasons and sources: one list each, that the browser, the database and the tables follow."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import pytest
from sqlalchemy import inspect

from engine.core.errors import InputError
from engine.curation.votes import GIVEN, Reason, Verdict, Vote

REPOSITORY = Path(__file__).resolve().parents[3]
CODE = [
    file
    for folder in ("engine", "ui", "pages", "assets")
    for file in (REPOSITORY / folder).rglob("*")
    if file.suffix in (".py", ".js")
]


def sent(**changes) -> dict:
    return {"client_id": str(uuid.uuid4()), "neighbour": "n", "verdict": "relevant", "implied": True} | changes


def test_a_vote_is_read_once_and_holds_members_from_then_on():
    vote = Vote.from_json(sent(verdict="irrelevant", reason="wrong_style", implied=False))
    assert (vote.verdict, vote.reason) == (Verdict.IRRELEVANT, Reason.WRONG_STYLE)
    assert isinstance(vote.verdict, Verdict)
    assert isinstance(vote.reason, Reason)
    assert not vote.implied
    assert Vote.from_json(sent()).reason is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"verdict": "splendid"}, "verdict"),
        ({"verdict": None}, "verdict"),
        ({"verdict": ["relevant"]}, "verdict"),
        ({"reason": "mood"}, "reason"),
        ({"neighbour": ""}, "neighbour_id"),
        ({"client_id": 7}, "client_id"),
    ],
)
def test_what_is_no_vote_is_refused_by_field(changes, field):
    with pytest.raises(InputError) as caught:
        Vote.from_json(sent(**changes))
    assert caught.value.field == field


def test_a_reason_is_written_down_in_one_file():
    """So that adding one touches one file: pages, script and tables take the list from there."""
    for reason in Reason:
        value = re.compile(rf"\b{reason.value}\b")
        if "_" in reason.value:  # one that is no everyday word
            assert [file.name for file in CODE if value.search(file.read_text("utf-8"))] == ["votes.py"], reason


def test_the_words_of_verdicts_and_reasons_are_in_no_script():
    scripts = "\n".join(file.read_text("utf-8") for file in CODE if file.suffix == ".js")
    for member in (Verdict.RELEVANT, Verdict.UNSURE, *Reason):
        assert f'"{member.words}"' not in scripts, member


def test_the_database_takes_exactly_these_verdicts(store):
    with store.database.engine.connect() as connection:
        checks = inspect(connection).get_check_constraints("judgements")
    (check,) = (one["sqltext"] for one in checks if one["name"] == "ck_judgements_verdict")
    assert set(re.findall(r"'(\w+)'", check)) == set(Verdict)


def test_what_may_be_said_of_a_neighbour_is_everything_but_taking_it_back():
    assert set(GIVEN) == set(Verdict) - {Verdict.WITHDRAWN}
    assert all(member.words for member in (*Verdict, *Reason))


def test_a_member_is_plain_text_wherever_text_is_wanted():
    assert type(str(Verdict.IRRELEVANT)) is str
    assert f"{Verdict.IRRELEVANT}" == "irrelevant"
    assert {Verdict.IRRELEVANT: 1}["irrelevant"] == 1
