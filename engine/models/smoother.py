"""Propagation: the behaviour of look-alikes' shoppers, carried over to an item the more, the less is known of it.

This is a Gaussian-process smoother of item vectors over content. Vector i is observed with noise `noise / n_i`, where n_i
counts its interactions; two items' true vectors agree as far as their content does (the kernel). The posterior mean of an
item without interactions follows its look-alikes, that of a bestseller its own shoppers, and in between both, without a
threshold. The posterior variance says how much of that is guesswork.

Up to `Capacity.exact` observed items the system is solved as it is. Above, some items stand for all as landmarks
(Nystroem; Williams and Seeger 2001).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import scipy

from engine.core.errors import TrainingError
from engine.core.graphics_card import graphics_card
from engine.core.side_by_side import do_side_by_side, side_by_side
from engine.core.workers import workers
from engine.models.kernel import Kernel, KernelTo, Rows, UnitRows, unit
from engine.models.landmarks import choose_landmarks
from engine.models.uncertainty import TELLING, among_all, among_landmarks, both_factors, by_explained, explained_factor

__all__ = ["Capacity", "Smoother", "fit_smoother", "observed_variances"]

CHUNK = 2048
MOST_PARTS = 64
ROWS_A_LANDMARK = 2
"""For workers elsewhere: each part's sums are as large as the landmarks' system, so it has so many items or more that they take longer than sending them."""
_VALUES, _VARIANCES = "observed values", "observed variances"
_Columns = Mapping[str, Rows | UnitRows]
Result = TypeVar("Result")
MANY_TO_ONE = 8
"""Items for each landmark from which on `explained_factor` is found: that pays for itself."""
LEAST_NOISE = 1e-3
"""No vector is observed more exactly than this, or single precision could not solve the system."""
JITTERS = (1e-3, 1e-2, 1e-1)
"""Added to the landmarks' variances, relative to their mean; the next one where the system is not positive definite."""


@dataclass(frozen=True)
class Capacity:
    """How large a system may be solved: up to `exact` observed items all count, above as many `landmarks` stand for them."""

    exact: int = 20_000
    landmarks: int = 5_000


@dataclass(frozen=True)
class Smoother:
    """A fitted smoother; it needs only the landmarks' views, so it works for a product uploaded a second ago.

    Attributes
    ----------
    landmarks : per view (n_landmarks, d) float32, unit rows; sparse where the view is.
    coefficients : (n_landmarks, rank) float32.
    noise : (n_landmarks,) float32, of each landmark's observed vector, where all observed items are landmarks; else None.
    factor : (n_landmarks, n_landmarks) float32, the lower Cholesky factor of the system, where a part stands for all; else None.
    explains : (n_landmarks, n_landmarks) float32, `engine.models.uncertainty.explained_factor`, where they stand for very many; else None.
    """

    kernel: Kernel
    landmarks: dict[str, Rows]
    coefficients: np.ndarray
    noise: np.ndarray | None = None
    factor: np.ndarray | None = None
    explains: np.ndarray | None = None

    def __call__(self, views: Mapping[str, Rows]) -> np.ndarray:
        """Posterior mean of items by their content, (n, rank) float32; views as in `fit_smoother`."""
        parts = list(self._of_each(self._units(views), lambda _, cross: cross @ self.coefficients))
        return np.vstack(parts) if parts else np.zeros((0, self.coefficients.shape[1]), dtype=np.float32)

    def posterior(self, views: Mapping[str, Rows]) -> tuple[np.ndarray, np.ndarray]:
        """Posterior mean (n, rank) float32, and posterior over prior variance (n,) float32: 1 where nothing is known.

        Where all observed items are landmarks, the variance is that given the most telling of them alone.
        """
        units, some = self._units(views), workers()
        if some is None:
            return _posterior(units, self)
        found = list(some.hold(_parts(units)).each(_posterior, self))
        return np.vstack([means for means, _ in found]), np.concatenate([variances for _, variances in found])

    def parts(self, views: Mapping[str, Rows]) -> dict[str, np.ndarray]:
        """Each view's share of the posterior mean, (n, rank) float32 each; they add up to `self(views)`."""
        return {
            view: self.kernel.part(view, unit(views[view]), self.landmarks[view]) @ self.coefficients
            for view in self.kernel.weights
        }

    def _units(self, views: Mapping[str, Rows]) -> dict[str, UnitRows]:
        return {view: UnitRows(views[view], np.arange(views[view].shape[0])) for view in self.kernel.weights}

    def _of_each(
        self, units: Mapping[str, Rows | UnitRows], work: Callable[[dict[str, Rows], np.ndarray], Result]
    ) -> Iterator[Result]:
        """Chunk by chunk: `work` of unit rows of the items, and their similarity (n, n_landmarks) to the landmarks."""
        n = next(iter(units.values())).shape[0]
        similar = KernelTo(self.kernel, self.landmarks) if n > CHUNK else partial(self.kernel, right=self.landmarks)

        def of_chunk(start: int) -> Result:
            some = {view: rows[start : start + CHUNK] for view, rows in units.items()}
            return work(some, similar(some))

        return side_by_side(of_chunk, range(0, n, CHUNK))


