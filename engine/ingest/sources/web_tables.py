"""Tables that old shop systems save as .xls: web pages, and Excel's XML of 2003."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import iterparse
from selectolax.lexbor import LexborHTMLParser

__all__ = ["Sheets", "page_tables", "xml_sheets"]

Sheets = Iterator[tuple[str, Iterator[list[str]]]]
"""Each table's name and its rows of texts."""

_SPREADSHEET = "{urn:schemas-microsoft-com:office:spreadsheet}"
_MIDNIGHT = re.compile(r"T00:00:00(\.0+)?$")
_MOST_COLUMNS = 16_384


def page_tables(path: Path, encoding: str) -> Sheets:
    """The tables of a web page that hold no other table."""
    page = LexborHTMLParser(path.read_bytes().decode(encoding, "replace"))
    tables = [table for table in page.css("table") if len(table.css("table")) == 1 and len(table.css("tr")) > 1]
    for number, table in enumerate(tables, 1):
        rows = (
            [" ".join(cell.text(deep=True, separator=" ").split()) for cell in row.css("td, th")]
            for row in table.css("tr")
        )
        yield f"table {number}", rows


def xml_sheets(path: Path) -> Sheets:
    """The worksheets of a workbook in Excel's XML; each must be read before the next. Entities are refused."""
    parts = iterparse(path, ("start", "end"))
    for event, element in parts:
        if event == "start" and element.tag == f"{_SPREADSHEET}Worksheet":
            yield element.get(f"{_SPREADSHEET}Name", ""), _xml_rows(parts)


def _xml_rows(parts: Iterator[tuple[str, Element]]) -> Iterator[list[str]]:
    """The rows up to the worksheet's end."""
    for event, element in parts:
        if event == "end" and element.tag == f"{_SPREADSHEET}Row":
            yield _cells(element)
            element.clear()
        if event == "end" and element.tag == f"{_SPREADSHEET}Worksheet":
            return


def _cells(row: Element) -> list[str]:
    """A row's texts; a cell may say its position, where empty ones before it are left out."""
    texts: list[str] = []
    for cell in row.iter(f"{_SPREADSHEET}Cell"):
        position = int(cell.get(f"{_SPREADSHEET}Index", len(texts) + 1)) - 1
        texts += [""] * (min(position, _MOST_COLUMNS) - len(texts))
        data = cell.find(f"{_SPREADSHEET}Data")
        texts.append("" if data is None else _text(data))
    return texts


def _text(data: Element) -> str:
    text, kind = "".join(data.itertext()).strip(), data.get(f"{_SPREADSHEET}Type")
    if kind == "DateTime":
        return _MIDNIGHT.sub("", text).replace("T", " ").removesuffix(".000")
    if kind == "Boolean":
        return "true" if text == "1" else "false"
    return text.removesuffix(".0") if kind == "Number" else text
