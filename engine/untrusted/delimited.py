"""Rows of a stranger's CSV, whatever its encoding, separator and line ends."""

from __future__ import annotations

import codecs
import csv
import itertools
from collections.abc import Iterator

from engine.core.errors import SheetError

__all__ = ["delimited_rows"]

_DELIMITERS = (",", ";", "\t", "|")
_MAX_CELL = 1_000_000
_SAMPLED = 64 * 1024
_OTHERS = {
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"RIFF": "a picture",
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "a gzip file",
    b"PK": "a damaged zip",
    b"<!DOCTYPE": "a web page",
    b"<html": "a web page",
    b"<?xml": "an XML document",
}


def delimited_rows(data: bytes) -> Iterator[list[str]]:
    """Every line's cells, the header first. Raises `SheetError` for files that are not text, and for unclosed quotes.

    The encoding is UTF-8 with or without a byte order mark, UTF-16 with one, else Windows-1252, as Excel in Western Europe
    writes. The separator is the one that gives the header the most columns.
    """
    for magic, what in _OTHERS.items():
        if data.startswith(magic):
            raise SheetError(f"this is {what}, not a table. Upload CSV, Excel (.xlsx) or Parquet.")
    text = _decoded(data)
    head = text[:_SAMPLED]
    if sum(ord(letter) < 32 and letter not in "\t\r\n" for letter in head) > max(4, 0.02 * len(head)):
        raise SheetError("this is binary data, not a table. Upload CSV, Excel (.xlsx) or Parquet.")
    csv.field_size_limit(_MAX_CELL)
    reader = csv.reader(_lines(text), delimiter=_delimiter(head))
    try:
        yield from reader
    except csv.Error as exc:
        raise SheetError(
            f"line {reader.line_num:,} cannot be read ({exc}). Check its quotes.", row=max(reader.line_num - 1, 1)
        ) from exc


def _decoded(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as exc:
            raise SheetError("its text is cut off or damaged. Save it as CSV in UTF-8.") from exc
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _lines(text: str) -> Iterator[str]:
    """Lines with their ends, as csv needs them; copies one line at a time."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end + 1
        line = text[start:end]
        # Old Macs end lines with \r: one line for us may be many.
        yield from (part + "\n" for part in line.rstrip("\r\n").split("\r"))
        start = end


def _delimiter(head: str) -> str:
    first = next(itertools.dropwhile(lambda line: not line.strip(), head.splitlines()), "")
    return max(_DELIMITERS, key=lambda mark: (len(next(csv.reader([first], delimiter=mark), [])), mark == ","))
