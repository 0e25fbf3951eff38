"""What a comparison says, in sentences that name the measure."""

from __future__ import annotations

import numpy as np

from engine.comparison.list_gains import NOTICEABLE, Gains, Tally
from engine.comparison.moves import Move
from ui.widgets.cards import LEVEL_NAMES
from ui.widgets.formatting import plural

__all__ = [
    "change_headline",
    "gain_words",
    "level_rows",
    "measure_note",
    "move_words",
    "other_facts",
    "tally_words",
]


def change_headline(gains: Gains) -> str:
    """`1,105 of 2,000 lists improved, 282 got worse.`"""
    tally = gains.tally()
    if not tally.compared:
        return "These two have no product in common."
    if not tally.changed:
        return f"No list differs: all {plural(tally.compared, 'product')} show the same neighbours."
    return f"{tally_words(tally)}."


def tally_words(tally: Tally) -> str:
    """`1,105 of 2,000 lists improved, 282 got worse`."""
    return f"{tally.improved:,} of {plural(tally.compared, 'list')} improved, {tally.worse:,} got worse"


def measure_note(gains: Gains) -> str:
    """By what lists are called better, and what that measure cannot say."""
    if gains.measure == "judgements":
        return (
            "Measured by your team's judgements: a list improved if it shows fewer neighbours that people called irrelevant. "
            "Neighbours nobody has judged count as fine, which favours lists that were judged less."
        )
    points = round(100 * NOTICEABLE)
    return (
        f"Measured by likeness of text, picture and details, where 100 is the same: on average {_mean(gains.before)} before and {_mean(gains.after)} after; "
        f"two random products have {round(100 * gains.random)}. A list improved if it gained {points} points or more. Longtail’s lists are partly made of this likeness and Behaviour’s "
        "are not: between those two, people’s judgements (Irrelevance) are the fairer measure."
    )


def other_facts(gains: Gains) -> list[str]:
    """How many lists differ, which products had no list, came or went."""
    tally = gains.tally()
    said = [f"{tally.changed:,} of {plural(tally.compared, 'list')} hold other products than before."]
    if gains.first_list:
        said.append(f"{plural(gains.first_list, 'product')} had no list before and {_have(gains.first_list)} one now.")
    if gains.came:
        said.append(f"{plural(gains.came, 'product')} came into the shop.")
    if gains.went:
        said.append(f"{plural(gains.went, 'product')} left the shop.")
    return said


def gain_words(gains: Gains, place: int) -> str:
    """What the measure says of one product, by its place in `gains.rows`."""
    before, after = gains.before[place], gains.after[place]
    if gains.measure == "judgements":
        return (
            f"{plural(int(before), 'irrelevant neighbour')} before, {plural(int(after), 'irrelevant neighbour')} after"
        )
    if np.isnan(before) or np.isnan(after):
        return "no list before" if np.isnan(before) else "no list after"
    was, now = (max(0, round(100 * float(one))) for one in (before, after))  # less than nothing in common is nothing
    return f"likeness {was} before, {now} after"


def level_rows(gains: Gains) -> list[tuple[str, Tally]]:
    """Traffic groups by name, the busiest first."""
    return [(LEVEL_NAMES[level], tally) for level, tally in gains.by_level().items()]


def move_words(move: Move) -> str:
    """What is written under a neighbour; nothing where it stands where it stood."""
    moved = {"new": "New", "gone": "Gone", "same": "", "up": f"Up {move.places}", "down": f"Down {move.places}"}
    return moved[move.kind]


def _mean(values: np.ndarray) -> str:
    known = values[~np.isnan(values)]
    return str(round(100 * float(known.mean()))) if known.size else "unknown"


def _have(count: int) -> str:
    return "have" if count != 1 else "has"
