"""Text and picture: products whose content is alike, whoever liked them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.arms.base import FittedModels, KnownProducts, Reading, Sides
from engine.arms.geometry import ArmVectors, symmetric
from engine.core.vectors import unit_rows

__all__ = ["CONTENT"]


@dataclass(frozen=True)
class _Content:
    name: str = "content"
    title: str = "Text and picture"
    help: str = "Products with a similar text, picture and attributes. Behaviour plays no part."
    colour: str = "#7d858c"
    dark_colour: str = "#aab3b9"
    is_channel: bool = False

    def vectors(self, fitted: FittedModels, others: Mapping[str, ArmVectors]) -> ArmVectors:
        """Knows no behaviour."""
        return symmetric(fitted.content)

    def sides(
        self,
        reading: Reading,
        known: KnownProducts | None,
        facts: Mapping[str, float],
        others: Mapping[str, Sides],
    ) -> Sides:
        """The new content, on both sides."""
        units = unit_rows(reading.content)
        return Sides(units, units)


CONTENT = _Content()
