"""The share of guesswork among landmarks: block by block what solving the whole systems gives."""

from __future__ import annotations

import numpy as np
import pytest
import scipy

from engine.models import uncertainty
from engine.models.kernel import Kernel, unit


@pytest.mark.parametrize("at_once", [16, 50, 256])
def test_blocks_give_what_whole_systems_give(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uncertainty, "SOLVED_AT_ONCE", at_once)
    rng = np.random.default_rng(0)
    kernel = Kernel({"text": 3.0}, {"text": 1.0})
    landmarks, others = ({"text": unit(rng.normal(size=(n, 12)).astype(np.float32))} for n in (120, 40))
    own = kernel(landmarks, landmarks).astype(np.float64)
    factor = scipy.linalg.cholesky(own + np.diag(rng.uniform(0.1, 3.0, 120)), lower=True)
    cross, prior = kernel(others, landmarks), kernel.prior(others)

    before, after = (one.astype(np.float64) for one in uncertainty.both_factors(kernel, landmarks, factor))
    represented, unknown = (
        np.square(np.linalg.solve(lower, cross.T.astype(np.float64))).sum(axis=0) for lower in (before, after)
    )
    wanted = np.clip((prior - represented + unknown) / prior, 0.0, 1.0)
    found = uncertainty.among_landmarks(kernel, landmarks, factor)(cross, prior)
    assert found.dtype == np.float32
    assert 0.05 < wanted.mean() < 0.95
    np.testing.assert_allclose(found, wanted, atol=1e-4)
