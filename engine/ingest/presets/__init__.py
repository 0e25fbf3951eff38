"""Shop systems and published data sets that Longtail knows: one small TOML file each, read into a validated `Preset`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from engine.core.errors import InputError
from engine.ingest.columns import suggest
from engine.ingest.presets.rules import (
    Derived,
    EventRules,
    FileNames,
    Fold,
    ItemRules,
    Pairs,
    Preset,
    Properties,
)

__all__ = [
    "NO_PRESET",
    "Derived",
    "EventRules",
    "FileNames",
    "Fold",
    "ItemRules",
    "Pairs",
    "Preset",
    "Properties",
    "available_presets",
    "find_files",
    "load_preset",
]

_FOLDER = Path(__file__).parent

# Any other shop: columns are recognised by their names and values.
NO_PRESET = Preset(
    name="none",
    title="this folder",
    description="Files named like items.csv and interactions.csv.",
    shop_name="Shop",
    files=FileNames(
        items=("items.*", "products.*", "catalogue.*", "catalog.*"),
        interactions=("interactions.*", "events.*", "orders.*", "transactions.*", "ratings.*", "clicks.*"),
        images=("images", "pictures", "images.zip", "pictures.zip"),
    ),
)


@cache
def available_presets() -> tuple[Preset, ...]:
    """All presets, sorted by title."""
    return tuple(sorted((load_preset(path.stem) for path in _FOLDER.glob("*.toml")), key=lambda preset: preset.title))


@cache
def load_preset(name: str) -> Preset:
    """The preset of this name; "none" is `NO_PRESET`, and "shopify+ga4" has the products of one and the events of another.

    Raises `InputError` listing the names if there is none of this name.
    """
    if name == NO_PRESET.name:
        return NO_PRESET
    if "+" in name:
        items, _, events = name.partition("+")
        return _joined(load_preset(items), load_preset(events))
    names = sorted(path.stem for path in _FOLDER.glob("*.toml"))
    if name not in names:
        raise InputError(f"there is no preset {name!r}. {suggest(name, names).replace('columns', 'presets')}")
    text = (_FOLDER / f"{name}.toml").read_text("utf-8")
    try:
        return Preset.model_validate({"name": name, **tomllib.loads(text)})
    except (tomllib.TOMLDecodeError, ValidationError) as exc:
        raise InputError(f"the preset is not valid: {exc}", file=f"{name}.toml") from exc


def _joined(products: Preset, events: Preset) -> Preset:
    """One preset for a shop whose products and events come from different systems."""
    named = products if products is not NO_PRESET else events
    return events.model_copy(
        update={
            "name": f"{products.name}+{events.name}",
            "title": f"{products.title} and {events.title}",
            "shop_name": named.shop_name,
            "currency": products.currency or events.currency,
            "upper_ids": products.upper_ids or events.upper_ids,
            "id_width": products.id_width or events.id_width,
            "items": products.items,
        }
    )


def find_files(folder: Path, names: FileNames, title: str) -> dict[str, tuple[Path, ...]]:
    """The data set's files in `folder` and below: role ("items", "interactions", "images") -> paths.

    Raises `InputError` if the events are missing, or a role has several candidates.
    """
    if not folder.is_dir():
        raise InputError("there is no such folder. Check the path.", file=str(folder))
    found: dict[str, tuple[Path, ...]] = {}
    roles = {"items": names.items, "orders": names.orders, "interactions": names.interactions, "images": names.images}
    for role, patterns in roles.items():
        candidates = (_matches(folder, pattern, role, names, found) for pattern in patterns)
        if matches := next((matches for matches in candidates if matches), None):
            found[role] = tuple(matches)
    if "interactions" not in found:
        expected = " or ".join(names.interactions)
        raise InputError(f"the folder contains no {expected}, which {title} needs. Check the folder.", file=str(folder))
    found["interactions"] += found.pop("orders", ())
    return found


def _matches(
    folder: Path, pattern: str, role: str, names: FileNames, found: Mapping[str, tuple[Path, ...]]
) -> list[Path]:
    """The outermost files (or, for pictures, folders and zips) that match and have no other role.

    Several match where they are parts of one table: the pattern says so with `part`, a year or a month.
    """
    taken = {path for paths in found.values() for path in paths}
    matches = [path for path in sorted(folder.rglob(pattern)) if path not in taken]
    if role != "images":
        matches = [path for path in matches if path.is_file() and not _claimed(path, role, names)]
    # The folder may also contain a workspace or an unpacked copy; their files lie deeper.
    depth = min((len(path.parts) for path in matches), default=0)
    matches = [path for path in matches if len(path.parts) == depth]
    if role == "images":
        return matches[:1]
    if len(matches) > 1 and not _is_of_parts(pattern):
        listed = ", ".join(str(path.relative_to(folder)) for path in matches[:5])
        raise InputError(
            f"several files could be the {role} ({listed}). Leave one, or name it with --{role}.", file=str(folder)
        )
    return matches


def _is_of_parts(pattern: str) -> bool:
    return "part" in pattern or "[0-9]" in pattern


def _claimed(path: Path, role: str, names: FileNames) -> bool:
    """Whether a file's name marks it as products, so that a loose pattern for events must not match it."""
    return role == "interactions" and any(path.match(pattern) for pattern in names.items)
