"""What a release changes where it takes the place of another, in numbers that are kept and in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.arms.registry import SERVED
from engine.catalogue.traffic import Level, Traffic
from engine.comparison.changed_lists import ChangedLists, changed_lists
from engine.comparison.held_out import held_out_tallies
from engine.comparison.list_gains import ComparedLists, Gains, Side, Tally
from engine.recommend.listed_release import ListedRelease

__all__ = ["ChangeMeasure", "ReleaseChange", "better_words", "change_between", "change_words", "lists_words"]

ChangeMeasure = Literal["judgements", "held-out", "likeness"]


@dataclass(frozen=True)
class ReleaseChange:
    """What becomes of the served lists.

    Attributes
    ----------
    before, after : editions of both releases (`Recommender.edition`).
    k : how many products of a list are compared.
    judged : the last judgement that was looked at (`JudgementStore.last_id`).
    measure : what says that a list is better, the fairest there is: people's judgements; what both trainings hid, where they hid the
        same; likeness of content. None where nothing can say it.
    groups : traffic group -> its tally by that measure; of "held-out", of the products that were hidden.
    """

    before: str
    after: str
    k: int
    judged: int
    lists: ChangedLists
    measure: ChangeMeasure | None
    groups: Mapping[Level, Tally]

    @property
    def total(self) -> Tally:
        """All groups together."""
        tallies = self.groups.values()
        return Tally(
            sum(one.compared for one in tallies), sum(one.changed for one in tallies),
            sum(one.improved for one in tallies), sum(one.worse for one in tallies),
        )  # fmt: skip


def change_between(
    before: ListedRelease,
    after: ListedRelease,
    k: int,
    ruled_out: Mapping[str, frozenset[str]] | None = None,
    judged: int = 0,
) -> ReleaseChange:
    """Work it out: takes a second at 100,000 products.

    Parameters
    ----------
    ruled_out : anchor -> neighbours that people ruled out, as of the judgement `judged`.
    """
    gains = ComparedLists(Side(before, SERVED), Side(after, SERVED), k).gains(ruled_out)
    measure, groups = _by_the_fairest(gains, before, after)
    return ReleaseChange(
        before.edition, after.edition, k, judged, changed_lists(before, after, SERVED, k), measure, groups
    )


def _by_the_fairest(
    gains: Gains, before: ListedRelease, after: ListedRelease
) -> tuple[ChangeMeasure | None, Mapping[Level, Tally]]:
    if gains.measure == "judgements":
        return "judgements", gains.by_level()
    traffic = Traffic.of(after.items["interaction_count"])
    if (hidden := held_out_tallies(before.metrics, after.metrics, traffic)) is not None:
        return "held-out", hidden
    total = gains.tally()
    return ("likeness" if total.improved or total.worse else None), gains.by_level()


def change_words(change: ReleaseChange) -> str:
    """`214 lists improved, 9 got worse, by likeness of text, picture and details.`, or as much of that as can be said."""
    changed, better = change.lists.changed, better_words(change)
    if not changed:
        return "No list changed."
    if change.measure in ("held-out", None):
        return " ".join([f"{_lists(changed)} changed.", *better])
    return better[0]


def better_words(change: ReleaseChange) -> list[str]:
    """How many lists improved and got worse, and by what measure, as one sentence; none where nothing can say it."""
    total = change.total
    counts = f"{_lists(total.improved)} improved, {total.worse:,} got worse"
    match change.measure:
        case "held-out":
            return [f"Tested on {_products(total.compared)} whose history was hidden in training: {counts}."]
        case "judgements":
            return [f"{counts}, by people's judgements."]
        case "likeness":
            return [f"{counts}, by likeness of text, picture and details."]
        case None:
            return []


def lists_words(lists: ChangedLists, k: int) -> list[str]:
    """How many lists get other products, and which products come and go, a sentence each."""
    if not lists.changed:
        said = [f"The lists of all {_products(lists.compared)} stay as they are."]
    else:
        said = [
            f"{lists.changed:,} of {_products(lists.compared)} get a different list: "
            f"on average {lists.replaced:.1f} of its {k} products change."
        ]
    if lists.came:
        said.append(f"{_products(lists.came)} {'are' if lists.came > 1 else 'is'} new in the shop.")
    if lists.went:
        said.append(f"{_products(lists.went)} {'leave' if lists.went > 1 else 'leaves'} it.")
    return said


def _lists(count: int) -> str:
    return f"{count:,} list{'' if count == 1 else 's'}"


def _products(count: int) -> str:
    return f"{count:,} product{'' if count == 1 else 's'}"
