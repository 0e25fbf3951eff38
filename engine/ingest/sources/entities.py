"""HTML entities in text whose cells are separated by semicolons: `&amp;` ends no cell."""

from __future__ import annotations

import re
from html.entities import name2codepoint

import pyarrow as pa
import pyarrow.compute

__all__ = ["LONGEST_ENTITY", "SEMICOLON", "guard_entities", "restore_entities", "unguarded"]

# Stands for the semicolon of an entity while the text is taken apart.
SEMICOLON = b"\x1e"
LONGEST_ENTITY = 12
_NAMES = "|".join(sorted(name2codepoint, key=len, reverse=True))
_ENTITY = re.compile(rf"&(#\d{{1,7}}|#[xX][0-9a-fA-F]{{1,6}}|apos|{_NAMES});".encode())


def guard_entities(text: bytes) -> bytes:
    """The text with `SEMICOLON` at the end of every entity, as long as before."""
    return _ENTITY.sub(rb"&\1" + SEMICOLON, text) if b"&" in text else text


def unguarded(cell: str) -> str:
    """A cell with the semicolons of its entities."""
    return cell.replace(SEMICOLON.decode(), ";")


def restore_entities(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch of texts with the semicolons of their entities."""
    mark = SEMICOLON.decode()
    columns = [
        pa.compute.replace_substring(column, mark, ";")
        if pa.compute.any(pa.compute.match_substring(column, mark)).as_py()
        else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
