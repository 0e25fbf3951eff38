"""The smoother's systems (`engine.models.smoother`) on a graphics card."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from engine.models.kernel import Kernel, Rows, UnitRows
from engine.models.on_card.similarity import CardKernel

__all__ = [
    "SIZE",
    "normal_equations_on_card",
    "posterior_on_card",
    "solved_on_card",
    "spread_among_all",
    "spread_among_landmarks",
]

SIZE = 8_192
"""Items whose similarities are worked out at once."""
SYSTEMS = 2_048
"""Small systems that are solved at once."""


def solved_on_card(
    kernel: Kernel, units: Mapping[str, Rows], values: np.ndarray, variances: np.ndarray, extra: float, card: str
) -> np.ndarray | None:
    """(n, rank) float32 coefficients of all n items; None where the system is not positive definite.

    Parameters
    ----------
    values : (n, rank) float32, observed with `variances` (n,) float32, to all of which `extra` is added.
    """
    gram = _among(CardKernel(kernel, units, card), units)
    gram.diagonal().add_(torch.from_numpy(variances).to(card) + extra)
    factor, failed = torch.linalg.cholesky_ex(gram)
    if int(failed):
        return None
    return np.asarray(torch.cholesky_solve(torch.from_numpy(values).to(card), factor).cpu().numpy())


def normal_equations_on_card(
    kernel: Kernel,
    units: Mapping[str, Rows | UnitRows],
    landmarks: Mapping[str, Rows],
    values: np.ndarray,
    variances: np.ndarray,
    card: str,
) -> tuple[np.ndarray, np.ndarray]:
    """(m, m) and (m, rank) float64: the sums over observed items that the landmarks' system consists of."""
    similar = CardKernel(kernel, landmarks, card)
    m = next(iter(landmarks.values())).shape[0]
    gram, right = (torch.zeros((m, width), dtype=torch.float64, device=card) for width in (m, values.shape[1]))
    for chunk, some in _chunks(units):
        cross = similar(some)
        weighted = cross / torch.from_numpy(variances[chunk]).to(card)[:, None]
        gram += cross.T @ weighted
        right += weighted.T @ torch.from_numpy(values[chunk]).to(card)
    return gram.cpu().numpy(), right.cpu().numpy()


def posterior_on_card(
    kernel: Kernel,
    units: Mapping[str, Rows | UnitRows],
    landmarks: Mapping[str, Rows],
    coefficients: np.ndarray,
    spread: Callable[[CardKernel], Callable[[Tensor, Tensor], Tensor]],
    card: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Posterior mean (n, rank) float32 of items, and posterior over prior variance (n,) float32, by `spread`.

    Parameters
    ----------
    spread : `spread_among_all` or `spread_among_landmarks`, but for its last argument.
    """
    similar, told_by = CardKernel(kernel, landmarks, card), torch.from_numpy(coefficients).to(card)
    unknown = spread(similar)
    means, variances = [np.zeros((0, coefficients.shape[1]), np.float32)], [np.zeros(0, np.float32)]
    for _, some in _chunks(units):
        cross = similar(some)
        prior = torch.from_numpy(kernel.prior(some)).to(card)
        means.append((cross @ told_by).cpu().numpy())
        share = torch.where(prior > 0, unknown(cross, prior) / prior, 1.0)
        variances.append(share.clamp(0.0, 1.0).cpu().numpy())
    return np.vstack(means), np.concatenate(variances)


def spread_among_all(
    landmarks: Mapping[str, Rows], noise: np.ndarray, telling: int, similar: CardKernel
) -> Callable[[Tensor, Tensor], Tensor]:
    """Posterior variances as `engine.models.uncertainty.among_all` has them, from (n, m) similarities and (n,) prior ones."""
    own, noises = _among(similar, landmarks), torch.from_numpy(noise).to(similar.card)
    kept = min(telling, len(noises))

    def unknown(cross: Tensor, prior: Tensor) -> Tensor:
        near = (cross.square() / (1.0 + noises)).topk(kept, dim=1).indices.sort(dim=1).values
        told = []
        for rows, some in zip(near.split(SYSTEMS), cross.split(SYSTEMS), strict=True):
            like = some.gather(1, rows)
            system = own[rows[:, :, None], rows[:, None, :]]
            system.diagonal(dim1=1, dim2=2).add_(noises[rows])
            told.append((like * torch.linalg.solve(system, like)).sum(dim=1))
        found: Tensor = prior - torch.cat(told)
        return found

    return unknown


def spread_among_landmarks(
    before: np.ndarray, after: np.ndarray, similar: CardKernel
) -> Callable[[Tensor, Tensor], Tensor]:
    """The same as `engine.models.uncertainty.among_landmarks` has them, by both Cholesky factors (m, m) float32."""
    represented, left = (torch.from_numpy(np.ascontiguousarray(one)).to(similar.card) for one in (before, after))

    def unknown(cross: Tensor, prior: Tensor) -> Tensor:
        known, rest = (
            torch.linalg.solve_triangular(one, cross.T, upper=False).square().sum(dim=0) for one in (represented, left)
        )
        found: Tensor = prior - known + rest
        return found

    return unknown


def _among(similar: CardKernel, units: Mapping[str, Rows | UnitRows]) -> Tensor:
    """(m, m) float32, similarities of the held items among themselves."""
    parts = [similar(some) for _, some in _chunks(units)]
    return torch.cat(parts)


def _chunks(units: Mapping[str, Rows | UnitRows]) -> Iterator[tuple[slice, dict[str, Rows]]]:
    for start in range(0, next(iter(units.values())).shape[0], SIZE):
        chunk = slice(start, start + SIZE)
        yield chunk, {view: rows[chunk] for view, rows in units.items()}
