"""A text or Parquet file's format, checked against its content, and its text as valid UTF-8."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from pathlib import Path
from typing import Any

from engine.core.errors import InputError

__all__ = ["open_text", "require_content", "text_format"]

_FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_MAGIC = {
    b"PAR1": "a Parquet file",
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "a gzip file",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF document",
    b"SQLite format 3": "a SQLite database",
    b"BZh": "a bzip2 file",
    b"\x28\xb5\x2f\xfd": "a Zstandard file",
    b"<!DOCTYPE": "a web page",
    b"<html": "a web page",
    b"<?xml": "an XML document",
}
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CHUNK = 1024 * 1024
_HEAD = 512
# A gzip file may unpack to `_MAX_RATIO` times its size, or to `_FREE_BYTES` if that is more.
_MAX_RATIO = 200
_FREE_BYTES = 256 * 1024 * 1024


def text_format(path: Path) -> str:
    """ "csv", "jsonl" or "parquet", by the name. Raises `InputError` for any other name."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    gz = suffixes[-1:] == [".gz"]
    suffix = (suffixes[:-1] if gz else suffixes)[-1:] or [""]
    form = _FORMATS.get(suffix[0])
    if form is None or (gz and form == "parquet"):
        raise InputError(
            "its name must end in .csv, .csv.gz, .tsv, .jsonl, .jsonl.gz or .parquet. Rename or convert it.",
            file=path.name,
        )
    return form


def require_content(path: Path, form: str) -> None:
    """Raise `InputError` where the file's first bytes contradict its name."""
    head = _head(path)
    if form == "parquet":
        if not head.startswith(b"PAR1"):
            raise InputError("the name says Parquet, but the content is not. Export it again.", file=path.name)
        return
    name = {"csv": "CSV", "jsonl": "JSON Lines"}[form]
    _require_text(head, name, path.name)
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if form == "jsonl" and not text.startswith(b"{"):
        raise InputError(
            "the name says JSON Lines, but the first line is not an object in braces. Write one JSON object per line.",
            file=path.name,
            row=1,
        )
    if form == "csv" and text.startswith(b'{"'):
        raise InputError("the name says CSV, but this looks like JSON Lines. Rename it to .jsonl.", file=path.name)


def _head(path: Path) -> bytes:
    """The first bytes of the content, unpacked if the name ends in .gz."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if path.suffix.lower() != ".gz":
        return head
    if not head.startswith(b"\x1f\x8b"):
        raise InputError("the name says gzip, but the content is not. Rename it without .gz.", file=path.name)
    try:
        with gzip.open(path) as stream:
            head = stream.read(_HEAD)
    except (OSError, EOFError, zlib.error) as exc:
        raise InputError(f"the gzip file is damaged ({exc}). Copy it again.", file=path.name) from exc
    if not head:
        raise InputError("the file is empty. Export it again.", file=path.name)
    return head


def _require_text(head: bytes, name: str, file: str) -> None:
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise InputError(f"the name says {name}, but this is {what}. Save it as {name}.", file=file)
    if head.startswith(_UTF16):
        raise InputError("the text is UTF-16. Save it as CSV in UTF-8.", file=file)
    control = sum(byte < 32 and byte not in b"\t\n\r" for byte in head)
    if control > 0.1 * len(head):
        raise InputError(f"the name says {name}, but this is binary data. Export it again.", file=file)


def open_text(path: Path, encoding: str | None = None) -> io.BufferedReader:
    """The file's text as UTF-8 bytes without a byte order mark, unpacked if its name ends in .gz.

    Reading raises `InputError`, with byte and line, at the first byte that is not valid in `encoding` (UTF-8 unless
    declared), and also where a gzip file is damaged or unpacks to too much.
    """
    try:
        codec = codecs.lookup(encoding or "utf-8").name
    except LookupError as exc:
        raise InputError(f"there is no encoding {encoding!r}. Try utf-8, cp1252 or latin-1.", file=path.name) from exc
    return io.BufferedReader(_CheckedText(path, codec), _CHUNK)


class _CheckedText(io.RawIOBase):
    """Decodes strictly, counts lines and bytes, and hands on UTF-8."""

    def __init__(self, path: Path, encoding: str) -> None:
        self._path = path
        self._encoding = encoding
        self._packed = path.suffix.lower() == ".gz"
        self._stream: Any = gzip.open(path) if self._packed else path.open("rb")  # noqa: SIM115
        self._decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)("strict")
        self._limit = max(_FREE_BYTES, path.stat().st_size * _MAX_RATIO)
        self._ready = memoryview(b"")
        self._bytes = self._line = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready:
            raw = self._read()
            text = self._decode(raw)
            self._ready = memoryview(text.encode("utf-8"))
            if not raw:
                break
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()

    def _read(self) -> bytes:
        try:
            raw: bytes = self._stream.read(_CHUNK)
        except (OSError, EOFError, zlib.error) as exc:
            raise InputError(f"the file is damaged ({exc}). Copy it again.", file=self._path.name) from exc
        if self._packed and self._bytes + len(raw) > self._limit:
            raise InputError(
                f"the file unpacks to more than {_MAX_RATIO} times its size. Unpack it yourself first.",
                file=self._path.name,
            )
        return raw

    def _decode(self, raw: bytes) -> str:
        pending = len(self._decoder.getstate()[0])
        try:
            text = self._decoder.decode(raw, final=not raw)
        except UnicodeDecodeError as exc:
            byte = self._bytes - pending + exc.start
            line = self._line + exc.object[: exc.start].count(b"\n") + 1
            bad = exc.object[exc.start]
            raise InputError(
                f"byte {byte + 1:,} (0x{bad:02x}, in line {line:,}) is not valid {self._encoding}. Save the file as UTF-8, or"
                " declare its encoding, e.g. encoding=cp1252.",
                file=self._path.name,
                row=max(line - 1, 0),
            ) from exc
        self._bytes += len(raw)
        self._line += text.count("\n")
        return text
