"""A file's text: what encoding it is in, decided on all of it, and its content as valid UTF-8."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from engine.core.errors import InputError
from engine.ingest.sources.encodings import encoding_of_head, encoding_title, guess_encoding
from engine.ingest.sources.packed import RawFile

__all__ = ["Text", "open_text", "survey"]

_CHUNK = 1024 * 1024
_HEAD = 256 * 1024
# Without reading all of a file: so many chunks from its start, and, unless it is packed, its middle and its end.
_FIRST_CHUNKS = 4
_SNIPPET = 200
_SNIPPETS_PER_CHUNK = 40
_SNIPPETS = 2_000
_ESCAPED_LINES = 200
_LINE = 4_096
_ESCAPED = b'\\"'
_HIGH = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True)
class Text:
    """What is known of a file's text.

    Attributes
    ----------
    encoding : the name of its codec.
    head : its first 256 KiB.
    cut : there is more than the head.
    escaped : lines, from anywhere, in which a backslash precedes a quote.
    marked : there are apostrophes or `="`, with which spreadsheets may mark a number as a text.
    note : the encoding in words, "" for UTF-8 and a declared one.
    """

    raw: RawFile
    encoding: str
    head: str
    cut: bool
    escaped: str
    marked: bool
    note: str


def survey(raw: RawFile, declared: str | None, *, whole: bool) -> Text:
    """Look at all of a text, or at a sample. A declared encoding wins; without one, it is found by the bytes.

    Raises `InputError` for a declared encoding that does not exist.
    """
    start = raw.head(_HEAD)
    known = _codec(declared, raw.name) if declared else encoding_of_head(start)
    seen = _Survey(known)
    for chunk, follows in _whole(raw) if whole else _sample(raw):
        seen.add(chunk, follows)
    encoding = known or seen.encoding()
    lines = b"\n".join(seen.escaped)
    note = "" if declared or encoding == "utf-8" else _note(encoding, seen.snippets)
    marked = seen.marked or not whole or encoding.startswith("utf-16")
    head, escaped = _decoded(start, encoding), lines.decode(encoding, "replace")
    return Text(raw, encoding, head, len(start) == _HEAD, escaped, marked, note)


def open_text(raw: RawFile, encoding: str) -> io.BufferedReader:
    """The text as UTF-8 bytes without a byte order mark.

    Reading raises `InputError`, with byte and line, at the first byte that is not valid in `encoding`.
    """
    return io.BufferedReader(_CheckedText(raw, encoding), _CHUNK)


def _codec(declared: str, name: str) -> str:
    try:
        return codecs.lookup(declared).name
    except LookupError as exc:
        raise InputError(f"there is no encoding {declared!r}. Try utf-8, cp1252 or latin-1.", file=name) from exc


def _decoded(data: bytes, encoding: str) -> str:
    """The text of bytes that may end within a character."""
    return codecs.getincrementaldecoder(encoding)("replace").decode(data).removeprefix("\ufeff")


def _note(encoding: str, snippets: list[bytes]) -> str:
    example = ""
    if snippets and encoding not in ("utf-16", "utf-32"):
        words = re.findall(r"\w*[^\W\x00-\x7f]\w*", snippets[0].decode(encoding, "ignore"))
        example = f', e.g. "{words[0][:40]}"' if words else ""
    return f"read as {encoding_title(encoding)}{example}"


def _whole(raw: RawFile) -> Iterator[tuple[bytes, bool]]:
    """The chunks of a file, each with whether it follows the one before."""
    with raw.open() as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk, True


def _sample(raw: RawFile) -> Iterator[tuple[bytes, bool]]:
    with raw.open() as stream:
        for _ in range(_FIRST_CHUNKS):
            if chunk := stream.read(_CHUNK):
                yield chunk, True
    size = raw.path.stat().st_size
    if raw.packing is None and size > (_FIRST_CHUNKS + 4) * _CHUNK:
        with raw.path.open("rb") as file:
            for place in (size // 2, size - _CHUNK):
                yield _piece(file, place), False


def _piece(file: BinaryIO, place: int) -> bytes:
    """A chunk from the first line end after `place`."""
    file.seek(place - place % 4)
    file.readline(_SNIPPET * 10)
    return file.read(_CHUNK)


class _Survey:
    """What the bytes say about the encoding, and which lines escape quotes."""

    def __init__(self, known: str | None) -> None:
        self._known = known
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._valid = True
        self.snippets: list[bytes] = []
        self.escaped: list[bytes] = []
        self.marked = False

    def add(self, chunk: bytes, follows: bool) -> None:
        """Look at a chunk; `follows` is whether it continues the one before."""
        if self._known is None and (not chunk.isascii() or self._utf8.getstate()[0]):
            self._check(chunk, follows)
            self.snippets += _snippets(chunk)
            if len(self.snippets) > 2 * _SNIPPETS:
                self.snippets = self.snippets[::2]
        self.marked = self.marked or b"'" in chunk or b'="' in chunk
        if len(self.escaped) < _ESCAPED_LINES and _ESCAPED in chunk:
            self.escaped += _lines_around(chunk, _ESCAPED_LINES - len(self.escaped))

    def _check(self, chunk: bytes, follows: bool) -> None:
        if not follows:
            self._utf8.reset()
        try:
            self._utf8.decode(chunk)
        except UnicodeDecodeError:
            self._valid = False
            self._utf8.reset()

    def encoding(self) -> str:
        """UTF-8 where it fits and where nothing does: reading will then say which byte is wrong."""
        return "utf-8" if self._valid else guess_encoding(self.snippets) or "utf-8"


def _snippets(chunk: bytes) -> list[bytes]:
    """Pieces of lines around bytes beyond ASCII."""
    found: list[bytes] = []
    position = 0
    step = len(chunk) // _SNIPPETS_PER_CHUNK
    while len(found) < _SNIPPETS_PER_CHUNK and (high := _HIGH.search(chunk, position)):
        at = high.start()
        start = max(chunk.rfind(b"\n", max(at - _SNIPPET, 0), at) + 1, at - _SNIPPET, 0)
        line_end = chunk.find(b"\n", at, at + _SNIPPET)
        end = line_end + 1 if line_end >= 0 else at + _SNIPPET
        found.append(chunk[start:end])
        position = max(end, min(position + step, at + step))
    return found


def _lines_around(chunk: bytes, most: int) -> list[bytes]:
    """Whole lines of the chunk that contain an escaped quote."""
    found: list[bytes] = []
    position = 0
    while len(found) < most and (at := chunk.find(_ESCAPED, position)) >= 0:
        start = max(chunk.rfind(b"\n", 0, at) + 1, at - _LINE)
        end = chunk.find(b"\n", at, at + _LINE)
        if end < 0:
            break
        found.append(chunk[start:end])
        position = end
    return found


class _CheckedText(io.RawIOBase):
    """Decodes strictly, counts lines and bytes, and hands on UTF-8."""

    def __init__(self, raw: RawFile, encoding: str) -> None:
        self._name, self._encoding = raw.name, encoding
        self._stream = raw.open()
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._ready = memoryview(b"")
        self._bytes = self._line = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready:
            raw = self._stream.read(_CHUNK)
            self._ready = memoryview(self._utf8(raw))
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

    def _utf8(self, raw: bytes) -> bytes:
        if self._encoding == "utf-8" and raw.isascii() and raw and not self._decoder.getstate()[0]:
            self._bytes += len(raw)
            self._line += raw.count(b"\n")
            return raw
        text = self._decode(raw)
        if self._bytes == len(raw):
            text = text.removeprefix("\ufeff")
        return text.encode("utf-8")

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
                " declare its encoding, e.g. --map encoding=cp1252.",
                file=self._name,
                row=max(line - 1, 0),
            ) from exc
        self._bytes += len(raw)
        self._line += text.count("\n")
        return text
