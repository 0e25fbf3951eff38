"""What the words of a file of events mean: kinds of event, states of orders, and what the report says of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import duckdb

from engine.catalogue.taken_back import TAKEN_BACK, VOID
from engine.core.errors import InteractionsError
from engine.core.settings import InteractionSettings
from engine.ingest.event_words import are_states, is_void, kind_of, known_state, plain_word
from engine.ingest.sources import Source
from engine.ingest.staged_sql import quoted, staged_types, with_texts

__all__ = ["EventKinds", "look_at_kinds"]

_MAX_WORDS = 200
_MAX_SPELLINGS = 1_000
_SHOWN = 10
# What a column of cancellations holds for an order that stands.
_NOT_CANCELLED = (
    "0",
    "false",
    "f",
    "no",
    "n",
    "nein",
    "non",
    "nee",
    "0000-00-00",
    "0000-00-00 00:00:00",
    "0001-01-01t00:00:00z",
    "-",
    "never",
)


@dataclass(frozen=True)
class EventKinds:
    """How to read kinds of event.

    Attributes
    ----------
    words : each text of the event column, as the file has it -> kind, the most frequent first.
    states : each state of an order that makes it void, as the file has it.
    every : what each event is where no column says so.
    has_cancelled : a column says when orders were cancelled.
    """

    words: Mapping[str, str] = field(default_factory=dict)
    states: Collection[str] = ()
    every: str | None = None
    has_cancelled: bool = False
    notes: tuple[str, ...] = ()

    @property
    def may_be_void(self) -> bool:
        """Whether any row can be an order that was no interest."""
        return self.has_cancelled or bool(self.states) or VOID in self.words.values()

    @property
    def found(self) -> set[str]:
        """The kinds in the file."""
        return {*self.words.values(), *filter(None, [self.every])}

    def kind_sql(self) -> str:
        """SQL for the kind."""
        every = quoted(self.every) if self.every else "NULL::VARCHAR"
        if not self.words:
            return every
        cases = " ".join(f"WHEN {quoted(word)} THEN {quoted(kind)}" for word, kind in self.words.items())
        return f"CASE event_text {cases} ELSE {every} END"

    def void_sql(self, present: Collection[str]) -> str:
        """SQL for whether the row is an order that was refunded, voided or cancelled."""
        conditions = []
        if "status" in present and self.states:
            conditions.append(f"coalesce(status_text IN ({', '.join(map(quoted, self.states))}), false)")
        if "cancelled_at" in present:
            never = ", ".join(map(quoted, _NOT_CANCELLED))
            conditions.append(f"coalesce(lower(cancelled_at_text) NOT IN ({never}), false)")
        return " OR ".join(conditions) or "false"


def look_at_kinds(
    connection: duckdb.DuckDBPyConnection, source: Source, columns: Mapping[str, str], every: str | None
) -> EventKinds:
    """Decide what the columns event, status and cancelled_at of the view `staged` mean.

    Raises `InteractionsError` if the column of events has too many different words.
    """
    words, notes = _words(connection, source, columns.get("event"))
    states, more = _void_states(connection, source, columns.get("status"))
    notes += more
    if cancelled := columns.get("cancelled_at"):
        count = _cancelled(connection, source, cancelled)
        if count:
            notes.append(f"rows with a {cancelled}: {count:,}; they do not count as interest")
    if not words and every is None and states is not None:
        every = "purchase"  # rows with the state of an order are orders
    return EventKinds(words, states or (), every, bool(cancelled), tuple(notes))


def _words(
    connection: duckdb.DuckDBPyConnection, source: Source, column: str | None
) -> tuple[dict[str, str], list[str]]:
    if column is None:
        return {}, []
    found = _counted(connection, source, "event", column)
    if len(found) > _MAX_SPELLINGS or len({plain_word(word) for word in found}) > _MAX_WORDS:
        raise InteractionsError(
            f"more than {_MAX_WORDS} different values are too many for kinds of event such as view, cart and"
            " purchase. Say which column holds the kind, e.g. --map event=COLUMN, or --map event= for none.",
            file=source.name,
            field=column,
        )
    if are_states(list(found)):
        void = {word for word in found if is_void(word)}
        kinds = {word: VOID if word in void else "purchase" for word in found}
        said = f"{column} holds the states of orders; {_listed({word: found[word] for word in found if word in void})} do not count as interest"
        return kinds, [said]
    kinds = {word: kind_of(word) or plain_word(word) or word for word in found}
    return kinds, _kind_notes(found, kinds)


def _kind_notes(found: Mapping[str, int], kinds: Mapping[str, str]) -> list[str]:
    """What takes interest back, and the words that nobody knows."""
    notes = []
    back = {word: n for word, n in found.items() if kinds[word] in TAKEN_BACK}
    if back:
        notes.append(
            f"{_listed(back)} take interest back: they are none, and count against what the same shopper did with the product before"
        )
    weights = InteractionSettings().event_weights
    unknown = {word: n for word, n in found.items() if kinds[word] not in weights and kinds[word] not in TAKEN_BACK}
    if unknown:
        example = kinds[next(iter(unknown))]
        notes.append(
            f"not known as kinds of event: {_listed(unknown)}. Each weighs interactions.other_event_weight; name another weight"
            f" in settings.toml under [interactions.event_weights], e.g. {example} = 2.0, or 0 for no interest"
        )
    return notes


def _void_states(
    connection: duckdb.DuckDBPyConnection, source: Source, column: str | None
) -> tuple[list[str] | None, list[str]]:
    """The states in the file that make an order void, None where it has no known states; and what the report says."""
    if column is None:
        return None, []
    found = _counted(connection, source, "status", column)
    if len(found) > _MAX_SPELLINGS or not any(known_state(word) for word in found):
        return None, [f"{column} holds no states of orders that are known, so it was not used"] if found else []
    void = {word: n for word, n in found.items() if is_void(word)}
    unknown = {word: n for word, n in found.items() if not known_state(word)}
    notes = [f"orders that are {_listed(void)} do not count as interest (rows: {sum(void.values()):,})"] if void else []
    if unknown:
        notes.append(f"not known as states of orders, so they count as interest: {_listed(unknown)}")
    return list(void), notes


def _cancelled(connection: duckdb.DuckDBPyConnection, source: Source, column: str) -> int:
    relation = with_texts("staged", {"cancelled_at": source.staged(column)}, staged_types(source.path))
    condition = EventKinds(has_cancelled=True).void_sql(["cancelled_at"])
    return int(connection.execute(f"SELECT count(*) FROM {relation} WHERE {condition}").fetchall()[0][0])


def _counted(connection: duckdb.DuckDBPyConnection, source: Source, name: str, column: str) -> dict[str, int]:
    """Each text of a column -> its rows, the most frequent first; a few more than `_MAX_SPELLINGS` at most."""
    relation = with_texts("staged", {name: source.staged(column)}, staged_types(source.path))
    rows = connection.execute(
        f"SELECT {name}_text, count(*) AS n FROM {relation} WHERE {name}_text IS NOT NULL GROUP BY 1"
        f" ORDER BY n DESC, 1 LIMIT {_MAX_SPELLINGS + 1}"
    ).fetchall()
    return dict(rows)


def _listed(counts: Mapping[str, int]) -> str:
    """'wink' (12), 'blink' (3) and 4 more"""
    shown = ", ".join(f"{word[:60]!r} ({n:,})" for word, n in list(counts.items())[:_SHOWN])
    return shown + (f" and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else "")
