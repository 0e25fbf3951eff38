"""XML: Google's product feeds (RSS and Atom) and any flat list of elements, one row an element."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, iterparse

from engine.core.errors import InputError
from engine.ingest.sources.encodings import encoding_of_head
from engine.ingest.sources.json_records import read_records
from engine.ingest.sources.packed import RawFile
from engine.ingest.sources.tables import FileForm, FileTable
from engine.ingest.sources.textfiles import open_text, survey

__all__ = ["read_feed"]

# So many starts and ends of elements say which of them are the rows.
_EVENTS = 400_000
# The most elements of a row, and the longest text, in bytes.
_MOST_PARTS = 100_000
_MAX_TEXT = 16 * 1024 * 1024
_DECLARED = re.compile(rb"<\?xml[^>]*\sencoding\s*=")
# Elements that are a pair of a name and a value, e.g. <param name="Colour">red</param>.
_PAIRS = frozenset(
    {"param", "parameter", "attribute", "attr", "property", "feature", "specification", "field", "option"}
)
_NAMES = ("name", "key")
# Elements whose name says nothing about what they hold.
_ANYTHING = frozenset({"item", "value", "language", "string", "li", "element", "entry"})

Tags = tuple[str, ...]


@dataclass
class _Outline:
    """What the first elements show: for each path of tags how often it occurs, and its children."""

    counts: Counter[Tags] = field(default_factory=Counter)
    children: dict[Tags, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    attributes: set[Tags] = field(default_factory=set)
    prefixes: dict[str, str] = field(default_factory=dict)


def read_feed(raw: RawFile, directory: Path, form: FileForm, limit: int | None) -> FileTable:
    """The rows of an XML file; children that come several times are a list, nested ones JSON.

    Raises `InputError` where the XML is broken, declares entities, or has no elements that could be rows.
    """
    outline = _outline(raw, form)
    path = _record_path(outline)
    if path is None:
        raise InputError("no elements in this XML look like rows. Export the table as CSV.", file=raw.name)
    names = _column_names(outline, path)
    note = f"the rows are the elements <{_local(path[-1])}>"
    records = (_record(element, names) for element in _records(raw, form, path))
    return read_records(records, directory, raw.name, (note,), limit)


def _outline(raw: RawFile, form: FileForm) -> _Outline:
    outline = _Outline()
    path: Tags = ()
    for event, element in itertools.islice(_events(raw, form), _EVENTS):
        if event == "start-ns":
            outline.prefixes[element[1]] = element[0]
        elif event == "start":
            outline.children[path][element.tag] += 1
            path = (*path, element.tag)
            outline.counts[path] += 1
            if element.attrib:
                outline.attributes.add(path)
        else:
            path = path[:-1]
            element.clear()
    return outline


def _record_path(outline: _Outline) -> Tags | None:
    """The outermost path that occurs several times and has children, or attributes; of several, the one with the most."""
    size = {path: outline.children[path].total() for path in outline.counts}
    several = [path for path, count in outline.counts.items() if count > 1]
    lists = [path for path in several if size[path]] or [path for path in several if path in outline.attributes]
    if not lists:
        leaves = {path for path in outline.counts if not size[path]}
        lists = [
            path
            for path in outline.counts
            if size[path] and all((*path, tag) in leaves for tag in outline.children[path])
        ]
        return max(lists, key=lambda path: size[path], default=None)
    depth = min(map(len, lists))
    return max((path for path in lists if len(path) == depth), key=lambda path: (size[path], outline.counts[path]))


def _column_names(outline: _Outline, path: Tags) -> dict[str, str]:
    """Tag -> column: its name, with the prefix of its namespace where two namespaces share the name."""
    tags = outline.children[path]
    shared = Counter(map(_local, tags))
    return {
        tag: f"{prefix}:{_local(tag)}"
        if shared[_local(tag)] > 1 and (prefix := outline.prefixes.get(tag[1:].partition("}")[0]))
        else _local(tag)
        for tag in tags
    }


def _record(element: Element, names: dict[str, str]) -> dict[str, Any]:
    """The element's attributes and children as a row: texts, lists of texts, and dicts for what is nested deeper."""
    values: dict[str, list[Any]] = defaultdict(list)
    for name, value in element.attrib.items():
        values[_local(name)].append(value)
    for child in element:
        name, value = _named_value(child, names.get(child.tag, _local(child.tag)))
        if value not in ("", None):
            values[name].append(value)
        if len(child) == 0 and isinstance(value, str) and child.text and child.text.strip():
            for key, more in child.attrib.items():
                if not key.startswith("{") and key not in _NAMES:
                    values[f"{name} {key}"].append(more)
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}


