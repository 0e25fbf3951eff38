"""What a shop was loaded with, as its snapshot keeps it: by the same rules what is appended later is read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from engine.ingest.mapping import Corrections
from engine.ingest.tables import Tables

__all__ = ["LoadedWith"]


@dataclass(frozen=True)
class LoadedWith:
    """In shop.json as `loaded_with`.

    Attributes
    ----------
    preset : as it was chosen; None for what the files look like.
    derived : whether the products were made from the events.
    fields : role -> field -> the column that it was read from, or "" where a person said that there is none.
    kinds, formats, encodings : as in `Corrections`.
    """

    preset: str | None = None
    derived: bool = False
    fields: dict[str, dict[str, str]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    formats: dict[str, str] = field(default_factory=dict)
    encodings: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, preset: str | None, corrections: Corrections, tables: Tables, formats: dict[str, str]) -> LoadedWith:
        """What these tables were read with; `formats` are those that were found out."""
        planned = {"items": tables.item_columns, "interactions": tables.event_columns}
        fields = {
            role: {**corrections.fields.get("", {}), **corrections.fields.get(role, {}), **columns}
            for role, columns in planned.items()
        }
        return cls(
            preset,
            tables.items is None,
            fields,
            dict(corrections.kinds),
            {**formats, **corrections.formats},
            dict(corrections.encodings),
        )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> LoadedWith:
        """Reads `to_dict`; of an empty one, such as the demo shop's, the defaults."""
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts and texts, fit for JSON."""
        return asdict(self)

    def corrected(self, given: Corrections) -> Corrections:
        """These rules where `given` says nothing else; a file may lack columns that only these name."""
        fields = {role: dict(columns) for role, columns in self.fields.items()}
        for role, columns in given.fields.items():
            for name, column in columns.items():
                for known in [role] if role else list(fields):
                    fields.setdefault(known, {}).pop(name, None)
                fields.setdefault(role, {})[name] = column
        asked = {column for columns in given.fields.values() for column in columns.values()}
        known_columns = {column for columns in self.fields.values() for column in columns.values()}
        return Corrections(
            fields,
            {**self.encodings, **given.encodings},
            {**self.kinds, **given.kinds},
            {name: said for name, said in self.formats.items() if name.split(".")[0] not in given.formats}
            | given.formats,
            frozenset(known_columns - asked),
        )
