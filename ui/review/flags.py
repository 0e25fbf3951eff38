"""From a flag on a card to a stored judgement.

Cards put judgements into an outbox in the browser, each with an id of its own. `store_outbox` runs before the page does,
writes what is new and settles it; what is not settled is sent again. Nothing is ever derived from "the button was
true", so a pre-empted run loses nothing and a repeated one stores nothing twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from engine.arms.registry import title_of
from engine.core.errors import InputError, LongtailError
from engine.curation.votes import GIVEN, SURE, Judgement, Source, Verdict, Vote, judgement_in_release
from engine.recommend.recommender import Recommender
from ui.app.curator import name_form
from ui.app.notices import say
from ui.app.person import curator_name
from ui.app.resources import judgements, recommender, settings
from ui.app.second_thoughts import offer_undo
from ui.widgets.cards import Judging
from ui.widgets.formatting import plain, plural

__all__ = [
    "Flag",
    "ask_for_name",
    "judged_sentence",
    "judging_data",
    "make_judgements",
    "mark_irrelevant",
    "store_outbox",
]

_SETTLED = "judgements_settled"
_WAITING = "judgements_waiting"
REMEMBERED = 500


@dataclass(frozen=True)
class Flag:
    """A vote given on the cards of a list: beside which product, and on which release."""

    vote: Vote
    anchor_id: str
    release_id: str

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Flag:
        """As the cards send it: what `Vote.from_json` reads, anchor, release. Raises `InputError` naming the field."""
        return cls(Vote.from_json(entry), str(entry.get("anchor")), str(entry.get("release")))


def judging_data(current: pd.DataFrame, anchor_id: str, *, rest: bool) -> Judging:
    """What the cards' flags need: whose they are, what this curator said, and what others said, per neighbour.

    Parameters
    ----------
    current : `JudgementStore.current(anchor_id)`.
    rest : whether "The rest fit" is offered.
    """
    rater = curator_name()
    mine: dict[str, str] = {}
    others: dict[str, list[str]] = {}
    for neighbour, verdict, who in zip(current["neighbour_id"], current["verdict"], current["rater"], strict=True):
        if who == rater:
            mine[neighbour] = verdict
        else:
            others.setdefault(neighbour, []).append(verdict)
    return Judging(
        anchor=anchor_id,
        release=recommender().release_id,
        mine=mine,
        others={neighbour: _others_phrase(verdicts) for neighbour, verdicts in others.items()},
        rest=rest,
        settled=st.session_state.get(_SETTLED, []),
        words={verdict.value: verdict.words for verdict in SURE},
    )


def judged_sentence(current: pd.DataFrame, lists: Mapping[str, Sequence[str]]) -> str:
    """`You and others judged 10 of these: Behaviour 8 of 9 irrelevant, Longtail 1 of 4.`; empty where nothing is judged.

    A pair counts where somebody was sure, and as irrelevant where more of its judges say so than not.

    Parameters
    ----------
    lists : arm -> the neighbours shown of it.
    """
    shown = {neighbour for neighbours in lists.values() for neighbour in neighbours}
    judged = current[current["neighbour_id"].isin(shown) & current["verdict"].isin(SURE)]
    if judged.empty:
        return ""
    said = judged.assign(bad=judged["verdict"] == Verdict.IRRELEVANT).groupby("neighbour_id")["bad"].mean()
    irrelevant, known = set(said.index[said > 0.5]), set(said.index)
    raters = set(judged["rater"])
    who = "You" if raters == {curator_name()} else "You and others" if curator_name() in raters else _names(raters)
    counts = {arm: (len(irrelevant & set(ids)), len(known & set(ids))) for arm, ids in lists.items()}
    parts = [f"{title_of(arm)} {bad:,} of {of:,}" for arm, (bad, of) in counts.items() if of]
    parts[0] += " irrelevant"
    return f"{who} judged {len(known):,} of these: {', '.join(parts)}."


def store_outbox(key: str) -> None:
    """Callback: store the judgements in the outbox of the card component `key`, or keep them until a name is given."""
    outbox = st.session_state[key].get("outbox") or []
    settled = set(st.session_state.get(_SETTLED, []))
    fresh = [entry for entry in outbox if isinstance(entry, dict) and entry.get("client_id") not in settled]
    if not fresh:
        return
    try:
        flags = [Flag.from_json(entry) for entry in fresh]
    except InputError as exc:
        say(f"Not saved: {plain(exc)}", ":material/error:")
        _settle([str(entry.get("client_id")) for entry in fresh])
        return
    if curator_name() is None:
        st.session_state[_WAITING] = flags
    else:
        _store(flags)


def mark_irrelevant(anchor_id: str, neighbour_ids: Sequence[str]) -> None:
    """Callback: store that these do not belong beside a product, or keep that until a name is given; Undo says what was said before."""
    current = judgements().current(anchor_id)
    mine = current[current["rater"] == curator_name()]
    said = dict(zip(mine["neighbour_id"], mine["verdict"], strict=True))
    meant = [one for one in neighbour_ids if one in recommender() and said.get(one) != Verdict.IRRELEVANT]
    before = {one: said.get(one, Verdict.WITHDRAWN) for one in meant}
    if not before:
        return
    flags = _flags_of(anchor_id, dict.fromkeys(before, Verdict.IRRELEVANT))
    if curator_name() is None:
        st.session_state[_WAITING] = flags
        return
    try:
        _add(flags)
    except LongtailError as exc:
        say(f"Not saved: {plain(exc)}", ":material/error:")
    else:
        words = f"{plural(len(before), 'product')} marked irrelevant"
        offer_undo(words, lambda: _add(_flags_of(anchor_id, before)))


def ask_for_name() -> None:
    """Where judgements wait for a name, ask for it; called by a page that judges."""
    if st.session_state.get(_WAITING):
        _name_dialog()


def make_judgements(flags: Iterable[Flag], facade: Recommender, rater: str, k: int) -> list[Judgement]:
    """The flags as judgements of the release they were given on.

    Raises `InputError` where another release is shown by now and `NotFoundError` where a product is not in it, with a
    sentence for the curator.
    """
    made = []
    for flag in flags:
        if flag.release_id != facade.release_id:
            raise InputError("a new release was published in the meantime. Nothing was saved; judge the new lists.")
        made.append(
            judgement_in_release(flag.vote, facade, flag.anchor_id, rater=rater, source=Source.SIMILAR_ITEMS, k=k)
        )
    return made


@st.dialog("Who is judging?", on_dismiss=lambda: _dismiss())
def _name_dialog() -> None:
    st.write("Your name is saved with your judgement. We ask only once.")
    if name_form("judging_name", button="Save my judgement"):
        _store(st.session_state.pop(_WAITING, []))
        st.rerun()


def _dismiss() -> None:
    waiting = st.session_state.pop(_WAITING, [])
    _settle([flag.vote.client_id for flag in waiting])
    if waiting:
        say("Not saved: a judgement needs a name.")


def _flags_of(anchor_id: str, verdicts: Mapping[str, Verdict]) -> list[Flag]:
    release = recommender().release_id
    return [
        Flag(Vote(client_id=str(uuid.uuid4()), neighbour_id=one, verdict=verdict), anchor_id, release)
        for one, verdict in verdicts.items()
    ]


def _store(flags: Sequence[Flag]) -> None:
    """Store these and say so."""
    try:
        _add(flags)
    except LongtailError as exc:
        say(f"Not saved: {plain(exc)}", ":material/error:")
    else:
        taken_back = all(flag.vote.verdict is Verdict.WITHDRAWN for flag in flags)
        count = "" if len(flags) == 1 else f": {plural(len(flags), 'judgement')}"
        say(f"{'Undone' if taken_back else 'Saved'}{count}", ":material/check:")
    _settle([flag.vote.client_id for flag in flags])


def _add(flags: Sequence[Flag]) -> None:
    """Store these; raises `LongtailError` with a sentence for the curator."""
    rater = curator_name()
    assert rater is not None
    judgements().add(make_judgements(flags, recommender(), rater, settings().serving.neighbours))


def _settle(client_ids: Sequence[str]) -> None:
    settled = [*st.session_state.get(_SETTLED, []), *client_ids]
    st.session_state[_SETTLED] = settled[-REMEMBERED:]


def _others_phrase(verdicts: Sequence[str]) -> str:
    counts = {verdict: verdicts.count(verdict) for verdict in GIVEN if verdict in verdicts}
    return ", ".join(f"{count} × {verdict.words}" for verdict, count in counts.items())


def _names(raters: set[str]) -> str:
    return plain(next(iter(raters))) if len(raters) == 1 else f"{len(raters)} people"
