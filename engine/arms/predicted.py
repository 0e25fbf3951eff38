"""Predicted: where behaviour would put a product, predicted from its content by the network.

The prediction asks among mixtures of real and predicted factors: the fewer interactions a candidate has, the more its prediction
counts. Even a well-known product keeps a part of its prediction, which tells what chance has added to its behaviour. Predictions
are more alike than behaviour is: at full length those of rare items crowd out every well-known one, so they count for as much as
predictions agree with behaviour, times a factor that is chosen for each catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.arms.base import FittedModels, KnownProducts, Reading, Sides
from engine.arms.candidate_mix import CandidateMix
from engine.arms.geometry import ArmVectors, completed, has_direction
from engine.core.vectors import unit_rows

__all__ = ["PREDICTED"]

LEAST_WORTH = 0.05
WELL_KNOWN = 10
"""Behaviour of products with so many interactions says how well predictions agree with it."""


@dataclass(frozen=True)
class _Predicted:
    name: str = "predicted"
    title: str = "Predicted"
    help: str = "Neighbours by the behaviour that the product's text, picture and attributes predict."
    colour: str = "#7b6fc4"
    dark_colour: str = "#a99ff0"
    is_channel: bool = True

    def vectors(self, fitted: FittedModels, others: Mapping[str, ArmVectors]) -> ArmVectors:
        """Predictions ask; what they are worth is how well they agree with the behaviour of well-known items."""
        behaviour, predicted = unit_rows(fitted.learned_from), unit_rows(fitted.predicted)
        touched = has_direction(behaviour)
        known = (fitted.counts >= WELL_KNOWN) & touched
        worth = fitted.mix.prediction_worth * _agreement(behaviour[known], predicted[known])
        trust = (fitted.mix.trust(fitted.counts) * touched)[:, None]
        mixed = trust * behaviour + (1.0 - trust) * np.float32(worth) * predicted
        return ArmVectors(
            _queries(predicted), _candidates(mixed), {"half_known": fitted.mix.half_known, "worth": worth}
        )

    def sides(
        self,
        reading: Reading,
        known: KnownProducts | None,
        facts: Mapping[str, float],
        others: Mapping[str, Sides],
    ) -> Sides:
        """The new prediction asks; in what the product is found by, it takes the place of the old one."""
        units, worth = unit_rows(reading.predicted), np.float32(facts["worth"])
        if known is None:
            return Sides(_queries(units), _candidates(worth * units))
        stored = known.stored[self.name].candidates[:, :-1]
        share = 1.0 - CandidateMix(facts["half_known"]).trust(known.counts)[:, None]
        change = share * worth * (units - unit_rows(known.before.predicted))
        return Sides(_queries(units), _candidates(stored + change))


PREDICTED = _Predicted()


def _queries(units: np.ndarray) -> np.ndarray:
    return np.hstack([units, np.zeros((len(units), 1), dtype=np.float32)])


def _candidates(vectors: np.ndarray) -> np.ndarray:
    """Unit rows whose cosines with `_queries` are inner products with `vectors`, at most of length 1; zero rows stay zero."""
    short = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1.0)
    return np.asarray(completed(short) * has_direction(vectors)[:, None], dtype=np.float32)


def _agreement(behaviour: np.ndarray, predicted: np.ndarray) -> float:
    """Mean cosine of well-known items' behaviour and prediction; 1 where nothing is well known."""
    return float(np.clip((behaviour * predicted).sum(axis=1).mean(), LEAST_WORTH, 1.0)) if len(behaviour) else 1.0