def fit_smoother(
    vectors: np.ndarray,
    counts: np.ndarray,
    views: Mapping[str, Rows],
    kernel: Kernel,
    *,
    noise: float = 30.0,
    seed: int = 0,
    capacity: Capacity = Capacity(),
    names: np.ndarray | None = None,
) -> Smoother:
    """Fit on every item that has interactions.

    Parameters
    ----------
    vectors : (n_items, rank) float32, as `residual_factors` returns them: their length grows with the root of the count,
        so they are divided by it before items are compared.
    counts : (n_items,) int.
    views : per view (n_items, d) float32, dense or sparse, content or predictions; scaled to unit rows here.
    noise : interactions at which an item's own shoppers weigh as much as the kernel's prior.
    names : (n_items,) uint64, as for `engine.models.landmarks.choose_landmarks`.

    Raises `TrainingError` if no item has interactions, a view is missing, or the system does not fit into the memory.
    """
    missing = set(kernel.weights) - set(views)
    if missing:
        raise TrainingError(f"Propagation compares by {', '.join(sorted(missing))}, which these products lack.")
    observed = np.flatnonzero(counts > 0)
    if not len(observed):
        raise TrainingError("No product has interactions, so there is nothing to carry over to others.")
    chosen = {view: UnitRows(views[view], observed) for view in kernel.weights}
    n = counts[observed].astype(np.float32)
    values = (vectors[observed] / np.sqrt(n)[:, None]).astype(np.float32)
    variances = observed_variances(n, noise)
    try:
        if len(observed) <= capacity.exact:
            units = {view: rows[:] for view, rows in chosen.items()}
            return Smoother(kernel, units, _solved_exactly(kernel, units, values, variances), noise=variances)
        told = n / (n + np.float32(noise))
        named = observed.astype(np.uint64) if names is None else names[observed]
        drawn = choose_landmarks(kernel, chosen, told, capacity.landmarks, seed, named)
        landmarks = {view: rows[drawn] for view, rows in chosen.items()}
        coefficients, factor = _solved_by_landmarks(kernel, chosen, landmarks, values, variances)
    except MemoryError as exc:
        raise TrainingError(
            f"{len(observed):,} products do not fit into the memory at once. Lower smoother.exact in settings.toml."
        ) from exc
    many = len(counts) > MANY_TO_ONE * len(coefficients)
    explains = explained_factor(kernel, landmarks, factor) if many else None
    return Smoother(kernel, landmarks, coefficients, factor=factor, explains=explains)


