"""Names of pictures: how people, shop systems and servers write one, and the parts by which two are compared."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from engine.catalogue.picture_formats import PICTURE_ENDINGS

__all__ = [
    "GivenName",
    "StoredName",
    "decoded",
    "fold",
    "given_name",
    "is_address",
    "is_shard",
    "listed_names",
    "names_in",
    "plain",
    "stem",
    "stored_name",
    "without_size",
]

# `hat-1024x768`, `hat_600x`, `hat_x600`, `hat-scaled`, `hat-e1612345678901`, `hat@2x`, and Shopify's crops.
_SIZE = re.compile(r"(?:[-_](?:\d{2,4}x\d{2,4}|\d{2,4}x|x\d{2,4}|scaled|rotated|e\d{12,13})(?:_crop_[a-z]+)?|@[2-4]x)$")
_SHOPIFY_SIZE = re.compile(r"_(?:pico|icon|thumb|small|compact|medium|large|grande|original|master)$")
_SHOPIFY = re.compile(r"shopify|/cdn/shop/")
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]{1,10}:)?//[^/\s]", re.IGNORECASE)
_SEPARATORS = tuple(map(re.compile, (r"[|;\n\t]+", r",", r"\s+")))
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_IN_HTML = re.compile(r"<img\b[^>]*?\bsrc\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)
# Keys under which a list of objects, as JSON, holds the name of a picture.
_KEYS = ("url", "src", "href", "link", "path", "file", "filename", "name", "image", "large", "hi_res", "thumb")


@dataclass(frozen=True)
class StoredName:
    """A picture's path, folded.

    Attributes
    ----------
    folders : from the outermost to the innermost.
    name, stem, base : the file's name; without its endings; and without the size that a shop system adds.
    """

    folders: tuple[str, ...]
    name: str
    stem: str
    base: str


@dataclass(frozen=True)
class GivenName(StoredName):
    """A path, name or address in the products file, folded, without host and query.

    Attributes
    ----------
    text : how it is written.
    least : how many of its last parts must match, because the text may as well be several names.
    """

    text: str
    least: int = 1


def fold(text: str) -> str:
    """The text without differences in capitals and in how Unicode composes letters."""
    return (
        text.casefold()
        if text.isascii()
        else unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    )


def plain(folded: str) -> str:
    """Letters and digits alone, with one hyphen for all between them: `A/10`, `A_10` and `a 10` are one."""
    if not folded.isascii():
        letters = unicodedata.normalize("NFKD", folded)
        folded = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.sub(r"[\W_]+", "-", folded).strip("-")


def decoded(path: str) -> str:
    """The path with slashes between its parts, and without percent signs for letters; some systems write them twice."""
    for _ in range(2):
        path = unquote(path) if "%" in path else path
    return path.replace("\\", "/")


def stem(name: str) -> str:
    """A file name without the endings of pictures: `105.jpg.jpg` is `105`, `114.v2.jpg` is `114.v2`."""
    while True:
        start, dot, ending = name.rpartition(".")
        if not start or dot + ending.lower() not in PICTURE_ENDINGS:
            return name
        name = start


def without_size(name: str) -> str:
    """A folded stem without the sizes that shop systems add to names of pictures."""
    while (shorter := _SIZE.sub("", name)) != name and shorter:
        name = shorter
    return name


def is_shard(folders: Sequence[str], name: str) -> bool:
    """Whether the last folders only sort names by how they begin, as in `010/0108775015.jpg` and `1/2/127.jpg`."""
    beginning = ""
    for folder in reversed(folders):
        beginning = fold(folder) + beginning
        sorts = len(beginning) > len(folder) or name[len(folder) :][:1].isalnum()
        if name == beginning or (name.startswith(beginning) and sorts):
            return True
        if len(beginning) > len(name):
            return False
    return False


def stored_name(path: str) -> StoredName:
    """The parts of a path in the folder or zip of pictures."""
    *folders, name = fold(decoded(path)).split("/")
    before, query, _ = name.partition("?")
    # Programs that fetch whole sites keep the query in the file's name.
    if query and stem(before) != before:
        name = before
    short = stem(name)
    return StoredName(tuple(folder for folder in folders if folder not in {"", "."}), name, short, without_size(short))


def given_name(text: str) -> GivenName | None:
    """The parts of one path, name or address as the products file has it; None if it names nothing."""
    path = _path_of_address(text) if is_address(text) else text
    parts = [part for part in fold(decoded(path)).split("/") if part not in {"", ".", ".."}]
    if not parts:
        return None
    *folders, name = parts
    before, query, _ = name.partition("?")
    name = before if query and before else name
    short = stem(name)
    base = without_size(short)
    if _SHOPIFY.search(text.casefold()):
        base = without_size(_SHOPIFY_SIZE.sub("", base))
    return GivenName(tuple(folders), name, short, base, text, _least(text, parts))


def is_address(text: str) -> bool:
    """Whether a name is a web address, with or without its scheme."""
    return _ADDRESS.match(text) is not None


def names_in(text: str) -> Iterator[GivenName]:
    """The names that a cell may hold, in the order in which they count: all of it as one name, then its parts.

    A cell is a JSON list, or names with `|`, `;`, line breaks, commas or blanks between them.
    """
    listed = listed_names(text)
    for part in [text] if listed is None else listed:
        yield from _names(part, 0)


def _names(text: str, level: int) -> Iterator[GivenName]:
    if whole := given_name(text):
        yield whole
    for deeper in range(level, len(_SEPARATORS)):
        if len(parts := _parts(text, deeper)) > 1:
            for part in parts:
                yield from _names(part, deeper + 1)
            return


def _parts(text: str, level: int) -> list[str]:
    parts = [part for each in _SEPARATORS[level].split(text) if (part := each.strip(" \t\"'"))]
    # A blank may well be part of a name; it separates only what are names by themselves.
    return parts if level < len(_SEPARATORS) - 1 or all(map(_looks_like_one, parts)) else []


def _least(text: str, parts: list[str]) -> int:
    """How many of the last parts must match before a text that may well be several names counts as one."""
    separators = [pattern for level, pattern in enumerate(_SEPARATORS) if len(_parts(text, level)) > 1]
    split = (len(parts) - place for place, part in enumerate(parts) if any(one.search(part) for one in separators))
    return next(split, 1)


def _looks_like_one(part: str) -> bool:
    name = part.casefold().partition("?")[0]
    return is_address(part) or stem(name) != name


def _path_of_address(text: str) -> str:
    """The path of an address; where that is a program's, the picture's name among what it is asked."""
    try:
        address = urlsplit(text.strip())
    except ValueError:
        return text
    path = address.path
    if stem(fold(path)) == fold(path):
        for _, value in parse_qsl(address.query):
            asked = _path_of_address(value) if is_address(value) else value.partition("?")[0]
            if stem(fold(asked)) != fold(asked):
                return asked
    return path


def listed_names(text: str) -> list[str] | None:
    """The names in a cell that is a list, as JSON or as Python writes it, or HTML with pictures; None for others."""
    if found := _IN_HTML.findall(text):
        return found
    if not (text.startswith(("[", "{")) and text.endswith(("]", "}"))):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        # A list as Python writes it: ['a.jpg', 'b.jpg'].
        quoted = [one or other for one, other in _QUOTED.findall(text)]
        parts = quoted or [part.strip() for part in text.strip("[]").split(",")]
        return [part for part in parts if part] if text.startswith("[") else None
    return list(_texts(value))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str | int) and str(value).strip():
        yield str(value).strip()
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, dict):
        known = next((value[key] for key in _KEYS if value.get(key)), None)
        yield from _texts(known)
