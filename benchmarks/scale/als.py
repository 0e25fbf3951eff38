"""ALS as a training fits and tells of it, beside implicit's own fit on a ready matrix: 64 factors, 15 rounds, one core.

Two hundred thousand products have ten million events, of six and a half million pairs. Seconds are those that the processor worked.
"""

from __future__ import annotations

import argparse

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy import sparse
from threadpoolctl import threadpool_limits

from benchmarks.made_shops import made_niches
from benchmarks.parts import Measured
from benchmarks.scale.shop import n_events
from benchmarks.scale.timing import in_turns
from engine.core.settings import AlsSettings
from engine.models.als import fit_als
from engine.models.threads import bounded_threads

__all__ = ["measure"]


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """How many times as long it takes, for each size."""
    return {
        f"als_{products}_over_implicit": _als(products, arguments.rounds, arguments.seed)
        for products in arguments.products
    }


def _als(products: int, rounds: int, seed: int) -> Measured:
    shop = made_niches(products, n_events(products), max(4, products // 250), seed)
    shape = (int(shop.users.max()) + 1, products)
    pairs = sparse.csr_matrix((np.ones(len(shop.rows), np.float32), (shop.users, shop.rows)), shape=shape)
    settings = AlsSettings()
    confidence = pairs.copy()
    confidence.data = 1.0 + settings.alpha * confidence.data

    def implicits_own() -> None:
        model = AlternatingLeastSquares(
            factors=settings.factors,
            regularization=settings.regularization,
            alpha=1.0,
            iterations=settings.iterations,
            num_threads=1,
            random_state=seed,
        )
        model.fit(confidence, show_progress=False)

    with bounded_threads(1), threadpool_limits(limits=1, user_api="blas"):
        turns = in_turns(rounds, lambda: fit_als(pairs, settings, seed, lambda *_: None), implicits_own)
    return (turns.times_as_long, "<= 1.15", turns.details(interactions=int(pairs.nnz)))
