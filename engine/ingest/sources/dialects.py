"""How the cells of delimited text are separated and quoted, and where its table begins."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from dataclasses import dataclass

from engine.ingest.sources.entities import guard_entities, unguarded

__all__ = ["Dialect", "find_dialect", "length_of_first_row", "parse"]

# Of equals the first counts: a comma is likelier within cells than the others are.
_DELIMITERS = ("\t", ";", "|", "::", "\x01", ",", "^", "~")
_TABBED = (".tsv", ".tab", ".inter", ".item", ".user", ".kg", ".link")
_ROWS = 1_000
_PREAMBLE = 20
_LEAST_AGREEMENT = 0.5
_SEP_LINE = re.compile(r"\ufeff?\"?sep=(.+?)\"?[\r\n]+", re.IGNORECASE)
# Several lines of remarks; a single line may be a header that begins with a #.
_REMARKS = re.compile(r"(?:[ \t]*(?:#.*)?\r?\n){2,}(?=[^#\s])")
_NUMBER = re.compile(r"[-+]?[0-9.eE+-]+")
# A quoted cell with its delimiters or line ends, as a program writes it.
_WELL_QUOTED = r'(?:^|{0})"(?:[^"]|"")*"(?={0}|\r|\n|$)'
_QUOTE = r'(?:^|{0})"'


@dataclass(frozen=True)
class Dialect:
    """How to read the text.

    Attributes
    ----------
    delimiter : one character or several.
    quoted : a cell may stand in double quotes, which are doubled within it.
    escaped : a backslash precedes a quote within a quoted cell.
    start : characters before the first row: a `sep=` line, a title, blank lines.
    wrapped : whole rows stand in quotes, as Excel leaves a file that it took for one column.
    """

    delimiter: str
    quoted: bool = True
    escaped: bool = False
    start: int = 0
    wrapped: bool = False


def find_dialect(head: str, escaped_lines: str, *, cut: bool, name: str, delimiter: str | None = None) -> Dialect:
    """The dialect of a text that begins with `head`.

    Parameters
    ----------
    escaped_lines : lines from anywhere in which a backslash precedes a quote.
    cut : the text goes on after `head`.
    name : the file's name, whose ending may speak for tabs.
    delimiter : if it is known.
    """
    start = 0
    if found := _SEP_LINE.match(head):
        delimiter, start = delimiter or found[1].replace("\\t", "\t"), found.end()
    elif found := _REMARKS.match(head):
        start = found.end()
    body = head[start:]
    chosen = delimiter or _delimiter(body, cut, name)
    if delimiter is None and body.lstrip().startswith('"') and (inner := _wrapped_delimiter(body, chosen, cut)):
        return Dialect(inner, start=start, wrapped=True)
    dialect = Dialect(chosen, _is_quoted(body, chosen))
    if (
        dialect.quoted
        and escaped_lines
        and _faults(escaped_lines, dialect) > _faults(escaped_lines, Dialect(chosen, True, True))
    ):
        dialect = Dialect(chosen, True, True)
    return Dialect(chosen, dialect.quoted, dialect.escaped, start + _preamble(body, dialect, cut))


def parse(text: str, dialect: Dialect, *, cut: bool = False, most: int = _ROWS) -> list[list[str]]:
    """The first rows of a text without blank ones; with `cut`, without the last, which may be incomplete."""
    return [row for row, _ in _parsed(text, dialect, cut, most)]


def _parsed(text: str, dialect: Dialect, cut: bool, most: int) -> list[tuple[list[str], int]]:
    """The rows, each with the number of characters before it."""
    if dialect.delimiter == ";":
        text = guard_entities(text.encode("utf-8", "replace")).decode()
    lines = list(io.StringIO(text, newline=""))
    ends = [0, *itertools.accumulate(map(len, lines))]
    single = dialect.delimiter if len(dialect.delimiter) == 1 else "\x1f"
    source = lines if single == dialect.delimiter else [line.replace(dialect.delimiter, single) for line in lines]
    reader = csv.reader(
        source,
        delimiter=single,
        quoting=csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE,
        escapechar="\\" if dialect.escaped else None,
    )
    rows: list[tuple[list[str], int]] = []
    before = 0
    try:
        for row in reader:
            if dialect.wrapped and len(row) == 1:
                row = next(csv.reader(row, delimiter=single), [])
            if row:
                rows.append(([unguarded(cell) for cell in row] if single == ";" else row, ends[before]))
            before = reader.line_num
            if len(rows) == most:
                break
    except csv.Error:
        pass  # a cell longer than the csv module allows: the rows before it must do
    return rows[:-1] if len(rows) > 1 and cut and len(rows) < most else rows[:most]


def _delimiter(text: str, cut: bool, name: str) -> str:
    """The delimiter that gives most of the first rows the same number of cells, and the most of them."""
    widths = {mark: _width(text, mark, cut) for mark in _DELIMITERS}
    if name.lower().endswith(_TABBED) and widths["\t"] > (False, 1):
        return "\t"
    best = max(_DELIMITERS, key=lambda mark: widths[mark])
    if widths[best] > (False, 1):
        return best
    rows = parse(text, Dialect(" ", False), cut=cut)
    spaced = len({len(row) for row in rows}) == 1 and len(rows) > 1 and len(rows[0]) > 1
    return " " if spaced and all(_NUMBER.fullmatch(cell) for row in rows[1:] for cell in row) else ","


def _width(text: str, delimiter: str, cut: bool) -> tuple[bool, int]:
    """Whether the very first row has as many cells as most of the others, and this number if half of them agree, else 1."""
    widths = [len(row) for row in parse(text, Dialect(delimiter, _is_quoted(text, delimiter)), cut=cut, most=200)]
    body = widths[1:] or widths
    width, count = Counter(body).most_common(1)[0] if body else (1, 0)
    if width == 1 or count < _LEAST_AGREEMENT * len(body):
        return False, 1
    # A header may lack the last, empty column of its rows, or the first, which numbers them.
    return widths[0] in (width, max(width - 1, 2)), width


def _wrapped_delimiter(text: str, delimiter: str, cut: bool) -> str | None:
    """The delimiter within rows that are one quoted cell each, most of them and the first."""
    rows = parse(text, Dialect(delimiter), cut=cut, most=200)
    wrapped = [row[0] for row in rows if len(row) == 1]
    if len(rows[0]) > 1 or 2 * len(wrapped) < len(rows):
        return None
    inner = "".join(cell + "\n" for cell in wrapped)
    mark = _delimiter(inner, False, "")
    return mark if _width(inner, mark, False) > (True, 1) else None


def _is_quoted(text: str, delimiter: str) -> bool:
    """Whether quotes enclose cells; tabs and the like often come without any such rule, and quotes are then text."""
    if delimiter in (",", ";"):
        return True
    mark = re.escape(delimiter)
    well = len(re.findall(_WELL_QUOTED.format(mark), text, re.MULTILINE))
    return well * 2 > len(re.findall(_QUOTE.format(mark), text, re.MULTILINE))


def _faults(lines: str, dialect: Dialect) -> int:
    """How many lines are not well quoted."""
    faults = 0
    for line in lines.split("\n"):
        reader = csv.reader(
            [line.rstrip("\r")],
            delimiter=dialect.delimiter[0],
            strict=True,
            escapechar="\\" if dialect.escaped else None,
        )
        try:
            list(reader)
        except csv.Error:
            faults += 1
    return faults


def _preamble(text: str, dialect: Dialect, cut: bool) -> int:
    """The number of characters before the first row that is as wide as the others: titles, remarks, blank lines."""
    rows = _parsed(text, dialect, cut, 200)
    if not rows:
        return 0
    widths = Counter(len(row) for row, _ in rows)
    width = widths.most_common(1)[0][0]
    for row, before in rows[:_PREAMBLE]:
        remark = row[0].lstrip().startswith("#") and len(row) < width
        if len(row) in (width, width - 1) and not remark and sum(map(bool, map(str.strip, row))) > (width > 2):
            return before
    return rows[0][1]


def length_of_first_row(text: str, dialect: Dialect) -> int:
    """The number of characters up to the second row."""
    rows = _parsed(text, dialect, False, 2)
    return rows[1][1] if len(rows) > 1 else len(text)
