"""Which shop system or data set a file comes from, by its columns; a file without a header by its name and width."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatch

from engine.ingest.columns import same_name
from engine.ingest.presets import NO_PRESET, available_presets, load_preset
from engine.ingest.presets.rules import EventRules, ItemRules, Preset
from engine.ingest.sources import Source

__all__ = ["compose", "named_columns", "recognise"]


def recognise(role: str, source: Source) -> Preset | None:
    """The preset that a file of a role ("items" or "interactions") is from; None for any other file.

    The set of columns decides that names the most of the file's own; case and blanks do not matter.
    """
    best, most = None, 0
    for preset in available_presets():
        rules = _rules(preset, role)
        if source.headerless:
            if _of_width(rules, source) and any(fnmatch(source.name, name) for name in getattr(preset.files, role)):
                return preset
            continue
        for columns in rules.recognised_by:
            has_all = all(any(same_name(column, own) for own in source.columns if own) for column in columns)
            if has_all and len(columns) > most:
                best, most = preset, len(columns)
    return best


def compose(chosen: str | None, sources: Mapping[str, Source]) -> tuple[Preset, dict[str, str]]:
    """The preset by which the files of a shop are read, and role -> what was recognised, in words.

    Parameters
    ----------
    chosen : a preset's name, "none", or None for what the files themselves look like; products and events may come from
        different systems.
    """
    if chosen is not None:
        return load_preset(chosen), {}
    found = {role: preset for role, source in sources.items() if (preset := recognise(role, source))}
    names = [found[role].name if role in found else NO_PRESET.name for role in ("items", "interactions")]
    if "items" not in sources:
        names[0] = names[1]
    words = {
        role: f"recognised as {preset.title}; --preset none reads it by the names of its columns instead"
        for role, preset in found.items()
    }
    return load_preset(names[0] if names[0] == names[1] else "+".join(names)), words


def named_columns(role: str, source: Source, preset: Preset) -> Source:
    """The file with the names that the preset gives the columns of a file without a header; otherwise as it is."""
    header = _of_width(_rules(preset, role), source)
    return replace(source, columns=header, headerless=False) if source.headerless and header else source


def _of_width(rules: ItemRules | EventRules, source: Source) -> tuple[str, ...] | None:
    return next((header for header in rules.headers if len(header) == len(source.columns)), None)


def _rules(preset: Preset, role: str) -> ItemRules | EventRules:
    return preset.items if role == "items" else preset.interactions
