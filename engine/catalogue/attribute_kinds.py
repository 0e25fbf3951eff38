"""The kinds of attributes that a catalogue holds; `engine.ingest.reading.kinds` tells them from a column's values."""

from __future__ import annotations

from typing import Literal

__all__ = ["AttributeKind"]

AttributeKind = Literal["category", "number", "text", "multi"]
