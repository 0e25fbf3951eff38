"""The best candidates of many queries (`engine.release.all_lists`) and the nearest of many points (`engine.models.near_points`) on a graphics card: all compared with all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["CardCandidates", "nearest_points_on_card"]

NUMBERS = 1 << 29
"""Scores held at once."""
NOT_COMPARED = -2.0


@dataclass(frozen=True)
class CardCandidates:
    """Candidates that are held on the card.

    Attributes
    ----------
    vectors : (n, d) float32. inverse_lengths : (n,) float32. others : (m,) int64, rows that are no candidates.
    """

    vectors: Tensor
    inverse_lengths: Tensor
    others: Tensor

    @classmethod
    def of(
        cls,
        candidates: NDArray[np.float32],
        inverse_lengths: NDArray[np.float32],
        others: NDArray[np.int64],
        card: str,
    ) -> CardCandidates:
        """Sent there."""
        vectors, lengths = (torch.tensor(one, device=card) for one in (candidates, inverse_lengths))
        return cls(vectors, lengths, torch.from_numpy(others).to(card))

    def best(
        self, units: NDArray[np.float32], retrieved: int, wanted: int, margin: float
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Places of queries (b,), and rows (b, m) of their best candidates, ascending; of equals that would not all fit, all.

        Parameters
        ----------
        units : (q, d) float32 unit rows.
        retrieved : rows of each list, at least `wanted`; scores within `margin` of the `wanted`-th best are equals.
        """
        at_once = max(1, NUMBERS // len(self.vectors))
        asked = torch.tensor(units, device=self.vectors.device)
        for start in range(0, len(asked), at_once):
            cosines = asked[start : start + at_once] @ self.vectors.T
            cosines *= self.inverse_lengths
            cosines[:, self.others] = NOT_COMPARED
            found = cosines.topk(retrieved, dim=1)
            least = found.values[:, wanted - 1] - margin
            crowded = (found.values[:, -1] >= least) & (retrieved < len(self.vectors) - len(self.others))
            places = start + torch.arange(len(cosines), device=cosines.device)
            clear = ~crowded
            yield _numbers(places[clear]), _numbers(found.indices[clear].sort(dim=1).values)
            for one in torch.nonzero(crowded)[:, 0].tolist():
                yield _numbers(places[one : one + 1]), _numbers(torch.nonzero(cosines[one] >= least[one])[:, 0][None])

    def cosines(self, units: NDArray[np.float32], found: NDArray[np.int64]) -> NDArray[np.float64]:
        """(b, m) float64 cosines of queries (b, d) with some candidates (b, m) each, in double precision."""
        chosen = self.vectors[torch.from_numpy(found).to(self.vectors.device)].double()
        asked = torch.tensor(units, device=self.vectors.device).double()
        scores = torch.matmul(chosen, asked[:, :, None])[:, :, 0]
        scores /= torch.linalg.vector_norm(chosen, dim=2).clamp_min(torch.finfo(torch.float64).tiny)
        return np.asarray(scores.cpu().numpy())


def nearest_points_on_card(
    asking: NDArray[np.float32], among: NDArray[np.float32], k: int, card: str
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """As `engine.models.near_points.nearest_points`."""
    there, asked = (torch.tensor(one, dtype=torch.float32, device=card) for one in (among, asking))
    lengths = there.square().sum(dim=1)
    rows, distances = [], []
    for some in asked.split(max(1, NUMBERS // len(there))):
        squares = torch.addmm(lengths, some, there.T, alpha=-2.0)
        found = squares.topk(k, dim=1, largest=False)
        rows.append(_numbers(found.indices))
        apart = (found.values + some.square().sum(dim=1, keepdim=True)).clamp_min(0.0).sqrt()
        distances.append(apart.double().cpu().numpy())
    return np.concatenate(rows), np.concatenate(distances)


def _numbers(tensor: Tensor) -> NDArray[np.int64]:
    return np.asarray(tensor.cpu().numpy())
