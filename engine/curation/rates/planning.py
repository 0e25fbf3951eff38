"""Where behaviour catches up with another arm, and how many more cards would tell two arms apart.

**Crossover.** The paired difference is followed in a straight line in log2 of the count from stratum to stratum. A
count belongs to the interval when a difference of nothing is not refuted there at 95 % (the test is inverted, as
Fieller 1954 did for a ratio), so the interval is open where the data leave it open.

**Cards.** A pilot's difference is itself uncertain; to plan as if it were the truth promises too much. So the promise
is an average over what the pilot leaves possible (assurance, O'Hagan, Stevens and Campbell 2005): the chance that pilot
and new cards together show a difference at 95 %, 80 % or more. Where no number of cards gives that chance, there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression
from scipy.special import ndtr, stdtrit

__all__ = ["Crossover", "cards_to_separate", "crossover", "crossover_sentence", "seconds_per_card"]

STEPS = 401
MOST_CARDS = 100_000
# Plans are made only where a pilot did not show a difference by itself, and such pilots are the unlucky or the level ones:
# of promises of 80 % without this, 76 % were kept in simulation.
MARGIN = 0.2
TYPICAL_DIFFERENCE = 0.1  # standard deviation of true differences between two lists, before a pilot is seen
PAUSE = 300.0  # seconds between two cards; longer, and the curator was away


@dataclass(frozen=True)
class Crossover:
    """The interaction count at which behaviour becomes as good; a missing bound is open.

    `count` is None where the curves do not cross within what was judged; `always` then says whether behaviour is as
    good at every count. `smallest` and `largest` are the counts that were judged.
    """

    count: float | None
    low: float | None
    high: float | None
    always: bool
    smallest: float
    largest: float


def crossover(differences: pd.DataFrame) -> Crossover | None:
    """The crossover from `paired_differences(rates, "als", "hybrid")`; None with fewer than two strata."""
    table = differences.sort_values("log2_count")
    if len(table) < 2:
        return None
    x, apart, error = (table[name].to_numpy(dtype=np.float64) for name in ("log2_count", "difference", "error"))
    reach = stdtrit(np.maximum(table["anchors"].to_numpy() - 1, 1), 0.975) * error
    grid = np.linspace(x[0], x[-1], STEPS)
    left = np.clip(np.searchsorted(x, grid, side="right") - 1, 0, len(x) - 2)
    share = (grid - x[left]) / (x[left + 1] - x[left])
    middle = (1 - share) * apart[left] + share * apart[left + 1]
    half = np.hypot((1 - share) * reach[left], share * reach[left + 1])
    possible = np.flatnonzero(np.abs(middle) <= half)
    falling = isotonic_regression(apart, weights=1 / error**2, increasing=False).x
    smooth = np.interp(grid, x, falling)
    at = None if smooth[0] <= 0 or smooth[-1] > 0 else float(2 ** grid[np.argmax(smooth <= 0)])
    low = high = None
    if possible.size:
        low = None if possible[0] == 0 else float(2 ** grid[possible[0]])
        high = None if possible[-1] == STEPS - 1 else float(2 ** grid[possible[-1]])
    elif middle[-1] > 0:
        low = float(2 ** grid[-1])
    elif middle[0] < 0:
        high = float(2 ** grid[0])
    return Crossover(at, low, high, bool(smooth[0] <= 0), float(2 ** x[0]), float(2 ** x[-1]))


def crossover_sentence(found: Crossover, word: str) -> str:
    """What a crossover says; `word` is what the shop counts, in the plural ("clicks"). Nothing of a count where no difference at
    any count is sure."""
    if found.low is None and found.high is None:
        return f"Too few judged to tell at how many {word} behaviour catches up with Longtail"
    if found.count is None and found.always and found.high is not None:
        if found.high > found.smallest:
            return f"Behaviour catches up with Longtail at {found.high:,.0f} {word} or fewer"
        return f"Behaviour is as good as Longtail however many {word} a product has"
    if found.count is None and found.low is not None:
        return f"Behaviour catches up with Longtail beyond {found.low:,.0f} {word}, if at all"
    if found.count is None:
        return f"Too few judged to tell at how many {word} behaviour catches up with Longtail"
    if found.low is not None and found.high is not None:
        between = f"{found.low:,.0f} to {found.high:,.0f}"
    elif found.low is not None:
        between = f"{found.low:,.0f} or more"
    else:
        between = f"at most {found.high:,.0f}"
    return f"Behaviour catches up with Longtail at about {found.count:,.0f} {word} (95% interval: {between})"


def cards_to_separate(difference: float, error: float, anchors: int, *, power: float = 0.8) -> int | None:
    """How many more cards (one anchor each) in a stratum show a difference at 95 % with the promised chance.

    Parameters
    ----------
    difference, error, anchors : the stratum's row of `paired_differences`, the pilot.
    power : the promised chance.

    Returns
    -------
    0 where the pilot shows it already; None where no number up to 100,000 keeps the promise: judge a larger pilot.
    """
    if abs(difference) > stdtrit(anchors - 1, 0.975) * error:
        return 0
    # The spread is the pilot's own upper 80 % bound, near enough: a pilot that looks too calm promises too few.
    spread = error * np.sqrt(anchors) * np.sqrt(1 + 1.2 / np.sqrt(max(anchors - 1, 1)))
    pilot = spread / np.sqrt(anchors)
    # Lists that look far apart in a small pilot are mostly nearer to one another in truth.
    shrinkage = TYPICAL_DIFFERENCE**2 / (TYPICAL_DIFFERENCE**2 + pilot**2)
    truth, unsure = shrinkage * abs(difference), np.sqrt(shrinkage) * pilot
    more = np.unique(np.geomspace(1, MOST_CARDS, 2000).astype(np.int64))
    total = anchors + more
    needed = stdtrit(total - 1, 0.975) * spread / np.sqrt(total)
    # What pilot and new cards will show together: the pilot is known, the new cards scatter about an unsure truth.
    shown = (anchors * abs(difference) + more * truth) / total
    varies = more / total * np.sqrt(unsure**2 + spread**2 / more)
    enough = ndtr((shown - needed) / varies) >= power + (1 - power) * MARGIN
    return int(more[np.argmax(enough)]) if enough.any() else None


def seconds_per_card(drawn: pd.DataFrame, rater: str) -> float | None:
    """A curator's own pace: the median time from one card to the next, pauses of five minutes left out; None if unknown."""
    mine = drawn[drawn["rater"] == rater]
    ends = pd.to_datetime(mine.groupby("card_id")["created_at"].max(), utc=True).sort_values()
    gaps = ends.diff().dt.total_seconds().dropna()
    gaps = gaps[(gaps > 0) & (gaps <= PAUSE)]
    return None if gaps.empty else float(gaps.median())
