"""Behaviour: products that the same shoppers liked, by implicit ALS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from engine.arms.base import FittedModels, KnownProducts, Reading, Sides
from engine.arms.geometry import ArmVectors, symmetric

__all__ = ["ALS"]


@dataclass(frozen=True)
class _Als:
    name: str = "als"
    title: str = "Behaviour"
    help: str = "Products that the same shoppers went for. Good for popular products, close to random for the rest."
    colour: str = "#c8743a"
    dark_colour: str = "#eb9a63"
    is_channel: bool = True

    def vectors(self, fitted: FittedModels, others: Mapping[str, ArmVectors]) -> ArmVectors:
        """Needs interactions on both sides."""
        arm = symmetric(fitted.behaviour)
        return replace(arm, facts={"factors": arm.query.shape[1]})

    def sides(
        self,
        reading: Reading,
        known: KnownProducts | None,
        facts: Mapping[str, float],
        others: Mapping[str, Sides],
    ) -> Sides:
        """Behaviour stays what it was, whatever a product is described as; without any there is none."""
        if known is not None:
            return known.stored[self.name]
        nothing = np.zeros((len(reading.present), int(facts["factors"])), dtype=np.float32)
        return Sides(nothing, nothing)


ALS = _Als()
