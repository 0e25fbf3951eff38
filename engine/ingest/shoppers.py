"""Who the shopper of an event is: placeholders are nobody, visitors stand in, e-mail addresses become keyed hashes.

The texts of a column of shoppers are looked at once, grouped, before the events are read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from engine.ingest.presets import EventRules
from engine.ingest.staged_sql import id_sql, quoted, staged_types, with_texts

__all__ = ["Shoppers", "look_at_shoppers"]

# Ids that programs write where there is no shopper, in small letters.
PLACEHOLDERS = (
    *(
        "na",
        "n/a",
        "nan",
        "null",
        "nil",
        "none",
        "(none)",
        "undefined",
        "(undefined)",
        "unknown",
        "(unknown)",
        "(not set)",
        "not set",
    ),
    *(
        "not_set",
        "(not provided)",
        "(null)",
        "[null]",
        "<null>",
        "(empty)",
        "empty",
        "anonymous",
        "(anonymous)",
        "anon",
        "anonym",
        "guest",
    ),
    *(
        "gast",
        "guest user",
        "guest_user",
        "invite",
        "invitado",
        "ospite",
        "unbekannt",
        "inconnu",
        "-",
        "--",
        "-1",
        "?",
        "#n/a",
        "missing",
    ),
    *("no_user", "nouser", "not logged in", "not_logged_in", "false", "00000000-0000-0000-0000-000000000000"),
    *("00000000000000000000000000000000", "00000000-0000-0000-0000-0000000000"),
)
# One id with a tenth of all events is nobody where it has so many events, and so many times those of the busiest other.
_SHARE, _LEAST = 0.1, 50
_TIMES_ZERO, _TIMES_OTHER = 3, 10
_EMAIL = r"^[^@\s\p{C}]+@[^@\s\p{C}]+\.[^@\s\p{C}]+$"
_BLOCK = 64


@dataclass(frozen=True)
class Shoppers:
    """How to read the shoppers of one file.

    Attributes
    ----------
    crowds : ids with so many of the events that they stand for many people -> their events.
    emails : rows whose shopper is an e-mail address.
    """

    crowds: Mapping[str, int] = field(default_factory=dict)
    emails: int = 0

    def named(self, text: str, rules: EventRules) -> str:
        """SQL for the id that the text names, null for those that the preset calls nobody."""
        named = id_sql(text)
        for nobody in rules.no_user:
            named = f"nullif({named}, {quoted(nobody)})"
        return named

    def known(self, named: str) -> str:
        """SQL for the shopper, null for placeholders."""
        words = ", ".join(quoted(word) for word in PLACEHOLDERS)
        longest = max(map(len, PLACEHOLDERS))
        nobody = f"(strlen({named}) <= {longest} AND lower({named}) IN ({words}))"
        if self.crowds:
            nobody += f" OR {named} IN ({', '.join(map(quoted, self.crowds))})"
        return f"CASE WHEN {nobody} THEN NULL ELSE {self._kept(named)} END"

    def _kept(self, named: str) -> str:
        plain = f"nfc_normalize({named})"
        if not self.emails:
            return plain
        return f"CASE WHEN {_is_email(named)} THEN {_hmac_sql(f'lower({plain})')} ELSE {plain} END"

    @property
    def notes(self) -> list[str]:
        """What the report says."""
        notes = []
        for shopper, events in self.crowds.items():
            name = "one e-mail address" if "@" in shopper else repr(shopper)
            notes.append(f"{name} has {events:,} of the events and stands for many people: it is no shopper")
        if self.emails:
            notes.append(
                f"{self.emails:,} rows name their shopper by an e-mail address; it is stored as a keyed hash"
                " (HMAC-SHA-256), never as it is"
            )
        return notes


def look_at_shoppers(
    connection: duckdb.DuckDBPyConnection, path: Path, columns: list[str], rules: EventRules, key: Callable[[], bytes]
) -> Shoppers:
    """Look at the staged columns of users and visitors of the view `staged`.

    Parameters
    ----------
    key : gives the key for e-mail addresses; called only where there are any.
    """
    crowds: dict[str, int] = {}
    emails = 0
    for column in columns:
        crowd, found = _look(connection, path, column, rules)
        crowds |= crowd
        emails += found
    if emails:
        _keep_key(connection, key())
    return Shoppers(crowds, emails)


def _look(
    connection: duckdb.DuckDBPyConnection, path: Path, column: str, rules: EventRules
) -> tuple[dict[str, int], int]:
    """Ids that are crowds -> their events, and the rows with e-mail addresses."""
    plain = Shoppers()
    relation = with_texts("staged", {"user": column}, staged_types(path))
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE shopper_counts AS
        SELECT {plain.known("named")} AS named, sum(n) AS n
        FROM (SELECT {plain.named("user_text", rules)} AS named, count(*) AS n FROM {relation} GROUP BY 1)
        GROUP BY 1
    """)
    counts = "FROM shopper_counts WHERE named IS NOT NULL"
    emails = connection.execute(f"SELECT coalesce(sum(n), 0)::BIGINT {counts} AND {_is_email('named')}").fetchall()[0][
        0
    ]
    least = f"greatest({_LEAST}, {_SHARE} * (SELECT sum(n) FROM shopper_counts))"
    crowds = connection.execute(f"""
        WITH usual AS (SELECT max(n) AS busiest {counts} AND n < {least})
        SELECT named, n::BIGINT {counts} AND n >= {least}
            AND n >= (SELECT busiest FROM usual) * CASE WHEN named = '0' THEN {_TIMES_ZERO} ELSE {_TIMES_OTHER} END
        ORDER BY n DESC, named
    """).fetchall()
    connection.execute("DROP TABLE shopper_counts")
    return dict(crowds), int(emails)


def _is_email(named: str) -> str:
    return f"(contains({named}, '@') AND regexp_matches({named}, {quoted(_EMAIL)}))"


def _keep_key(connection: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Set the two padded keys of HMAC as variables, so that no query's text, which errors may show, holds them."""
    padded = key.ljust(_BLOCK, b"\0")
    for name, pad in (("shopper_inner", 0x36), ("shopper_outer", 0x5C)):
        connection.execute(f"SET VARIABLE {name} = unhex('{bytes(byte ^ pad for byte in padded).hex()}')")


def _hmac_sql(text: str) -> str:
    """SQL for HMAC-SHA-256 (RFC 2104) of a text, 64 hex digits."""
    inner = f"sha256(getvariable('shopper_inner')::BLOB || encode({text}))"
    return f"sha256(getvariable('shopper_outer')::BLOB || unhex({inner}))"
