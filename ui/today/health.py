"""How the catalogue is, on Today: where its traffic lies, and how far its lists can be trusted."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.arms.registry import SERVED, title_of
from engine.catalogue.traffic import LEVELS, Level
from engine.overview.concentration import TrafficGroup
from engine.overview.trust import GOOD, Trust
from ui.widgets.cards import LEVEL_NAMES
from ui.widgets.formatting import count_phrase, html_text, plain, plural

__all__ = ["concentration_sentence", "draw_traffic", "draw_trust", "trust_sentence", "trust_words"]

_LEVEL_WORDS: dict[Level, str] = {
    "head": "bestsellers",
    "middle": "products in the middle",
    "tail": "long-tail products",
    "none": "products without {word}",
}
_HEARD: tuple[Level, ...] = (
    "tail",
    "none",
    "middle",
    "head",
)  # of which level the headline speaks, if anything is known of it


def concentration_sentence(carrying: int, n_items: int, word: str) -> str:
    """`448 of 2,000 products (22%) make 80% of the clicks`."""
    if not carrying:
        return f"No product has {word} yet"
    return f"{carrying:,} of {plural(n_items, 'product')} ({carrying / n_items:.0%}) {'makes' if carrying == 1 else 'make'} 80% of the {word}"


def trust_sentence(found: Sequence[Trust], word: str) -> str:
    """What is known of the lists of the products that need them most, in one sentence."""
    known = {(one.level, one.arm): one for one in found if one.share is not None}
    for level in _HEARD:
        if (served := known.get((level, SERVED))) is not None:
            words = _LEVEL_WORDS[level].format(word=word)
            behaviour = next(one for one in found if (one.level, one.arm) == (level, "als"))
            return f"{_claim(served, words)}{_beside(served, behaviour)}"
    return "How good the lists are is not known yet"


def trust_words(one: Trust) -> tuple[str, str]:
    """What a cell says: the figure, and in smaller print what it rests on."""
    if one.source == "none":
        return "no lists", ""
    if one.share is None or one.low is None or one.high is None:
        return "unknown", f"{plural(one.judged, 'list')} judged, too few" if one.judged else "nothing judged"
    span = f"{100 * one.low:.0f}–{one.high:.0%}"
    return {
        "lists": (f"{one.share:.0%} good", f"{span}, {plural(one.seen, 'list')} judged"),
        "cards": (f"{one.share:.0%} fit", f"{span}, review cards of {plural(one.seen, 'product')}"),
        "validation": (f"{one.share:.0%} of perfect", f"{span}, from training ({plural(one.seen, 'product')})"),
    }[one.source]


def draw_traffic(groups: Sequence[TrafficGroup], word: str) -> None:
    """Two bars: which share of the products each level has, and which share of the interactions."""
    rows = []
    for label, values in (
        ("Products", [one.products for one in groups]),
        (word.capitalize(), [one.interactions for one in groups]),
    ):
        total = sum(values)
        parts = "".join(
            f'<i class="{html_text(one.level)}" style="width:{100 * value / total:.2f}%" title="{html_text(_part(one, value, total, label))}"></i>'
            for one, value in zip(groups, values, strict=True)
            if total and value
        )
        rows.append(f'<dt>{html_text(label)}</dt><dd class="lt-stack">{parts}</dd>')
    legend = "".join(
        f'<li><i class="{html_text(one.level)}"></i>{html_text(LEVEL_NAMES[one.level])}: {html_text(plural(one.products, "product"))}, '
        f"{html_text(count_phrase(one.interactions, word))}</li>"
        for one in groups
        if one.products
    )
    st.html(f'<dl class="lt-traffic">{"".join(rows)}</dl><ul class="lt-legend">{legend}</ul>')


def draw_trust(found: Sequence[Trust], *, samples: bool) -> None:
    """A table of levels by arms, and what its figures mean."""
    arms = list(dict.fromkeys(one.arm for one in found))
    cells = {(one.level, one.arm): one for one in found}
    head = "".join(f'<th scope="col">{html_text(title_of(arm))}</th>' for arm in arms)
    rows = "".join(
        f'<tr><th scope="row">{html_text(LEVEL_NAMES[level])}</th>{"".join(_cell(cells[level, arm]) for arm in arms)}</tr>'
        for level in LEVELS
        if (level, arms[0]) in cells
    )
    st.html(f'<table class="lt-trust"><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table>')
    st.caption(plain(" ".join(_legend(found, samples=samples))))


def _legend(found: Sequence[Trust], *, samples: bool) -> list[str]:
    sources = {one.source for one in found}
    said = []
    if "lists" in sources:
        sample = "; sample judgements count too" if samples else ""
        said.append(f"Good: at least {GOOD:.0%} of a list's products fit, say the people who judged it whole{sample}.")
    if "cards" in sources:
        said.append("Fit: the share of neighbours that people on Review said fit.")
    if "validation" in sources:
        said.append(
            "Of perfect: not judged; how close lists came, in training, to what shoppers chose. People may see it differently."
        )
    return [*said, "Ranges are 95% intervals."] if said else ["Judge some lists on the Review page to know."]


def _cell(one: Trust) -> str:
    figure, rests = (html_text(words) for words in trust_words(one))
    bar = ""
    if one.share is not None and one.low is not None and one.high is not None:
        bar = (
            f'<span class="lt-range"><i style="left:{100 * one.low:.1f}%;width:{100 * (one.high - one.low):.1f}%"></i>'
            f'<b style="left:{100 * one.share:.1f}%"></b></span>'
        )
    return f'<td class="{html_text(one.arm)}"><strong>{figure}</strong>{bar}<small>{rests}</small></td>'


def _claim(one: Trust, words: str) -> str:
    match one.source:
        case "lists":
            return f"Longtail's lists are good for {one.share:.0%} of {words}"
        case "cards":
            return f"{one.share:.0%} of what Longtail shows beside {words} fits"
        case _:
            return f"In training, Longtail's lists for {words} came to {one.share:.0%} of a perfect list"


def _beside(served: Trust, behaviour: Trust) -> str:
    """What behaviour comes to, where it is measured alike."""
    if behaviour.source == "none":
        return "; behaviour alone has none"
    return f"; behaviour alone: {behaviour.share:.0%}" if behaviour.source == served.source else ""


def _part(group: TrafficGroup, value: int, total: int, label: str) -> str:
    return f"{LEVEL_NAMES[group.level]}: {value / total:.0%} of the {label.lower()}"
