"""The ids in the events -> products: exactly, else by one rule for all of them that matches far more.

A shop's systems write one id in different ways: another column of the products file, without leading zeros, in other
letters, as a number that a spreadsheet rounded. All of it is SQL over the distinct ids.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb
import pandas as pd
import pyarrow as pa

__all__ = ["KnownProducts", "match_ids"]

# A rule must bring so many times the events that match exactly; an id column also counts where it explains most others.
_FAR_MORE = 1.25
_MOST = 0.5
# Of rules that match nearly as much, the first (the strictest) is taken.
_NEARLY = 0.98
# Less of what does not match is chance.
_LEAST = 0.1
_SHOWN, _LONGEST = 3, 40

_PLAIN = "trim(regexp_replace(CASE WHEN strlen({id}) = length({id}) THEN {id} ELSE nfkc({id}) END, '[\\s\\p{Z}]+', ' ', 'g'))"
_CASE = f"lower({_PLAIN})"
_ZEROS = "regexp_replace({id}, '^0+([0-9])', '\\1')"
# 1E5, 9.007199254740993e+15, -5.0 and 12.50 as plain numbers of up to 32 digits.
_NUMBER = """CASE WHEN regexp_full_match({id}, '[-+]?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]{1,2})?')
    THEN regexp_replace(regexp_replace(try_cast({id} AS DECIMAL(38, 6))::VARCHAR, '([.][0-9]*?)0+$', '\\1'), '[.]$', '') END"""
_ANY = f"lower(coalesce({_NUMBER.replace('{id}', '(' + _PLAIN + ')')}, {_PLAIN}))"
# https://shop.example/products/red-dress?colour=1 and gid://shopify/Product/17 end in the id.
_LAST_PART = "nullif(regexp_extract({id}, '([^/?#]+)/*(?:[?#].*)?$', 1), '')"
_RULES: tuple[tuple[str, str], ...] = (
    ("blanks and accents may be written differently", _PLAIN),
    ("capital letters do not count", _CASE),
    ("leading zeros do not count", _ZEROS),
    ("numbers are compared by their value (1E5 is 100000)", _NUMBER),
    ("only the last part of an address counts", _LAST_PART),
    ("capital letters, blanks and leading zeros do not count, and numbers are compared by their value", _ANY),
)


@dataclass(frozen=True)
class KnownProducts:
    """The products that events may name.

    Attributes
    ----------
    ids : the products' ids.
    aliases : column of the products file -> its other ids, as the columns `alias` and `item_id`.
    """

    ids: pd.Series
    aliases: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def match_ids(connection: duckdb.DuckDBPyConnection, ids: str, products: KnownProducts) -> list[str]:
    """Create the table `known` (event_id, known_id), which holds every id that was matched; what the report says.

    Parameters
    ----------
    ids : a relation with item_id, the ids in the events, one row an event.
    """
    connection.create_function("nfkc", _nfkc, [duckdb.sqltypes.VARCHAR], duckdb.sqltypes.VARCHAR)
    given = pa.table({"item_id": pa.array(products.ids, pa.string())})
    connection.register("given", given)
    connection.execute(
        "CREATE OR REPLACE TABLE products AS SELECT DISTINCT item_id FROM given WHERE item_id IS NOT NULL"
    )
    connection.unregister("given")
    connection.execute(
        f"CREATE OR REPLACE TABLE event_ids AS SELECT item_id, count(*) AS n FROM {ids} WHERE item_id IS NOT NULL GROUP BY 1"
    )
    connection.execute(
        "CREATE OR REPLACE TABLE known AS SELECT item_id AS event_id, item_id AS known_id FROM event_ids SEMI JOIN products"
        " USING (item_id)"
    )
    total, exact = _sum(connection, "event_ids"), _sum(connection, "event_ids JOIN known ON event_id = item_id")
    notes = _apply_best(connection, products, total, exact) if exact < total else []
    matched = _sum(connection, "event_ids JOIN known ON event_id = item_id")
    if matched < total:
        notes.append(_hint(connection, total - matched, total))
    connection.execute("DROP TABLE products; DROP TABLE event_ids")
    connection.remove_function("nfkc")
    return notes


@dataclass(frozen=True)
class _Rule:
    """One way to compare: `key` is applied to both sides, `table` (alias, item_id) holds the products' side.

    What `stricter` keys tell for certain is not asked of the rule's own.
    """

    words: str
    table: str
    key: str
    is_alias: bool = False
    stricter: tuple[str, ...] = ()

    def fits(self, key: str | None = None) -> str:
        """SQL: event_id, target, fits (how many products it could be), several of these and n events, of ids that fit any."""
        own, theirs = ((key or self.key).replace("{id}", name) for name in ("e.item_id", "alias"))
        targets = f"""SELECT {theirs} AS key, min(item_id) AS target, count(DISTINCT item_id) AS fits,
            list_slice(list_sort(list(DISTINCT item_id)), 1, {_SHOWN}) AS several FROM {self.table} GROUP BY 1"""
        return (
            f"(SELECT e.item_id AS event_id, target, fits, several, n FROM event_ids e JOIN ({targets}) ON key = {own})"
        )

    def matches(self, key: str | None = None) -> str:
        """SQL: event_id, target and n of ids that fit one product."""
        return f"(SELECT event_id, target, n FROM {self.fits(key)} WHERE fits = 1)"


def _rules(connection: duckdb.DuckDBPyConnection, products: KnownProducts, *, loosely: bool) -> list[_Rule]:
    """Other columns first, then looser ways to compare the ids, then looser ways to compare other columns."""
    exact, loose = [], []
    for position, (column, table) in enumerate(products.aliases.items()):
        name = f"aliases_{position}"
        given = pa.table({key: pa.array(table[key], pa.string()) for key in ("alias", "item_id")})
        connection.register("given", given)
        connection.execute(
            f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM given SEMI JOIN products USING (item_id) WHERE alias IS NOT NULL"
        )
        connection.unregister("given")
        exact.append(_Rule(f"by the products' column {column!r}", name, "{id}", is_alias=True))
        words = f"by the products' column {column!r}, where {_RULES[-1][0]}"
        loose.append(_Rule(words, name, _ANY, is_alias=True))
    if not loosely:
        return exact
    own_ids = "(SELECT item_id AS alias, item_id FROM products)"
    strict = tuple(key for _, key in _RULES[:-1] if key != _LAST_PART)
    own = [_Rule(f"where {words}", own_ids, key, stricter=strict if key == _ANY else ()) for words, key in _RULES]
    return [*exact, *own, *loose]


def _apply_best(connection: duckdb.DuckDBPyConnection, products: KnownProducts, total: int, exact: int) -> list[str]:
    """Add to `known` what the best rule matches, if any matches far more than exact ids do; what the report says of it."""
    rules = _rules(connection, products, loosely=total >= _FAR_MORE * exact)
    if not rules:
        return []
    reached = [_sum(connection, f"{rule.matches()} ANTI JOIN known USING (event_id)") for rule in rules]
    best = max(reached)
    rule, reach = next((rule, reach) for rule, reach in zip(rules, reached, strict=True) if reach >= _NEARLY * best)
    explains_most = rule.is_alias and reach >= _MOST * (total - exact)
    if reach < _LEAST * (total - exact) or not (exact + reach >= _FAR_MORE * exact or explains_most):
        return (
            [f"{reach:,} more would match {rule.words}; they are too few to rely on and were left out"] if reach else []
        )
    others = f"event_ids JOIN known ON event_id = item_id ANTI JOIN {rule.matches()} other USING (event_id)"
    if rule.is_alias and not _sum(connection, others):
        # Every id is one of that column's, so those that are also a product's own id are so by chance.
        connection.execute("DELETE FROM known")
    for key in (*rule.stricter, rule.key):
        connection.execute(
            f"INSERT INTO known SELECT event_id, target FROM {rule.matches(key)} ANTI JOIN known USING (event_id)"
        )
    matched = _sum(connection, "event_ids JOIN known ON event_id = item_id")
    said = f"{exact:,} of {total:,} events name a product by its id, and {matched:,} {rule.words}: they were matched that way"
    return [said, *_ambiguous(connection, rule)]


def _ambiguous(connection: duckdb.DuckDBPyConnection, rule: _Rule) -> list[str]:
    """A sentence on ids that could be several products."""
    found = connection.execute(
        f"SELECT event_id, several, n FROM {rule.fits()} ANTI JOIN known USING (event_id) WHERE fits > 1"
        " ORDER BY n DESC, event_id"
    ).fetchall()
    if not found:
        return []
    shown = "; ".join(
        f"{_short(event)} fits {' and '.join(map(_short, several))}" for event, several, _ in found[:_SHOWN]
    )
    return [
        f"{sum(n for *_, n in found):,} events name a product in a way that fits several; they were left out: {shown}"
    ]


def _hint(connection: duckdb.DuckDBPyConnection, unmatched: int, total: int) -> str:
    """A sentence that shows what ids look like on both sides."""
    theirs = connection.execute(
        f"SELECT item_id FROM event_ids e ANTI JOIN known ON event_id = e.item_id ORDER BY n DESC, item_id LIMIT {_SHOWN}"
    ).fetchall()
    ours = connection.execute(f"SELECT item_id FROM products ORDER BY item_id LIMIT {_SHOWN}").fetchall()
    return (
        f"{unmatched:,} of {total:,} events name no product: ids in the events look like"
        f" {', '.join(_short(name) for (name,) in theirs)}; ids of the products like {', '.join(_short(name) for (name,) in ours)}"
    )


def _nfkc(name: str) -> str:
    """Asked only for ids with letters beyond ASCII."""
    return unicodedata.normalize("NFKC", name)


def _short(name: str) -> str:
    return repr(name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…")


def _sum(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    return int(connection.execute(f"SELECT coalesce(sum(n), 0) FROM {relation}").fetchall()[0][0])
