"""Texts that people and programs write where a value is missing."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["PLACEHOLDERS", "missing_texts"]

PLACEHOLDERS = frozenset(
    {
        *(
            "",
            "-",
            "--",
            "---",
            "—",
            "–",
            "−",
            ".",
            "..",
            "...",
            "…",
            "?",
            "??",
            "/",
            "*",
            "_",
            "n/a",
            "na",
            "n.a.",
            "n.a",
            "n/d",
        ),
        *(
            "nd",
            "n.d.",
            "n/v",
            "k.a.",
            "k. a.",
            "s/o",
            "s.o.",
            "nan",
            "null",
            "none",
            "nil",
            "nill",
            "undefined",
            "unknown",
        ),
        *(
            "not set",
            "(not set)",
            "(none)",
            "(null)",
            "(unknown)",
            "not available",
            "not applicable",
            "missing",
            "tbd",
            "tba",
        ),
        *(
            "#n/a",
            "#na",
            "#null!",
            "#value!",
            "#ref!",
            "#div/0!",
            "#num!",
            "#name?",
            "<na>",
            "nat",
            "<null>",
            "\\n",
            "[null]",
        ),
        *(
            "unbekannt",
            "keine angabe",
            "inconnu",
            "desconocido",
            "sconosciuto",
            "onbekend",
            "no data",
            "-/-",
            "-nan",
            "[]",
            "{}",
        ),
    }
)
"""In lower case; where numbers or times are expected, they say that there is none."""
_UNMISTAKABLE = frozenset(
    {
        *(
            "-",
            "--",
            "---",
            "—",
            "–",
            "−",
            ".",
            "..",
            "...",
            "…",
            "?",
            "??",
            "/",
            "*",
            "_",
            "n/a",
            "n.a.",
            "n.a",
            "(not set)",
        ),
        *(
            "(none)",
            "(null)",
            "#n/a",
            "#na",
            "#null!",
            "#value!",
            "#ref!",
            "#div/0!",
            "#name?",
            "<na>",
            "<null>",
            "\\n",
        ),
        *("[null]", "[]", "{}", "-/-", "k.a.", "not set", "not available", "not applicable", "undefined"),
    }
)
_CODES = re.compile(r"countr|region|market|continent|state|lang|locale|land$|pays|pais|code|iso", re.IGNORECASE)


def missing_texts(texts: Iterable[str], name: str) -> frozenset[str]:
    """Those texts of a column that stand for a missing value, as written; none where the column holds nothing else.

    "NA" is Namibia's and North America's code in a column whose name says that it holds such codes.
    """
    every = set(texts)
    known = _UNMISTAKABLE if _CODES.search(name) else _UNMISTAKABLE | {"na", "nan", "null", "none", "nil"}
    missing = frozenset(text for text in every if text.strip().lower() in known)
    return missing if len(missing) < len(every) else frozenset()
