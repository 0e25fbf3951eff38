"""Which form a file has, told by its content; its name matters only where the content leaves it open."""

from __future__ import annotations

import re

from engine.core.errors import InputError
from engine.ingest.sources.encodings import encoding_of_head
from engine.ingest.sources.packed import RawFile

__all__ = ["FORMS", "form_of"]

FORMS = {
    "delimited": "delimited text",
    "json": "JSON",
    "workbook": "an Excel or OpenDocument workbook",
    "xml_workbook": "a workbook in Excel's XML",
    "page": "a web page",
    "xml": "XML",
    "parquet": "Parquet",
}
_NAMED = {
    ".csv": "delimited",
    ".tsv": "delimited",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".xlsx": "workbook",
    ".xls": "workbook",
    ".ods": "workbook",
    ".xml": "xml",
    ".rss": "xml",
    ".parquet": "parquet",
}
_MAGIC = {
    b"PAR1": "parquet",
    b"PK\x03\x04": "workbook",
    b"\xd0\xcf\x11\xe0": "workbook",
}
_NO_TABLES = {
    b"PARE": "an encrypted Parquet file",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"RIFF": "a picture or a sound",
    b"%PDF": "a PDF document",
    b"SQLite format 3": "a SQLite database",
    b"\x1f\x8b": "a packed file within a packed file",
    b"BZh": "a packed file within a packed file",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"\xfd7zXZ": "an xz file",
    b"{\\rtf": "a text document",
    b"ARROW1": "an Arrow file",
    b"FEA1": "a Feather file",
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
}
_WANTED = "Save the table as CSV, Excel, JSON, XML or Parquet."
_PAGE = re.compile(r"<!doctype\s+html|<html|<head|<body|<table", re.IGNORECASE)
_SPREADSHEET = "urn:schemas-microsoft-com:office:spreadsheet"
_ELEMENT = re.compile(r"<[?!]|<[A-Za-z_][\w.:-]*(\s[^<>]*)?/?>\s*(<|$)")
_OBJECT = re.compile(r"\[?\s*\{\s*(\"|u?'|\}|$)|\[\s*(\[.*)?\]?\s*$", re.DOTALL)
_SQL = re.compile(r"^\s*(INSERT\s+INTO|CREATE\s+TABLE|DROP\s+TABLE)\b", re.IGNORECASE | re.MULTILINE)


def form_of(raw: RawFile) -> tuple[str, str]:
    """The form, a key of `FORMS`, and a note where the name says otherwise, else "".

    Raises `InputError` for content that holds no table.
    """
    head = raw.head()
    form = next((form for magic, form in _MAGIC.items() if head.startswith(magic)), None)
    if form is None:
        what = next((what for magic, what in _NO_TABLES.items() if head.startswith(magic)), None)
        if head[257:262] == b"ustar":
            what = "a tar archive"
        if what:
            raise InputError(f"this is {what}. {_WANTED}", file=raw.name)
        form = _form_of_text(head, raw)
    named = _named_form(raw) or form
    return form, "" if named == form else f"the name says {FORMS[named]}, the content is {FORMS[form]}"


def _named_form(raw: RawFile) -> str | None:
    return next((form for ending, form in _NAMED.items() if raw.inner.lower().endswith(ending)), None)


def _form_of_text(head: bytes, raw: RawFile) -> str:
    text = head.decode(encoding_of_head(head) or "latin-1", "replace").removeprefix("\ufeff")
    control = sum(letter < " " and letter not in "\t\n\r\x01" for letter in text)
    if control > 0.1 * len(text):
        raise InputError(f"this is binary data. {_WANTED}", file=raw.name)
    start = text.lstrip()
    if _PAGE.match(start):
        return "page"
    if _SPREADSHEET in start:
        return "xml_workbook"
    if _SQL.search(start):
        raise InputError(
            f"this is a dump of a database. Load it there and name the database, or: {_WANTED}", file=raw.name
        )
    if _OBJECT.match(start) or (start.startswith(("{", "[")) and _named_form(raw) == "json"):
        return "json"
    return "xml" if _ELEMENT.match(start) else "delimited"
