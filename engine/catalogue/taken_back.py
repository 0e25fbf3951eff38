"""Interest that was taken back: what is left of a shopper's events after removals, refunds and dislikes.

Such an event takes back what the same shopper did with the same product before it, the newest first and as much as its
quantity says: of a purchase of three and a refund of one, two are left. At most the views stay after everything was taken
back, and what the shopper does afterwards counts again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

__all__ = ["LOOKED", "TAKEN_BACK", "VOID", "may_take_back", "net_events"]

LOOKED = ("list_view", "view", "click")
"""Kinds that no other event takes back."""
VOID = "void"
"""An order that was cancelled or refunded as a whole: it takes back what the shopper did at that very moment."""
TAKEN_BACK: dict[str, tuple[str, ...]] = {
    "remove_from_cart": ("cart", "checkout"),
    "remove_from_wishlist": ("wishlist",),
    "refund": ("cart", "checkout", "purchase", ""),
    "dislike": (),
    VOID: (),
}
"""Kind of event -> the kinds whose quantities it takes back; "" are events without a kind. A dislike and a void order take
back everything above a look, up to their time or at their time."""
# Quantities below this are what is left of rounding.
_NOTHING = 1e-6


def may_take_back(kinds: Collection[str | None], value_kind: str | None, lowest: float | None) -> bool:
    """Whether events of these kinds, and ratings below `lowest`, can take anything back; if not, all events count."""
    return not TAKEN_BACK.keys().isdisjoint(kinds) or (value_kind == "rating" and lowest is not None)


def net_events(connection: duckdb.DuckDBPyConnection, value_kind: str | None, lowest: float | None) -> bool:
    """Create the view `net` over the view `events` (both `EVENT_SCHEMA`): the events that still count; whether they are others.

    Parameters
    ----------
    value_kind : what `value` is; quantities are taken back one by one, other events as a whole.
    lowest : ratings below it are dislikes; of repeated ratings the newest decides.
    """
    # To ask for the few kinds is far quicker than to look for some of them in every event.
    kinds = {kind for (kind,) in connection.execute("SELECT DISTINCT event FROM events").fetchall()}
    there = f"event IN ({_listed(TAKEN_BACK)})" if kinds & TAKEN_BACK.keys() else "false"
    connection.execute(f"""
        CREATE TABLE backs AS
        SELECT user_id, item_id, event, {_QUANTITY[value_kind == "quantity"]} AS quantity, timestamp FROM events
        WHERE {there}
    """)
    if value_kind == "rating" and lowest is not None:
        _add_low_ratings(connection, lowest)
    if not connection.execute("SELECT count(*) FROM backs").fetchall()[0][0]:
        connection.execute("CREATE VIEW net AS SELECT * FROM events")
        return False
    undone = ", ".join(f"('{back}', '{kind}')" for back, kinds in TAKEN_BACK.items() for kind in kinds)
    connection.execute(f"CREATE TABLE undone AS SELECT * FROM (VALUES {undone}) t(back, kind)")
    connection.execute(f"CREATE TABLE remaining AS {_remaining_sql(value_kind)}")
    connection.execute("""
        CREATE VIEW net AS
        SELECT * FROM events ANTI JOIN backs USING (user_id, item_id) UNION ALL SELECT * FROM remaining
    """)
    return True


_QUANTITY = {True: "coalesce(value, 1.0)", False: "1.0"}


def _add_low_ratings(connection: duckdb.DuckDBPyConnection, lowest: float) -> None:
    """A newest rating below `lowest` is a dislike of what else the shopper did with the product."""
    connection.execute(f"""
        INSERT INTO backs
        SELECT user_id, item_id, 'dislike', 1.0, last.time FROM (
            SELECT user_id, item_id, max({{'time': coalesce(timestamp, 0), 'value': value}}) AS last FROM events
            SEMI JOIN (SELECT DISTINCT user_id, item_id FROM events WHERE value IS NULL) other USING (user_id, item_id)
            WHERE value IS NOT NULL GROUP BY ALL
        ) WHERE last.value < {lowest!r}
    """)


def _remaining_sql(value_kind: str | None) -> str:
    """What is left of the events of pairs in `backs`: a ledger of quantities for each kind, never below zero.

    The newest of what is there is taken back first, so what is left of an event is the lowest that the balance ever falls
    to afterwards, less the balance before it. Ratings do not enter the ledger: their newest decides by itself.
    """
    quantity = _QUANTITY[value_kind == "quantity"]
    rated = "value IS NOT NULL" if value_kind == "rating" else "false"
    value = "left_over" if value_kind == "quantity" else "value"
    return f"""
        WITH standing AS (
            SELECT e.* FROM events e
            SEMI JOIN backs USING (user_id, item_id)
            ANTI JOIN (
                SELECT user_id, item_id, max(coalesce(timestamp, 0)) AS until FROM backs WHERE event = 'dislike' GROUP BY ALL
            ) d ON d.user_id = e.user_id AND d.item_id = e.item_id AND coalesce(e.timestamp, 0) <= until AND NOT ({_looked("e")})
                AND NOT ({rated})
            ANTI JOIN (SELECT user_id, item_id, timestamp FROM backs WHERE event = '{VOID}') v
                ON v.user_id = e.user_id AND v.item_id = e.item_id AND v.timestamp = e.timestamp AND NOT ({_looked("e")})
            WHERE coalesce(event NOT IN ({_listed(TAKEN_BACK)}), true)
        ), ledger AS (
            SELECT user_id, item_id, coalesce(event, '') AS kind, event, value, timestamp, {quantity} AS change
            FROM standing WHERE NOT ({_looked("standing")}) AND NOT ({rated})
            UNION ALL
            SELECT user_id, item_id, kind, event, NULL, timestamp, -quantity FROM backs JOIN undone ON back = event
        ), summed AS (
            SELECT *, sum(change) OVER before AS total FROM ledger WINDOW before AS ({_ORDER} ROWS UNBOUNDED PRECEDING)
        ), balanced AS (
            SELECT *, total - least(0.0, min(total) OVER before) AS balance FROM summed
            WINDOW before AS ({_ORDER} ROWS UNBOUNDED PRECEDING)
        ), counted AS (
            SELECT *, least(change, min(balance) OVER after - (balance - change)) AS left_over FROM balanced
            WINDOW after AS ({_ORDER} ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
        )
        SELECT user_id, item_id, event, {value} AS value, timestamp FROM counted WHERE change > 0 AND left_over > {_NOTHING}
        UNION ALL
        SELECT user_id, item_id, event, value, timestamp FROM standing WHERE {_looked("standing")} OR ({rated})
    """


# Events without a time come first; of one moment, what is taken back comes last.
_ORDER = "PARTITION BY user_id, item_id, kind ORDER BY timestamp NULLS FIRST, change DESC"


def _looked(table: str) -> str:
    return f"coalesce({table}.event IN ({_listed(LOOKED)}), false)"


def _listed(words: tuple[str, ...] | dict[str, tuple[str, ...]]) -> str:
    return ", ".join(f"'{word}'" for word in words)
