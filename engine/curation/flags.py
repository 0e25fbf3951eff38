"""What became of neighbours that people called irrelevant: which a release no longer returns, which it still does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.recommend.listed_release import ListedRelease

__all__ = ["FlagReport", "flag_report", "flag_sentence"]

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class FlagReport:
    """Ruled-out pairs (anchor, neighbour) by what two releases return: `fixed` by the earlier alone, `remaining` by both, `new`
    by the later alone. Pairs that neither returns are in none.
    """

    fixed: Pairs
    remaining: Pairs
    new: Pairs


def flag_report(
    out: Mapping[str, frozenset[str]], earlier: ListedRelease, later: ListedRelease, *, arm: str = "hybrid", k: int = 10
) -> FlagReport:
    """Compare the lists of two releases, as their models return them, on what people ruled out.

    Parameters
    ----------
    out : anchor -> neighbours, `ruled_out`.
    """
    found: dict[str, list[tuple[str, str]]] = {"fixed": [], "remaining": [], "new": []}
    for anchor in sorted(out):
        before, after = (
            {one.item_id for one in facade.neighbours(anchor, arm, k)} if anchor in facade else set()
            for facade in (earlier, later)
        )
        for neighbour in sorted(out[anchor]):
            was, is_now = neighbour in before, neighbour in after
            if was or is_now:
                found["remaining" if was and is_now else "fixed" if was else "new"].append((anchor, neighbour))
    return FlagReport(tuple(found["fixed"]), tuple(found["remaining"]), tuple(found["new"]))


def flag_sentence(report: FlagReport, earlier: str, later: str) -> str:
    """What it says, in one sentence; empty where there is nothing to say. `earlier` and `later` name the releases."""
    total = len(report.fixed) + len(report.remaining) + len(report.new)
    if not total:
        return ""
    return (
        f"Of {total:,} neighbours that people called irrelevant, {later} drops {len(report.fixed):,} that {earlier} had, "
        f"keeps {len(report.remaining):,} and brings in {len(report.new):,}. None of them is shown in the shop"
    )