def _named_value(child: Element, name: str) -> tuple[str, Any]:
    """A child's column and value; a pair of a name and a value has a column of its own."""
    given = next((child.attrib[key] for key in _NAMES if child.attrib.get(key)), "")
    if given and _local(child.tag).lower() in _PAIRS:
        return given, (child.text or "").strip() or child.attrib.get("value", "")
    if len(child) == 2 and all(len(part) == 0 and part.text for part in child):
        first, second = (_local(part.tag).lower() for part in child)
        if first.endswith("name") and second.endswith(("val", "value")):
            return (child[0].text or "").strip(), (child[1].text or "").strip()
    return name, _value(child)


def _value(element: Element) -> Any:
    """A text, a list where the element holds nothing but one kind of others, else a dict."""
    if len(element) == 0:
        return _leaf(element)
    if any((part or "").strip() for part in (element.text, *(child.tail for child in element))):
        return " ".join(" ".join(element.itertext()).split())
    nested: dict[str, list[Any]] = defaultdict(list)
    for child in element:
        nested[_local(child.tag)].append(_value(child))
    values = {name: found[0] if len(found) == 1 else found for name, found in nested.items()}
    only = next(iter(values))
    if len(values) == 1 and _is_list_of(_local(element.tag), only):
        return values[only]
    return {_local(name): value for name, value in element.attrib.items()} | values


def _leaf(element: Element) -> Any:
    text = (element.text or "").strip()
    if text or not element.attrib:
        return text
    values = list(element.attrib.values())
    return element.attrib.get("href") or (values[0] if len(values) == 1 else dict(element.attrib))


def _is_list_of(tag: str, inner: str) -> bool:
    """Whether the names say so: <images> of <image>, <categories> of <category>, or a word for anything."""
    return (
        inner.lower() in _ANYTHING or tag.lower()[: max(len(inner) - 1, 3)] == inner.lower()[: max(len(inner) - 1, 3)]
    )


def _records(raw: RawFile, form: FileForm, path: Tags) -> Iterator[Element]:
    """The elements at `path`, one at a time; all others are forgotten."""
    stack: list[Element] = []
    parts = count = 0
    within = False
    for event, element in _events(raw, form):
        if event == "start":
            stack.append(element)
            if len(stack) == len(path) and tuple(one.tag for one in stack) == path:
                within, parts = True, 0
            parts += 1
        elif event == "end":
            stack.pop()
            if within and len(stack) == len(path) - 1:
                within = False
                count += 1
                yield element
            if stack and not within:
                stack[-1].remove(element)
        if within and parts > _MOST_PARTS:
            message = f"this element <{_local(path[-1])}> has more than {_MOST_PARTS:,} others in it. Split it."
            raise InputError(message, file=raw.name, row=count + 1)


def _events(raw: RawFile, form: FileForm) -> Iterator[tuple[str, Any]]:
    with _opened(raw, form) as (stream, encoding):
        guarded = _Guarded(stream, raw.name)
        parser = DefusedXMLParser(encoding=encoding, forbid_entities=True, forbid_external=True)
        try:
            for event in iterparse(guarded, ("start-ns", "start", "end"), parser):
                guarded.left = _MAX_TEXT
                yield event
        except ParseError as exc:
            line = exc.position[0]
            raise InputError(f"the XML is broken in line {line:,} ({exc}). Export it again.", file=raw.name) from exc
        except DefusedXmlException as exc:
            message = "the XML declares entities, which are not read. Export it without them."
            raise InputError(message, file=raw.name) from exc


@contextmanager
def _opened(raw: RawFile, form: FileForm) -> Iterator[tuple[BinaryIO, str | None]]:
    """The XML's bytes, and their encoding where they do not declare it themselves."""
    head = raw.head()
    known = form.encoding
    if known is None and not _DECLARED.search(head) and encoding_of_head(head) is None:
        known = survey(raw, None, whole=False).encoding
    with open_text(raw, known) if known else raw.open() as stream:
        yield stream, "utf-8" if known else None


class _Guarded:
    """A stream that ends where one text goes on for too long."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream, self._name = stream, name
        self.left = _MAX_TEXT

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise InputError(
                f"one text in it is longer than {_MAX_TEXT / 1024**2:.0f} MB. Export it again.", file=self._name
            )
        return data


def _local(tag: str) -> str:
    """A tag or attribute without its namespace."""
    return tag.rpartition("}")[2]
