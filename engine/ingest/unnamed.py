"""Fields of a table without a header, by the order and the values of its columns: a guess that the report says aloud."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.ingest.profiles import ColumnProfile, names_events

__all__ = ["guess_unnamed"]

_EPOCH = (6e8, 4e9)
_MOST_RATINGS = 12


def guess_unnamed(role: str, profiles: Mapping[str, ColumnProfile], given: Mapping[str, str]) -> dict[str, str]:
    """field -> column for columns that have no names; `given` comes first.

    Events: whatever looks like a time is the time, words for events are their kind, few small numbers are ratings, and of the other columns the first names
    the shopper and the second the product. Products: the first column is the id, the first with words the title, and the next
    the category.
    """
    found = dict(given)
    free = {name: column for name, column in profiles.items() if name not in found.values() and column.looks != "empty"}
    if role == "items":
        _take(found, free, "item_id", lambda column: column.looks in {"number", "words"})
        _take(found, free, "title", lambda column: column.looks in {"words", "text"})
        _take(found, free, "category", lambda column: column.looks == "words")
        return found
    _take(found, free, "timestamp", _is_time)
    _take(found, free, "event", lambda column: column.looks == "words" and names_events(column))
    for field in ("user_id", "item_id"):
        _take(found, free, field, lambda column: column.looks in {"number", "words", "e-mail"})
    if not {"user_id", "item_id"} & given.keys() and _same_things(found, profiles):
        # Rows of products that were bought together name no shopper.
        del found["user_id"], found["item_id"]
        return found
    _take(found, free, "rating", _is_rating)
    return found


def _take(
    found: dict[str, str], free: dict[str, ColumnProfile], field: str, fits: Callable[[ColumnProfile], bool]
) -> None:
    """Give the field the first free column that fits, unless it has one."""
    name = next((name for name, column in free.items() if fits(column)), None)
    if field not in found and name is not None:
        found[field] = name
        del free[name]


def _same_things(found: Mapping[str, str], profiles: Mapping[str, ColumnProfile]) -> bool:
    """Whether shoppers and products are the same words."""
    if not {"user_id", "item_id"} <= found.keys() or profiles[found["user_id"]].looks != "words":
        return False
    shoppers, products = profiles[found["user_id"]].values, profiles[found["item_id"]].values
    return 2 * len(shoppers & products) > min(len(shoppers), len(products))


def _is_time(column: ColumnProfile) -> bool:
    if column.looks == "time":
        return True
    numbers = _numbers(column)
    epochs = [number for number in numbers if _EPOCH[0] <= number / _unit(number) <= _EPOCH[1]]
    return len(numbers) == len(column.values) and len(epochs) == len(numbers) and column.distinct > 1


def _unit(number: float) -> float:
    return next((unit for unit in (1e9, 1e6, 1e3) if number >= _EPOCH[0] * unit), 1.0)


def _is_rating(column: ColumnProfile) -> bool:
    numbers = _numbers(column)
    small = bool(numbers) and len(numbers) == len(column.values) and min(numbers) >= -1 and max(numbers) <= 10
    return small and column.distinct <= _MOST_RATINGS


def _numbers(column: ColumnProfile) -> list[float]:
    found = []
    for value in column.values:
        try:
            found.append(float(value))
        except ValueError:
            continue
    return found
