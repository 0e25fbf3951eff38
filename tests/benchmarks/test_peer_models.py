"""The peers that Longtail is compared with do what their papers say, on a shop whose answer is known."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
import torch
from scipy import sparse

from benchmarks.peer_models import beeformer, marec, semco
from benchmarks.peer_models.semco import entmax15
from benchmarks.peer_models.shop import PeerShop, cosines
from engine.core.vectors import unit_rows

GROUPS, SIZE = 6, 6


@pytest.fixture(scope="module")
def shop() -> PeerShop:
    """Shoppers buy within a group, which a few of many columns of the content tell; the first of each group nobody bought."""
    rng = np.random.default_rng(0)
    n, group = GROUPS * SIZE, np.repeat(np.arange(GROUPS), SIZE)
    has = (rng.random((300, n)) < 0.5) & (group == rng.integers(0, GROUPS, 300)[:, None])
    has[:, ::SIZE] = False
    content = np.hstack([np.eye(GROUPS)[group], rng.standard_normal((n, 12))]).astype(np.float32)
    words = sparse.csr_matrix(np.eye(GROUPS, dtype=np.float32)[group])
    targets = np.arange(0, n, SIZE)
    return PeerShop(sparse.csr_matrix(has.astype(np.float32)), unit_rows(content), words, targets, 0)


def in_own_group(scores: np.ndarray, targets: np.ndarray) -> float:
    """The share of the four best that belong to the target's group."""
    scores = scores.copy()
    scores[:, targets] = -np.inf
    best = np.argsort(-scores, axis=1)[:, :4]
    return float((best // SIZE == targets[:, None] // SIZE).mean())


@pytest.mark.parametrize("model", [marec, beeformer, semco])
def test_a_peer_finds_the_neighbours_of_products_that_nobody_bought_better_than_content(
    model: ModuleType, shop: PeerShop
) -> None:
    alone = in_own_group(cosines(shop.content, shop.targets), shop.targets)
    best = max(in_own_group(model.scores(shop, setting), shop.targets) for setting in model.SETTINGS)
    assert len(model.SETTINGS) == 8  # the same budget for each
    assert best > alone + 0.15


def test_the_inputs_of_encoders_keep_the_inner_products_of_the_content(shop: PeerShop) -> None:
    np.testing.assert_allclose(shop.inputs @ shop.inputs.T, shop.content @ shop.content.T, atol=1e-5)


def test_entmax_is_a_distribution_that_leaves_out_what_is_far_behind() -> None:
    shares = entmax15(torch.tensor([[0.0, 0.0, -9.0], [3.0, 0.0, 0.0], [0.2, 0.1, 0.0]]))
    np.testing.assert_allclose(shares.sum(dim=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(shares[0], [0.5, 0.5, 0.0], atol=1e-6)
    np.testing.assert_allclose(shares[1], [1.0, 0.0, 0.0], atol=1e-6)
    assert (shares[2] > 0).all()
    assert shares[2, 0] > shares[2, 1] > shares[2, 2]
    halves, threshold = torch.tensor([0.1, 0.05, 0.0]), 0.1 - shares[2, 0].sqrt()
    np.testing.assert_allclose(shares[2], (halves - threshold).square(), atol=1e-6)
