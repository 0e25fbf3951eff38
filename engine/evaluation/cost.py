"""What choosing settings and measuring quality cost: seconds of one core by the sizes of a shop, so that a budget can say how large it may be.

The clock is never asked: the same data and settings have to give the same release on any machine, busy or not. So seconds are those of a
model, whose rates were measured once on one free core (docs/scale.md). A machine twice as fast takes half as long, and looks at as many products.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.settings import Settings
from engine.models.als import multiplications, settings_for_prediction
from engine.models.recipe import max_rank

__all__ = ["ShopSize", "seconds"]

DENSE, FACTORISED, BASIS = 6e10, 5e9, 4e10
"""Operations a second of dense products, of ALS, and of making a basis orthogonal, block by block."""
COMPARED = 3e-3
"""Seconds that ranking targets by everything that is tried takes for each product, with 512 directions."""
HYBRIDS, BASES, PREDICTED, FURTHER_ALS = 4, 3, 2, 2
"""Fits of the hybrid, of residual factors and of the network, and those of ALS besides the settings that are tried."""
TELLING = 48 * 48


@dataclass(frozen=True)
class ShopSize:
    """How large a shop is.

    Attributes
    ----------
    width : numbers that describe a product, over all of its views.
    landmarks : that stand for all products in the smoother; None where every product counts.
    """

    products: int
    shoppers: int
    interactions: int
    width: int
    landmarks: int | None


def seconds(size: ShopSize, settings: Settings) -> float:
    """Seconds of one core that choosing and measuring cost, by the model."""
    n, rank = size.products, max_rank(size.products)
    compared = COMPARED * n * rank / 512
    bases = BASES * 6.0 * n * (3.0 * rank) ** 2 / BASIS
    return (
        _als(size, settings) + HYBRIDS * _hybrid(size, rank) + bases + PREDICTED * _network(size, settings) + compared
    )


def _als(size: ShopSize, settings: Settings) -> float:
    als = settings.als
    shape, pairs = (size.shoppers, size.products), size.interactions
    plain = (als.tries if settings.selection.enabled else 1) + FURTHER_ALS
    chosen = als if als.tries == 1 else als.model_copy(update={"regularization": 2.0 * als.regularization})
    taught = settings_for_prediction(chosen, settings, shape, pairs)
    work = plain * multiplications(shape, pairs, als.factors, als.iterations)
    return (work + PREDICTED * multiplications(shape, pairs, taught.factors, als.iterations)) / FACTORISED


def _hybrid(size: ShopSize, rank: int) -> float:
    n, m = float(size.products), size.landmarks
    if m is None:
        return (n * n * (n / 3 + 6 * size.width) + 2 * n * size.width * TELLING) / DENSE
    m = min(m, size.products)
    return n * m * (5 * m + 6 * size.width + 2 * rank) / DENSE


def _network(size: ShopSize, settings: Settings) -> float:
    network = settings.predictor
    factors = network.factors or settings.als.factors
    weights = network.hidden * (size.width + network.layers * network.hidden + factors)
    return 3.0 * network.max_steps * network.batch_size * weights / DENSE
