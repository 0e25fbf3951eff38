"""Column mappings for common data sets: one small TOML file each, read into a validated `Preset`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.catalogue.attribute_kinds import AttributeKind
from engine.core.errors import InputError
from engine.ingest.columns import suggest

__all__ = [
    "NO_PRESET",
    "Derived",
    "EventRules",
    "FileNames",
    "ItemRules",
    "Preset",
    "available_presets",
    "find_files",
    "load_preset",
]

_FOLDER = Path(__file__).parent


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileNames(_Group):
    """Names of the data set's files: glob patterns, of which the first match counts."""

    items: tuple[str, ...] = ()
    interactions: tuple[str, ...] = ()
    images: tuple[str, ...] = ()


class Derived(_Group):
    """A column made from another: the first group of a pattern, or the last of several values."""

    source: str
    pattern: str | None = None
    take: Literal["match", "last"] = "match"


class ItemRules(_Group):
    """How to read the products."""

    columns: dict[str, str] = {}
    kinds: dict[str, AttributeKind] = {}
    leave_out: tuple[str, ...] = Field(
        default=(), description="columns that are not content: codes that repeat a name, addresses"
    )
    missing: tuple[str, ...] = Field(default=(), description="texts that mean no value")
    derived: dict[str, Derived] = {}
    flatten: tuple[str, ...] = Field(default=(), description="nested objects whose frequent keys become attributes")
    encoding: str | None = None


class EventRules(_Group):
    """How to read the events."""

    columns: dict[str, str] = {}
    event: str | None = Field(default=None, description="what every event is, if no column says so")
    min_rating: float | None = None
    no_user: tuple[str, ...] = Field(default=(), description="shopper ids that stand for nobody")
    item_pattern: str | None = Field(default=None, description="ids that do not match are not products; RE2 syntax")
    price_above_zero: bool = False
    encoding: str | None = None


class Preset(_Group):
    """How to read a common data set; `title` and `description` are for people."""

    name: str
    title: str
    description: str
    shop_name: str
    interaction_word: str = "clicks"
    currency: str | None = None
    upper_ids: bool = Field(default=False, description="item ids that differ only in case are one product")
    id_width: int | None = Field(default=None, description="item ids are numbers padded with zeros to this width")
    price_from_events: bool = Field(default=False, description="a product's price is the median of what was paid")
    files: FileNames
    items: ItemRules = ItemRules()
    interactions: EventRules = EventRules()


# Any other shop: columns are recognised by their names.
NO_PRESET = Preset(
    name="",
    title="this folder",
    description="Files named like items.csv and interactions.csv.",
    shop_name="Shop",
    files=FileNames(
        items=("items.*", "products.*", "catalogue.*", "catalog.*"),
        interactions=("interactions.*", "events.*", "orders.*", "transactions.*", "ratings.*", "clicks.*"),
        images=("images", "pictures", "images.zip", "pictures.zip"),
    ),
)


def available_presets() -> list[Preset]:
    """All presets, sorted by title."""
    return sorted((load_preset(path.stem) for path in _FOLDER.glob("*.toml")), key=lambda preset: preset.title)


@cache
def load_preset(name: str) -> Preset:
    """The preset of this name. Raises `InputError` listing the names if it does not exist."""
    names = sorted(path.stem for path in _FOLDER.glob("*.toml"))
    if name not in names:
        raise InputError(f"there is no preset {name!r}. {suggest(name, names).replace('columns', 'presets')}")
    text = (_FOLDER / f"{name}.toml").read_text("utf-8")
    try:
        return Preset.model_validate({"name": name, **tomllib.loads(text)})
    except (tomllib.TOMLDecodeError, ValidationError) as exc:
        raise InputError(f"the preset is not valid: {exc}", file=f"{name}.toml") from exc


def find_files(folder: Path, names: FileNames, title: str) -> dict[str, Path]:
    """The data set's files in `folder` and below: role ("items", "interactions", "images") -> path.

    Raises `InputError` if the events are missing, or a role has several candidates.
    """
    if not folder.is_dir():
        raise InputError("there is no such folder. Check the path.", file=str(folder))
    found: dict[str, Path] = {}
    for role, patterns in (("items", names.items), ("interactions", names.interactions), ("images", names.images)):
        candidates = (_matches(folder, pattern, role, names, found) for pattern in patterns)
        if matches := next((matches for matches in candidates if matches), None):
            found[role] = matches[0]
    if "interactions" not in found:
        expected = " or ".join(names.interactions)
        raise InputError(f"the folder contains no {expected}, which {title} needs. Check the folder.", file=str(folder))
    return found


def _matches(folder: Path, pattern: str, role: str, names: FileNames, found: Mapping[str, Path]) -> list[Path]:
    """The outermost files (or, for pictures, folders and zips) that match and have no other role."""
    matches = [path for path in sorted(folder.rglob(pattern)) if path not in found.values()]
    if role != "images":
        matches = [path for path in matches if path.is_file() and not _claimed(path, role, names)]
    # The folder may also contain a workspace or an unpacked copy; their files lie deeper.
    depth = min((len(path.parts) for path in matches), default=0)
    matches = [path for path in matches if len(path.parts) == depth]
    if len(matches) > 1 and role != "images":
        listed = ", ".join(str(path.relative_to(folder)) for path in matches[:5])
        raise InputError(
            f"several files could be the {role} ({listed}). Leave one, or name it with --{role}.", file=str(folder)
        )
    return matches


def _claimed(path: Path, role: str, names: FileNames) -> bool:
    """Whether a file's name marks it as products, so that a loose pattern for events must not match it."""
    return role == "interactions" and any(path.match(pattern) for pattern in names.items)
