"""What a candidate of the Predicted arm is found by: part its real factors, part what the network predicts of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["CandidateMix"]


@dataclass(frozen=True)
class CandidateMix:
    """How real and predicted factors are mixed.

    Attributes
    ----------
    half_known : with this many interactions both count alike; with more, behaviour counts more.
    prediction_worth : how much a whole prediction counts beside behaviour, as a share of how well the two agree.
    """

    half_known: float = 16.0
    prediction_worth: float = 0.7

    def trust(self, counts: np.ndarray) -> np.ndarray:
        """(n,) float32, the share of behaviour for items with `counts` interactions; 0 without any."""
        touched = counts > 0
        share = np.divide(counts, counts + self.half_known, out=np.zeros(len(counts), np.float32), where=touched)
        return np.asarray(share)
