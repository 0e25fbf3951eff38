"""What there is to do, as lines for Today: each says what is wrong, how that is known, and which products it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.comparison.release_change import ReleaseChange, better_words
from engine.overview.findings import BAD, CatalogueFindings, JudgedFindings
from engine.overview.gaps import Gap
from engine.overview.list_shape import HUB_TIMES
from ui.widgets.formatting import plural

__all__ = [
    "SETS",
    "Line",
    "all_good",
    "catalogue_lines",
    "draft_line",
    "in_order",
    "judged_lines",
    "not_worth_filling",
    "release_line",
]

SETS = {
    "worst": "Lists that people called bad",
    "replaced": "Lists with much ruled out",
    "disputed": "Products whose lists people disagree on",
    "weak": "Lists that look weak",
    "no-image": "Products without a picture",
    "no-text": "Products without a text",
    "no-attributes": "Products without brand, category and attributes",
    "duplicates": "Products that look the same",
    "hubs": "Products on very many lists",
    "orphans": "Products on no list",
}
"""The sets of products that lines are about: name -> title."""

_PARTS = {"image": ("picture", "pictures"), "text": ("text", "texts"), "attributes": ("attributes", "attributes")}
_FINE = {
    "weak": "no list looks weak",
    "hubs": "no product crowds the lists",
    "orphans": "every product is on a list",
    "duplicates": "no two products look the same",
}
SIGMAS = 2.0  # of a fair coin's tosses, improved or worse: within that, chance would do
LEAST_GAIN = 0.005  # of NDCG: a part that adds less adds nothing that could be measured


@dataclass(frozen=True)
class Line:
    """One thing to do.

    Attributes
    ----------
    name : of the set of products, from `SETS`, or "drafts" or "release".
    title : what is wrong, and how much of it. why : what that means and how it is known.
    rows : the products, those to look at first in front.
    certain : whether people said so; else it was measured.
    share : of all interactions, those of these products.
    """

    name: str
    icon: str
    title: str
    why: str
    rows: NDArray[np.int64]
    certain: bool = False
    share: float = 0.0


def in_order(lines: Sequence[Line]) -> list[Line]:
    """What people said first, then what concerns the larger share of the shop's traffic."""
    return sorted(lines, key=lambda line: (not line.certain, -line.share))


def draft_line(waiting: int) -> list[Line]:
    """Drafts that nobody has shown in the shop."""
    if not waiting:
        return []
    title = f"{plural(waiting, 'draft')} {_are(waiting, 'waits', 'wait')} for your approval"
    why = "Shoppers do not see a new product until somebody shows it in the shop."
    return [Line("drafts", ":material/add_photo_alternate:", title, why, np.empty(0, dtype=np.int64), certain=True)]


def release_line(change: ReleaseChange | None, label: str) -> list[Line]:
    """A release that made clearly more lists worse than better, by people's judgements or by what training had hidden."""
    if change is None or change.measure not in ("judgements", "held-out"):
        return []
    total = change.total
    if total.worse - total.improved <= SIGMAS * (total.worse + total.improved) ** 0.5:
        return []
    title = f"{label} made more lists worse than better"
    why = f"{' '.join(better_words(change))} Compare a few of them, and go back on the Model page if you agree."
    return [
        Line("release", ":material/trending_down:", title, why, np.empty(0, dtype=np.int64), certain=True, share=1.0)
    ]


def judged_lines(found: JudgedFindings, counts: NDArray[np.integer], k: int) -> list[Line]:
    """Bad lists and disputes.

    Parameters
    ----------
    counts : (n_items,) interactions. k : neighbours of a list.
    """
    lines = []
    sample = " Sample judgements count too." if found.samples else ""
    if n := len(found.worst):
        lines.append(
            _line(
                "worst", ":material/thumb_down:", f"{plural(n, 'list')} {_are(n, 'shows', 'show')} irrelevant products, people say",
                f"People called {round(BAD * k)} or more of their {k} products irrelevant.{sample} The worst and busiest come first: see "
                "what they have in common, and whether a picture, a text or an attribute is wrong.",
                found.worst, counts, certain=True,
            )
        )  # fmt: skip
    if n := len(found.replaced):
        lines.append(
            _line(
                "replaced", ":material/swap_horiz:", f"{plural(n, 'list')} {_are(n, 'has', 'have')} new products that nobody has judged",
                f"People ruled out {round(BAD * k)} or more of their {k} products. See whether what took their place fits. Busiest first.",
                found.replaced, counts, certain=True,
            )
        )  # fmt: skip
    if n := found.disputes:
        lines.append(
            _line(
                "disputed", ":material/balance:", f"People disagree on {plural(n, 'neighbour')}",
                "Some say it fits, others that it is irrelevant. A lead settles it on the Campaigns page.",
                found.disputed, counts, certain=True,
            )
        )  # fmt: skip
    return lines