def observed_variances(counts: np.ndarray, noise: float) -> np.ndarray:
    """(n,) float32, how inexactly vectors of products with so many interactions are observed."""
    return np.asarray(np.maximum(np.float32(noise) / counts.astype(np.float32), np.float32(LEAST_NOISE)))


def _solved_exactly(kernel: Kernel, units: Mapping[str, Rows], values: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """(n, rank) float32, coefficients of all n items; one matrix n x n float32 is held, its upper half unused."""
    if (card := graphics_card()) is not None:
        return _solved_exactly_on_card(kernel, units, values, variances, card)
    n = len(values)
    gram = np.empty((n, n), dtype=np.float32, order="F")

    def fill(start: int) -> None:
        below, some = (
            {view: rows[part] for view, rows in units.items()}
            for part in (slice(start, n), slice(start, start + CHUNK))
        )
        gram[start:, start : start + CHUNK] = kernel(below, some)

    for extra in (0.0, *JITTERS):
        do_side_by_side(fill, range(0, n, CHUNK))
        gram[np.diag_indices(n)] += variances + np.float32(extra)
        factor, failed = scipy.linalg.lapack.spotrf(gram, lower=1, clean=0, overwrite_a=1)
        if not failed:
            return np.asarray(scipy.linalg.lapack.spotrs(factor, values, lower=1)[0], dtype=np.float32)
    raise _unsolvable()


def _solved_exactly_on_card(
    kernel: Kernel, units: Mapping[str, Rows], values: np.ndarray, variances: np.ndarray, card: str
) -> np.ndarray:
    from engine.models.on_card.smoothing import solved_on_card

    for extra in (0.0, *JITTERS):
        if (solved := solved_on_card(kernel, units, values, variances, extra, card)) is not None:
            return solved
    raise _unsolvable()


def _solved_by_landmarks(
    kernel: Kernel,
    units: Mapping[str, UnitRows],
    landmarks: Mapping[str, Rows],
    values: np.ndarray,
    variances: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """(m, rank) float32 coefficients, and the lower Cholesky factor (m, m) float32 of the landmarks' normal equations."""
    observed: _Columns = {**units, _VALUES: values, _VARIANCES: variances}
    some = workers()
    if some is None:
        gram, right = _normal_equations(observed, kernel, landmarks)
    else:
        parts = _parts(observed, least=ROWS_A_LANDMARK * next(iter(landmarks.values())).shape[0])
        right, *slabs = some.hold(parts).total(_half_normal_equations, kernel, dict(landmarks))
        gram = _mirrored(slabs)
    gram += kernel(landmarks, landmarks)
    gram = (gram + gram.T) / 2.0
    prior = float(kernel.prior(landmarks).mean())
    for jitter in JITTERS:
        system = np.asfortranarray(gram)
        system[np.diag_indices_from(system)] += jitter * prior
        factor, failed = scipy.linalg.lapack.dpotrf(system, lower=1, clean=1, overwrite_a=1)
        if not failed:
            solution = scipy.linalg.lapack.dpotrs(factor, right, lower=1)[0]
            return np.asarray(solution, dtype=np.float32), np.asarray(factor, dtype=np.float32)
    raise _unsolvable()


def _normal_equations(
    observed: _Columns, kernel: Kernel, landmarks: Mapping[str, Rows]
) -> tuple[np.ndarray, np.ndarray]:
    """(m, m) and (m, rank) float64: the sums over observed items that the landmarks' system consists of."""
    values, variances = np.asarray(observed[_VALUES]), np.asarray(observed[_VARIANCES])
    if (card := graphics_card()) is not None:
        from engine.models.on_card.smoothing import normal_equations_on_card

        units = {view: observed[view] for view in kernel.weights}
        return normal_equations_on_card(kernel, units, landmarks, values, variances, card)
    m, similar = next(iter(landmarks.values())).shape[0], KernelTo(kernel, landmarks)

    def of_chunk(start: int) -> tuple[np.ndarray, np.ndarray]:
        chunk = slice(start, start + CHUNK)
        cross = similar({view: observed[view][chunk] for view in kernel.weights})
        lengths = np.sqrt(variances[chunk])[:, None]
        cross /= lengths
        return cross.T @ cross, cross.T @ (values[chunk] / lengths)  # a matrix times itself costs half

    gram, right = np.zeros((m, m)), np.zeros((m, values.shape[1]))
    for some_gram, some_right in side_by_side(of_chunk, range(0, values.shape[0], CHUNK)):
        gram += some_gram
        right += some_right
    return gram, right


def _half_normal_equations(observed: _Columns, kernel: Kernel, landmarks: Mapping[str, Rows]) -> tuple[np.ndarray, ...]:
    """`_normal_equations` as they are sent: the right side, and `CHUNK` rows at a time of the symmetric one, each from its diagonal on."""
    gram, right = _normal_equations(observed, kernel, landmarks)
    return right, *(gram[start : start + CHUNK, start:] for start in range(0, len(gram), CHUNK))


def _mirrored(slabs: Sequence[np.ndarray]) -> np.ndarray:
    """(m, m) of the slabs of a symmetric matrix."""
    gram = np.empty((slabs[0].shape[1], slabs[0].shape[1]))
    for start, slab in zip(range(0, len(gram), CHUNK), slabs, strict=True):
        gram[start:, start : start + CHUNK] = slab.T
        gram[start : start + CHUNK, start:] = slab
    return gram


def _posterior(units: Mapping[str, Rows | UnitRows], smoother: Smoother) -> tuple[np.ndarray, np.ndarray]:
    """`Smoother.posterior` of unit rows."""
    if (card := graphics_card()) is not None:
        return _posterior_on_card(units, smoother, card)
    kernel, landmarks, noise = smoother.kernel, smoother.landmarks, smoother.noise
    if smoother.explains is not None:
        left = by_explained(smoother.explains)
    elif smoother.factor is not None:
        left = among_landmarks(kernel, landmarks, smoother.factor)
    else:
        assert noise is not None  # where all observed items are landmarks
        left = partial(among_all, kernel, landmarks, noise)

    def of_chunk(some: dict[str, Rows], cross: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return cross @ smoother.coefficients, left(cross, kernel.prior(some))

    found = list(smoother._of_each(units, of_chunk))
    means = [np.zeros((0, smoother.coefficients.shape[1]), np.float32), *(one for one, _ in found)]
    return np.vstack(means), np.concatenate([np.zeros(0, np.float32), *(one for _, one in found)])


def _posterior_on_card(
    units: Mapping[str, Rows | UnitRows], smoother: Smoother, card: str
) -> tuple[np.ndarray, np.ndarray]:
    from engine.models.on_card.smoothing import posterior_on_card, spread_among_all, spread_among_landmarks

    kernel, landmarks = smoother.kernel, smoother.landmarks
    if smoother.factor is not None:
        spread = partial(spread_among_landmarks, *both_factors(kernel, landmarks, smoother.factor))
    else:
        assert smoother.noise is not None  # where all observed items are landmarks
        spread = partial(spread_among_all, landmarks, smoother.noise, TELLING)
    return posterior_on_card(kernel, units, landmarks, smoother.coefficients, spread, card)


def _parts(columns: _Columns, least: int = 0) -> list[dict[str, Rows]]:
    """Consecutive items, `least` at a time or more, in parts that do not depend on who works on them."""
    n = next(iter(columns.values())).shape[0]
    size = max(least, CHUNK, -(-n // MOST_PARTS))
    return [{name: rows[start : start + size] for name, rows in columns.items()} for start in range(0, n, size)]


def _unsolvable() -> TrainingError:
    return TrainingError(
        "What look-alikes' shoppers did cannot be carried over: the products' texts, pictures and attributes are too much "
        "alike. Add what tells them apart, or give their kinds in an attribute."
    )
