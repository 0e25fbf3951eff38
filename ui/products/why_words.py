"""Why a product stands on a list, in one plain sentence made of facts; and the same facts part by part.

What decided the place comes first: behaviour where most of the score is its own shoppers', else what the products have in common.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.catalogue.product import field_label
from engine.catalogue.traffic import FEW
from engine.core.visible_text import visible
from engine.explain.content_parts import SIMILAR, VERY_SIMILAR
from engine.explain.facts import Facts
from engine.explain.score_parts import BEHAVIOUR, CARRIED, OWN, PREDICTED
from engine.models.recipe import CONTENT
from ui.widgets.formatting import singular

__all__ = ["PART_NAMES", "because_sentence", "how_much", "ordinal", "part_words", "why_sentence"]

MOST_NAMED = 3
LONGEST_TITLE = 40
NAMES = {"image": "picture", "text": "text", "attributes": "details"}
"""Modality -> what it is called within a sentence."""
PART_NAMES = {
    OWN: "Their own shoppers",
    CARRIED: "Shoppers of similar products",
    BEHAVIOUR: "Shoppers of these and similar products",
    PREDICTED: "Expected appeal",
    CONTENT: "Text, picture and details",
    "image": "Picture",
    "text": "Text",
    "attributes": "Details",
}
# What the shop counts -> who did it, and what they did.
_DEEDS = {
    "clicks": ("shoppers", "clicked"),
    "views": ("shoppers", "viewed"),
    "purchases": ("shoppers", "bought"),
    "sales": ("shoppers", "bought"),
    "orders": ("shoppers", "ordered"),
    "ratings": ("shoppers", "rated"),
    "reviews": ("shoppers", "reviewed"),
    "likes": ("shoppers", "liked"),
    "plays": ("listeners", "played"),
    "downloads": ("people", "downloaded"),
    "bookings": ("people", "booked"),
    "buyers": ("buyers", "bought"),
    "listeners": ("listeners", "listened to"),
    "readers": ("readers", "read"),
    "viewers": ("viewers", "viewed"),
}
_OTHERWISE = ("shoppers", "chose")


def why_sentence(facts: Facts, arm: str, word: str) -> str:
    """The sentence for a card, without a full stop: `Same neckline and print; 14 shoppers bought both`.

    Parameters
    ----------
    arm : whose list it is. word : what the shop counts, in the plural.
    """
    if arm == "als":
        return _sentence([_by_behaviour(facts, word)])
    common = _in_common(facts)
    if arm == "predicted":
        pieces = [common or "", "likely to appeal to the same shoppers"]
    elif arm == "content":
        pieces = [common or "Little in common, but few products are closer"]
    else:
        pieces = _by_longtail(facts, common, word)
    return _sentence(pieces)


def because_sentence(titles: Sequence[str], word: str) -> str:
    """Why something is recommended to a shopper: `Goes with “Red dress” and “Silk scarf”, which they clicked`; empty without titles."""
    _, did = _deed(word)
    named = _and([f"“{_shortened(visible(title))}”" for title in titles]) if titles else ""
    return f"Goes with {named}, which they {did}" if named else ""


def _shortened(title: str) -> str:
    return title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1].rstrip()}…"


def part_words(facts: Facts, part: str, word: str) -> str:
    """What stands behind a part of the score, for the panel; empty where there is nothing to add."""
    people, did = _deed(word)
    if part == OWN:
        otherwise = "" if facts.shared else f": placed by what else they {did}"
        return _sentence([f"{_people(facts.shared, people)} {did} both{otherwise}"])
    if part in (CARRIED, BEHAVIOUR):
        return _carried(facts, word) if facts.carried else f"What {people} of products like these {did}"
    if part == PREDICTED:
        return "What the text, picture and details promise"
    if part in facts.missing:
        return f"One of the two has no {NAMES[part]}; it is guessed from the rest"
    if part == "attributes" and facts.equal:
        return _sentence([_same_fields(facts.equal)])
    return _sentence([_likeness(facts, part) or ""]) if part in NAMES else _sentence([_in_common(facts) or ""])


def how_much(share: float) -> str:
    """A share of the score in words."""
    for least, words in ((0.95, "all of it"), (0.6, "most of it"), (0.4, "about half"), (0.15, "some of it")):
        if share >= least:
            return words
    return "a little"


def ordinal(rank: int) -> str:
    """`1st`, `12th`, `1,203rd`."""
    ending = "th" if 10 <= rank % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank:,}{ending}"


def _by_behaviour(facts: Facts, word: str) -> str:
    people, did = _deed(word)
    if not facts.shared:
        return f"{_people(0, people)} {did} both: placed by what else their {people} {did}"
    few = f"; too few {word} to rely on" if min(facts.counts) < FEW else ""
    return f"{_people(facts.shared, people)} {did} both{few}"


def _by_longtail(facts: Facts, common: str | None, word: str) -> list[str]:
    people, did = _deed(word)
    together = f"{_people(facts.shared, people)} {did} both" if facts.shared > facts.by_chance else None
    behaviour = together or (_carried(facts, word) if facts.carried else None)
    if facts.parts.get(OWN, 0.0) >= 0.5 and behaviour:
        return [behaviour, common or ""]
    if behaviour is None:
        behaviour = _no_reason(facts, word)
        common = common or "Products like these appeal to the same shoppers"
    return [common or "", behaviour]


def _no_reason(facts: Facts, word: str) -> str:
    """What behaviour there is where it is no reason."""
    people, did = _deed(word)
    if few := _too_few(facts, word):
        return few
    if not facts.counts[0]:
        return ""
    return f"{_people(facts.shared, people)} {did} both{', no more than by chance' if facts.shared else ''}"


def _carried(facts: Facts, word: str) -> str:
    people, did = _deed(word)
    return f"{_people(facts.carried, people)} of similar products {did} this too"


def _too_few(facts: Facts, word: str) -> str | None:
    """That there is hardly any behaviour to go by; None where there is."""
    _, did = _deed(word)
    if max(facts.counts) == 0:
        return f"nobody {did} either yet"
    if max(facts.counts) < FEW:
        return f"hardly anybody {did} either yet"
    return f"nobody {did} this one yet" if facts.counts[1] == 0 else None


def _in_common(facts: Facts) -> str | None:
    """What the products have in common: equal values, then what is alike; None where there is nothing to name."""
    named = _same_fields(facts.equal) if facts.equal else None
    very = [name for name in ("image", "text") if _level(facts, name) == "very similar"]
    some = [name for name in ("image", "text") if _level(facts, name) == "similar"]
    same = [name for name in ("image", "text") if name in facts.same]
    pieces = [f"the same {_and([NAMES[name] for name in same])}" if same else None, named]
    pieces += [
        f"{level} {_and([NAMES[one] for one in names])}"
        for level, names in (("very similar", very), ("similar", some))
        if names
    ]
    if not any(pieces) and _level(facts, "attributes"):
        pieces = [f"{_level(facts, 'attributes')} details"]
    return "; ".join(piece for piece in pieces if piece) or None


def _likeness(facts: Facts, modality: str) -> str | None:
    if modality in facts.same:
        return f"the same {NAMES[modality]}"
    level = _level(facts, modality)
    return f"{level} {NAMES[modality]}" if level else f"not a particularly similar {NAMES[modality]}"


def _level(facts: Facts, modality: str) -> str | None:
    share = 0.0 if modality in facts.same else facts.alike.get(modality, 0.0)
    return "very similar" if share >= VERY_SIMILAR else "similar" if share >= SIMILAR else None


def _same_fields(fields: Sequence[str]) -> str:
    return f"same {_and([visible(field_label(name)).lower() for name in fields[:MOST_NAMED]])}"


def _deed(word: str) -> tuple[str, str]:
    return _DEEDS.get(word.strip().lower(), _OTHERWISE)


def _people(count: int, people: str) -> str:
    """`14 shoppers`, `1 shopper`, `no shopper`."""
    one = "person" if people == "people" else singular(people)
    return f"{count:,} {people}" if count > 1 else f"1 {one}" if count else f"no {one}"


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _sentence(pieces: Sequence[str]) -> str:
    text = "; ".join(piece for piece in pieces if piece)
    return text[:1].upper() + text[1:]
