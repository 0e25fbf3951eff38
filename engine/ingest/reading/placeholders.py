"""Texts that people and programs write where a value is missing."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["PLACEHOLDERS", "missing_texts"]

# Marks and words that stand for nothing else.
_UNMISTAKABLE = frozenset({
    "#div/0!", "#n/a", "#na", "#name?", "#null!", "#ref!", "#value!", "(none)", "(not set)", "(null)", "*", "-",
    "--", "---", "-/-", ".", "..", "...", "/", "<na>", "<null>", "?", "??", "[]", "[null]", "\\n", "_", "k.a.",
    "n.a", "n.a.", "n/a", "not applicable", "not available", "not set", "undefined", "{}", "–", "—", "…", "−",
})  # fmt: skip
PLACEHOLDERS = _UNMISTAKABLE | frozenset({
    "", "#num!", "(unknown)", "-nan", "desconocido", "inconnu", "k. a.", "keine angabe", "missing", "n.d.", "n/d",
    "n/v", "na", "nan", "nat", "nd", "nil", "nill", "no data", "none", "null", "onbekend", "s.o.", "s/o",
    "sconosciuto", "tba", "tbd", "unbekannt", "unknown",
})  # fmt: skip
"""In lower case; where numbers or times are expected, they say that there is none."""
_CODES = re.compile(r"countr|region|market|continent|state|lang|locale|land$|pays|pais|code|iso", re.IGNORECASE)


def missing_texts(texts: Iterable[str], name: str) -> frozenset[str]:
    """Those texts of a column that stand for a missing value, as written; none where the column holds nothing else.

    "NA" is Namibia's and North America's code in a column whose name says that it holds such codes.
    """
    every = set(texts)
    known = _UNMISTAKABLE if _CODES.search(name) else _UNMISTAKABLE | {"na", "nan", "null", "none", "nil"}
    missing = frozenset(text for text in every if text.strip().lower() in known)
    return missing if len(missing) < len(every) else frozenset()