def catalogue_lines(found: CatalogueFindings, counts: NDArray[np.integer], word: str, k: int) -> list[Line]:
    """What the release says of its lists and products; parameters as for `judged_lines`, and what the shop counts, in the plural."""
    lines, n_items = [], len(counts)
    if n := len(found.weak):
        lines.append(
            _line(
                "weak", ":material/trending_down:", f"{plural(n, 'list')} {_are(n, 'looks', 'look')} weak",
                "What they show is much less like their own product than is usual in this shop. Nobody has judged that: look at a few, or "
                "send them to review. The weakest and busiest come first.",
                found.weak, counts,
            )
        )  # fmt: skip
    lines += [line for gap in found.gaps for line in _gap(gap, counts, word)]
    if groups := len(found.duplicates):
        rows = np.concatenate(found.duplicates)
        lines.append(
            _line(
                "duplicates", ":material/content_copy:",
                f"{plural(groups, 'product')} {_are(groups, 'seems', 'seem')} to be listed more than once",
                f"{len(rows):,} listings in all, with the same words in the title, the same content, and no brand, attribute or number "
                "that tells them apart.",
                rows, counts,
            )
        )  # fmt: skip
    if n := len(found.hubs):
        most = int(found.on_lists[found.hubs[0]])
        lines.append(
            _line(
                "hubs", ":material/hub:", f"{plural(n, 'product')} {_are(n, 'crowds', 'crowd')} the lists",
                f"Each is on at least {HUB_TIMES} times as many lists as the average product ({found.on_lists.mean():,.1f}); the first is on "
                f"{most:,} of {n_items:,}. Open one and see beside what it stands; where it does not fit, flag it.",
                found.hubs, counts,
            )
        )  # fmt: skip
    if n := len(found.orphans):
        lines.append(
            _line(
                "orphans", ":material/link_off:", f"{plural(n, 'product')} ({n / n_items:.0%}) {_are(n, 'is', 'are')} on no list",
                f"No product's {k} neighbours include {_are(n, 'it', 'them')}, so shoppers cannot come across {_are(n, 'it', 'them')} there. "
                f"Behaviour alone would leave out {found.behaviour_orphans:,}. Give those you want seen a place, on their own page. Most {word} first.",
                found.orphans, counts,
            )
        )  # fmt: skip
    return lines


def all_good(found: CatalogueFindings | None, judged: JudgedFindings | None, waiting: int) -> str:
    """One sentence about everything of which there is nothing to do; "" where there is no such thing."""
    good = []
    if found is not None:
        good += [words for name, words in _FINE.items() if not len(getattr(found, name))]
        if not found.gaps:
            good.append("nothing is missing from any product")
    if judged is not None and judged.judgements and not len(judged.worst):
        good.append("no list shows much that people called irrelevant")
    if not waiting:
        good.append("no drafts waiting")
    return f"All good: {'; '.join(good)}." if good else ""


def not_worth_filling(found: CatalogueFindings | None) -> str:
    """One sentence about parts that products lack and that were measured to add nothing; "" where there are none."""
    gaps = [gap for gap in found.gaps if not _is_worth(gap)] if found is not None else []
    said = [f"{plural(len(gap.rows), 'product')} without {_PARTS[gap.part][1]}" for gap in gaps]
    return f"Not listed: {' and '.join(said)}, as these added nothing when the release was trained." if said else ""


def _gap(gap: Gap, counts: NDArray[np.integer], word: str) -> list[Line]:
    if not _is_worth(gap):
        return []
    n, (one, many) = len(gap.rows), _PARTS[gap.part]
    article = "" if one == many else "a "
    if gap.with_it is None or gap.without_it is None:
        why = (
            f"What a {one} would add was not measured for this release. "
            if article
            else "What they would add was not measured. "
        )
    else:
        why = (
            f"Lists reach {gap.with_it:.0%} of a perfect list with {many} and {gap.without_it:.0%} without, measured when the release was "
            "trained. "
        )
    why += f"First come products that are chosen often and of which their own {word} say little."
    title = f"{plural(n, 'product')} {_are(n, 'has', 'have')} no {one}"
    return [_line(f"no-{gap.part}", ":material/hide_image:", title, why, gap.rows, counts)]


def _is_worth(gap: Gap) -> bool:
    """Whether filling it gains anything, or that is not known."""
    return gap.gain is None or gap.gain >= LEAST_GAIN


def _line(
    name: str, icon: str, title: str, why: str, rows: NDArray[np.integer], counts: NDArray[np.integer],
    *, certain: bool = False,
) -> Line:  # fmt: skip
    total = int(counts.sum())
    share = float(counts[rows].sum() / total) if total else 0.0
    return Line(name, icon, title, why, np.asarray(rows, dtype=np.int64), certain, share)


def _are(count: int, one: str, many: str) -> str:
    return one if count == 1 else many
