"""Who the shopper of an event is: placeholders are nobody, visitors stand in, e-mail addresses become keyed hashes.

The texts of a column of shoppers are looked at once, grouped, before the events are read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from engine.catalogue.shopper_ids import EMAIL
from engine.ingest.presets import EventRules
from engine.ingest.staged_sql import id_sql, quoted, staged_types, with_texts

__all__ = ["Shoppers", "look_at_shoppers", "named_shopper"]

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
        "[object object]",
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
_BLOCK = 64


@dataclass(frozen=True)
class Shoppers:
    """How to read the shoppers of one file.

    Attributes
    ----------
    nobody : the ids in the file, as it writes them, that stand for nobody.
    crowds : those of them that have too many of the events -> their events.
    emails : rows whose shopper is an e-mail address.
    accents : whether any id has letters beyond ASCII, whose accents can be written in two ways.
    """

    nobody: Collection[str] = ()
    crowds: Mapping[str, int] = field(default_factory=dict)
    emails: int = 0
    accents: bool = False

    def known(self, named: str) -> str:
        """SQL for the shopper, null for placeholders; `named` is a column as `named_shopper` gives it, with its `join`."""
        kept = f"nfc_normalize({named})" if self.accents else named
        if self.emails:
            kept = f"coalesce({named}_hash.hashed, {kept})"
        if not self.nobody:
            return kept
        return f"CASE WHEN {named} IN ({', '.join(map(quoted, self.nobody))}) THEN NULL ELSE {kept} END"

    def join(self, named: str) -> str:
        """SQL that joins the hashes of e-mail addresses in the column `named`."""
        return f"LEFT JOIN shopper_hashes AS {named}_hash ON {named}_hash.address = {named}" if self.emails else ""

    @property
    def notes(self) -> list[str]:
        """What the report says."""
        notes = []
        for shopper, events in self.crowds.items():
            name = "one e-mail address" if "@" in shopper else repr(shopper)
            notes.append(f"{name} has {events:,} of the events and stands for many people, so it is not a shopper")
        if self.emails:
            notes.append(
                f"{self.emails:,} rows name their shopper by an e-mail address; it is stored as a keyed hash"
                " (HMAC-SHA-256), never as it is"
            )
        return notes


def named_shopper(text: str, rules: EventRules) -> str:
    """SQL for the id that a text names, null for those that the preset calls nobody."""
    named = id_sql(text)
    for nobody in rules.no_user:
        named = f"nullif({named}, {quoted(nobody)})"
    return named


def look_at_shoppers(
    connection: duckdb.DuckDBPyConnection, path: Path, columns: list[str], rules: EventRules, key: Callable[[], bytes]
) -> Shoppers:
    """Look at the staged columns of users and visitors of the view `staged`.

    Parameters
    ----------
    key : gives the key for e-mail addresses; called only where there are any.
    """
    connection.execute("CREATE OR REPLACE TABLE shopper_hashes (address VARCHAR, hashed VARCHAR)")
    found = [_look(connection, path, column, rules, key) for column in columns]
    emails = sum(shoppers.emails for shoppers in found)
    nobody = {name for shoppers in found for name in shoppers.nobody}
    crowds = {name: events for shoppers in found for name, events in shoppers.crowds.items()}
    return Shoppers(sorted(nobody), crowds, emails, any(shoppers.accents for shoppers in found))


def _look(
    connection: duckdb.DuckDBPyConnection, path: Path, column: str, rules: EventRules, key: Callable[[], bytes]
) -> Shoppers:
    relation = with_texts("staged", {"user": column}, staged_types(path))
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE shopper_counts AS
        SELECT {named_shopper("user_text", rules)} AS named, count(*) AS n FROM {relation} GROUP BY 1
    """)
    words = ", ".join(map(quoted, PLACEHOLDERS))
    placeholders = connection.execute(
        f"DELETE FROM shopper_counts WHERE lower(named) IN ({words}) RETURNING named"
    ).fetchall()
    counts = "FROM shopper_counts WHERE named IS NOT NULL"
    emails, accents = connection.execute(
        f"SELECT coalesce(sum(n) FILTER ({_is_email('named')}), 0)::BIGINT,"
        f" coalesce(bool_or(strlen(named) != length(named)), false) {counts}"
    ).fetchall()[0]
    least = f"greatest({_LEAST}, {_SHARE} * (SELECT sum(n) FROM shopper_counts))"
    crowds = connection.execute(f"""
        WITH usual AS (SELECT max(n) AS busiest {counts} AND n < {least})
        SELECT named, n {counts} AND n >= {least}
            AND n >= (SELECT busiest FROM usual) * CASE WHEN named = '0' THEN {_TIMES_ZERO} ELSE {_TIMES_OTHER} END
        ORDER BY n DESC, named
    """).fetchall()
    if emails:
        _hash_addresses(connection, key())
    connection.execute("DROP TABLE shopper_counts")
    return Shoppers(
        [name for (name,) in [*placeholders, *((name,) for name, _ in crowds)]], dict(crowds), emails, accents
    )


def _is_email(named: str) -> str:
    return f"(contains({named}, '@') AND regexp_matches({named}, {quoted(EMAIL)}))"


def _hash_addresses(connection: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Add the addresses in `shopper_counts` to `shopper_hashes`: HMAC-SHA-256 (RFC 2104) of their small letters, 64 hex digits.

    The padded keys are variables, so that no query's text, which errors may show, holds them.
    """
    padded = key.ljust(_BLOCK, b"\0")
    for name, pad in (("inner_key", 0x36), ("outer_key", 0x5C)):
        connection.execute(f"SET VARIABLE {name} = unhex('{bytes(byte ^ pad for byte in padded).hex()}')")
    inner = "sha256(getvariable('inner_key')::BLOB || encode(lower(nfc_normalize(named))))"
    connection.execute(f"""
        INSERT INTO shopper_hashes SELECT named, sha256(getvariable('outer_key')::BLOB || unhex({inner})) FROM shopper_counts
        ANTI JOIN shopper_hashes ON address = named WHERE {_is_email("named")}
    """)
