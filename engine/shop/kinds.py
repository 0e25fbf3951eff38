"""The kinds of attribute a product can have."""

from __future__ import annotations

from typing import Literal

__all__ = ["AttributeKind"]

AttributeKind = Literal["category", "number", "text", "multi"]
