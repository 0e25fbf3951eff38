"""Item and shopper factors from behaviour: implicit-feedback ALS; the only module that uses the library implicit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from engine.core.errors import TrainingError
from engine.core.graphics_card import graphics_card
from engine.core.settings import AlsSettings, Settings
from engine.core.workers import Workers, workers
from engine.models.als_in_parts import factorise_in_parts

if TYPE_CHECKING:
    from implicit.cpu.als import AlternatingLeastSquares

__all__ = ["AlsFactors", "fit_als", "multiplications", "settings_for_prediction"]

PREDICTED_FACTORS = (256, 128)
MOST_WORK = 6e11
"""Multiplications that fitting the factors which the predictor learns from may take, about a minute of one core."""
ITEMS_PER_FACTOR = 4
"""A catalogue has at least so many times more items than factors that the predictor learns from."""
CG_STEPS = 3
"""Of conjugate gradients in each round, as implicit takes them."""
LOSS_SHOPPERS = 1 << 14
"""Losses are those of so many shoppers, spread evenly, where there are more: those of all would cost a good part of a round."""


@dataclass(frozen=True)
class AlsFactors:
    """Factors fitted on behaviour.

    Attributes
    ----------
    user_factors : (n_users, factors) float32; zero rows for shoppers without interactions.
    item_factors : (n_items, factors) float32; zero rows for items without interactions.
    losses : mean weighted squared error plus regularisation after every iteration, by a sample of shoppers where there are very many; empty where
        nobody listened to the fit.
    """

    user_factors: np.ndarray
    item_factors: np.ndarray
    losses: list[float]


def fit_als(
    user_items: csr_matrix,
    settings: AlsSettings,
    seed: int,
    on_iteration: Callable[[int, float], None] | None = None,
    *,
    start: np.ndarray | None = None,
) -> AlsFactors:
    """Factorise the shopper-item matrix (Hu, Koren and Volinsky 2008; conjugate gradient, Takacs et al. 2011).

    A pair's preference is 1 and its confidence 1 + alpha x weight; every other pair has preference 0 and confidence 1.
    The same matrix, settings and seed give the same bits for any number of threads: one thread solves each row.

    Parameters
    ----------
    user_items : (n_users, n_items), one positive weight per shopper-item pair.
    settings : factors, regularization, alpha and iterations.
    seed : starting point of the factors.
    on_iteration : called with the number of completed iterations and the loss after each; where nobody listens, no losses are worked out.
    start : (n_items, factors) float32, factors of items to start from, e.g. those of an earlier fit; zero rows for new ones.

    Raises `TrainingError` if the matrix is empty, has indices out of range, duplicates or weights that are not positive.
    """
    confidence = _confidence(user_items, settings.alpha)
    losses: list[float] = []

    def note(iteration: int, seconds: float, loss: float) -> None:
        losses.append(float(loss))
        if on_iteration:
            on_iteration(iteration + 1, float(loss))

    users, items = _factorise(confidence, settings, seed, note if on_iteration else None, start)
    if not (np.isfinite(users).all() and np.isfinite(items).all()):
        raise TrainingError(
            "The behaviour model did not converge (its numbers are not finite). "
            f"Lower als.alpha (now {settings.alpha}) or raise als.regularization (now {settings.regularization})."
        )
    return AlsFactors(users, items, losses)


def settings_for_prediction(
    als: AlsSettings, settings: Settings, shape: tuple[int, int], interactions: int
) -> AlsSettings:
    """What the factors that the predictor learns from are fitted with: `als`, with as many factors as help it.

    More factors are learned better than few where they are held back by the regularisation that a shop's data chose; with
    a regularisation that nobody chose they are mostly noise, so then their number stays as it is. `predictor.factors`
    overrules both.

    Parameters
    ----------
    shape, interactions : shoppers and products, and how many pairs of them.
    """
    factors = settings.predictor.factors
    if factors is None:
        affordable = [
            one
            for one in PREDICTED_FACTORS
            if multiplications(shape, interactions, one, als.iterations) <= MOST_WORK
            and one * ITEMS_PER_FACTOR <= shape[1]
        ]
        factors = max([als.factors, *affordable]) if als != settings.als else als.factors
    return als.model_copy(update={"factors": factors})


def multiplications(shape: tuple[int, int], interactions: int, factors: int, iterations: int) -> float:
    """Of a fit: a few steps of conjugate gradients for each shopper and each item."""
    return float(CG_STEPS * iterations * factors * (factors * sum(shape) + 4 * interactions))


def _factorise(
    confidence: csr_matrix,
    settings: AlsSettings,
    seed: int,
    note: Callable[[int, float, float], None] | None,
    start: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """(n_users, factors) and (n_items, factors) float32."""
    if (card := graphics_card()) is not None:
        return _factorised_on_card(confidence, settings, seed, note, start, card)
    if (some := workers()) is not None:
        return _factorised_elsewhere(confidence, settings, seed, note, start, some)
    import torch
    from implicit.cpu.als import AlternatingLeastSquares  # loads a BLAS of its own, so before the limit is set

    # implicit calls BLAS from every one of its threads: additional BLAS threads would compete for the cores.
    with threadpool_limits(limits=1, user_api="blas"):
        model = AlternatingLeastSquares(
            factors=settings.factors,
            regularization=settings.regularization,
            alpha=1.0,  # already in the confidence
            iterations=settings.iterations,
            use_cg=True,
            calculate_training_loss=False,
            num_threads=torch.get_num_threads(),  # see `engine.models.threads`
            random_state=seed,
        )
        if start is not None:
            model.item_factors = np.array(start, dtype=np.float32, order="C")
        model.fit(confidence, show_progress=False, callback=note and _noting(note, model, confidence))
    return np.ascontiguousarray(model.user_factors), np.ascontiguousarray(model.item_factors)


def _noting(
    note: Callable[[int, float, float], None], model: AlternatingLeastSquares, confidence: csr_matrix
) -> Callable[[int, float, object], None]:
    """What implicit calls after every round; the loss is worked out as it would be, of evenly spread shoppers for all of them."""
    from implicit.cpu import als

    step = -(-confidence.shape[0] // LOSS_SHOPPERS)
    rows = confidence[::step]
    spread, of_all = _spread(rows), _spread(confidence)

    def noting(iteration: int, seconds: float, _: object) -> None:
        users, items, regularization = model.user_factors, model.item_factors, model.regularization
        some = np.ascontiguousarray(users[::step])
        loss = als._als.calculate_loss(rows, some, items, regularization, num_threads=model.num_threads)
        # Products' regularisation is in it once, whoever the shoppers are.
        of_items = regularization * float(np.square(items, dtype=np.float64).sum())
        note(iteration, seconds, float(loss) + of_items * (1 / of_all - 1 / spread))

    return noting


def _spread(rows: csr_matrix) -> float:
    """The confidence of all pairs of some shoppers with all products."""
    return float(rows.data.sum(dtype=np.float64)) + rows.shape[0] * rows.shape[1] - rows.nnz


def _factorised_on_card(
    confidence: csr_matrix,
    settings: AlsSettings,
    seed: int,
    note: Callable[[int, float, float], None] | None,
    start: np.ndarray | None,
    card: str,
) -> tuple[np.ndarray, np.ndarray]:
    """The same on a graphics card, from the point where implicit starts."""
    from engine.models.on_card.als import factorise_on_card

    users, items = _starting_point(confidence, settings, seed, start)
    iterations, regularization = settings.iterations, settings.regularization
    return factorise_on_card(confidence, users, items, iterations, regularization, CG_STEPS, note, card)


def _factorised_elsewhere(
    confidence: csr_matrix,
    settings: AlsSettings,
    seed: int,
    note: Callable[[int, float, float], None] | None,
    start: np.ndarray | None,
    some: Workers,
) -> tuple[np.ndarray, np.ndarray]:
    """The same by workers, from the point where implicit starts."""
    users, items = _starting_point(confidence, settings, seed, start)
    solve = partial(_solved_rows, regularization=settings.regularization)
    loss_of = partial(_loss_of_rows, regularization=settings.regularization)
    return factorise_in_parts(confidence, users, items, settings.iterations, solve, loss_of, note, some)


def _starting_point(
    confidence: csr_matrix, settings: AlsSettings, seed: int, start: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """(n_users, factors) and (n_items, factors) float32, where implicit starts from a seed, but for what `start` says."""
    rng = np.random.default_rng(seed)
    users, items = (rng.random((n, settings.factors), dtype=np.float32) * np.float32(0.01) for n in confidence.shape)
    return users, items if start is None else np.asarray(start, dtype=np.float32)


def _solved_rows(part: tuple[int, csr_matrix], own: np.ndarray, other: np.ndarray, regularization: float) -> np.ndarray:
    """Half a round of implicit for the rows of a part, (b, factors) float32."""
    from implicit.cpu import als

    start, rows = part
    solved = np.array(own[start : start + rows.shape[0]])
    with threadpool_limits(limits=1, user_api="blas"):
        als._als.least_squares_cg(rows, solved, other, regularization, num_threads=1, cg_steps=CG_STEPS)
    return solved


def _loss_of_rows(
    part: tuple[int, csr_matrix], own: np.ndarray, other: np.ndarray, regularization: float
) -> tuple[np.ndarray, np.ndarray]:
    """Squared error and regularisation of the rows of a part, and the confidence of all their pairs; sums over parts are the whole's.

    The first part answers for the regularisation of the other side.
    """
    from implicit.cpu import als

    start, rows = part
    spread = _spread(rows)
    with threadpool_limits(limits=1, user_api="blas"):
        loss = als._als.calculate_loss(rows, own[start : start + rows.shape[0]], other, regularization, num_threads=1)
    twice = regularization * float(np.square(other, dtype=np.float64).sum()) if start else 0.0
    return np.array(loss * spread - twice), np.array(spread)


def _confidence(user_items: csr_matrix, alpha: float) -> csr_matrix:
    """The matrix that implicit reads: 1 + alpha x weight."""
    _check(user_items)
    confidence = (1.0 + alpha * user_items.data.astype(np.float64)).astype(np.float32)
    indices, starts = (part.astype(np.int32, copy=False) for part in (user_items.indices, user_items.indptr))
    return csr_matrix((confidence, indices, starts), shape=user_items.shape)


def _check(user_items: csr_matrix) -> None:
    """Raise `TrainingError` for a matrix that implicit must not get: an index out of range would crash the process."""
    if not isinstance(user_items, csr_matrix):
        raise TrainingError(f"The interactions must be a CSR matrix, not {type(user_items).__name__}.")
    if user_items.nnz == 0:
        raise TrainingError("There are no interactions to learn from. Load some with `ingest`.")
    try:
        user_items.check_format(full_check=True)
    except ValueError as exc:
        raise TrainingError(f"The interactions matrix is damaged ({exc}). Load the shop again with `ingest`.") from exc
    # A copy of the structure tells: the flag on the matrix itself may be stale.
    structure = csr_matrix((user_items.data, user_items.indices, user_items.indptr), shape=user_items.shape)
    if not structure.has_canonical_format:
        raise TrainingError(
            "The interactions matrix contains a shopper-item pair twice. Load the shop again with `ingest`."
        )
    if not (np.isfinite(user_items.data).all() and (user_items.data > 0).all()):
        raise TrainingError("Every interaction weight must be a positive number. Check interactions.event_weights.")
