"""JSON tables that are no list of objects: arrays of arrays, objects of objects, and what pandas writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.ingest.sources.headers import first_row_names

__all__ = ["records_of"]


def records_of(value: Any) -> tuple[Iterator[dict[str, Any]], str] | None:
    """The rows of a whole JSON value, and a note on what they are; None where it is no such table."""
    if isinstance(value, list):
        return _of_arrays(value)
    if not isinstance(value, dict):
        return None
    columns, data = value.get("columns"), value.get("data")
    if isinstance(columns, list) and isinstance(data, list) and all(isinstance(row, list) for row in data):
        return _rows([str(name) for name in columns], data), 'the rows are the arrays in "data"'
    inner = list(value.values())
    if len(inner) < 2 or not all(isinstance(one, dict) for one in inner):
        return None
    if all(one.keys() == inner[0].keys() for one in inner) and all(key.isdigit() for key in inner[0]):
        rows = ({name: column[key] for name, column in value.items()} for key in inner[0])
        return rows, "each key of the object is a column"
    if not set.intersection(*map(set, inner)):
        return None
    name = next(name for name in ("id", "key", "key (2)") if name == "key (2)" or all(name not in one for one in inner))
    return ({name: key} | one for key, one in value.items()), f'the rows are the values of the object, by "{name}"'


def _of_arrays(value: list[Any]) -> tuple[Iterator[dict[str, Any]], str] | None:
    if not value or not all(isinstance(row, list) for row in value):
        return None
    texts = [["" if cell is None else str(cell) for cell in row] for row in value[:500]]
    if first_row_names(texts) is not False:
        return _rows(texts[0], value[1:]), "the rows are arrays; the first names the columns"
    return _rows([str(number) for number in range(1, len(texts[0]) + 1)], value), "the rows are arrays without a header"


def _rows(names: list[str], rows: list[list[Any]]) -> Iterator[dict[str, Any]]:
    return (dict(zip(names, row, strict=False)) for row in rows)
