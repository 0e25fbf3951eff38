"""The words that shops and analytics use for what shoppers do, and the kinds of event that they mean.

The vocabulary is event_words.toml; see there for how words are compared.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from pathlib import Path

__all__ = ["are_states", "is_void", "kind_of", "known_state", "plain_word"]

_FILE = Path(__file__).with_suffix(".toml")
_UMLAUTS = {ord(letter): plain for letter, plain in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"))}
_PREFIXES = ("wc_", "ecommerce_", "ec_")


def plain_word(text: str) -> str:
    """snake_case of a word without accents: "Product Added", "productAdded" and "PRODUCT-ADDED" are product_added."""
    split = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", unicodedata.normalize("NFKC", text).strip())
    folded = split.casefold().translate(_UMLAUTS)
    letters = "".join(sign for sign in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(sign))
    return re.sub(r"\W+|_+", "_", letters).strip("_")


def kind_of(text: str) -> str | None:
    """The kind of event that a word means, None if no vocabulary has it."""
    word = plain_word(text)
    known = _kinds()
    for form in (word, *(word.removeprefix(prefix) for prefix in _PREFIXES if word.startswith(prefix))):
        if form in known:
            return known[form]
    if word in _states():
        return "refund" if _states()[word] else "purchase"
    return next((kind for kind, pattern in _patterns().items() if pattern.search(word)), None)


def are_states(words: list[str]) -> bool:
    """Whether the words are states of orders, as in "completed" and "refunded": each row is then an order, not an event.

    "refunded" alone may be either; beside "view" it is an event.
    """
    plain = [plain_word(word) for word in words]
    states = _states()
    return all(word in states for word in plain) and any(not states[word] for word in plain)


def known_state(text: str) -> bool:
    """Whether a word is the state of an order."""
    return plain_word(text) in _states()


def is_void(text: str) -> bool:
    """Whether an order in this state (refunded, voided, cancelled, failed) was no interest."""
    return _states().get(plain_word(text), False)


@cache
def _vocabulary() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(_FILE.read_text("utf-8"))


@cache
def _kinds() -> dict[str, str]:
    return {plain_word(word): kind for kind, words in _vocabulary()["kinds"].items() for word in words}


@cache
def _states() -> dict[str, bool]:
    """State of an order -> whether it is void."""
    return {plain_word(word): name == "void" for name, words in _vocabulary()["states"].items() for word in words}


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {kind: re.compile(str(pattern)) for kind, pattern in _vocabulary()["patterns"].items()}
