from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from engine.arms.plan import default_plan
from engine.core.settings import Settings
from engine.evaluation import looked_at
from engine.evaluation.cost import ShopSize, seconds
from engine.evaluation.fits import Content
from engine.evaluation.looked_at import LookedAt, look_at
from engine.models.encoders import Features
from engine.models.recipe import max_rank

STYLES, PER_STYLE, SHOPPERS = 160, 25, 640
N_ITEMS = STYLES * PER_STYLE
LEAST = N_ITEMS // 2


@pytest.fixture(autouse=True)
def _fewer_products_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looked_at, "LEAST_PRODUCTS", LEAST)


@pytest.fixture(scope="module")
def shop() -> tuple[sparse.csr_matrix, Content]:
    """4,000 products of 160 styles that lie far apart; every shopper has ten products of one style."""
    rng = np.random.default_rng(0)
    vectors = np.repeat(10.0 * np.eye(STYLES), PER_STYLE, axis=0) + 0.3 * rng.standard_normal((N_ITEMS, STYLES))
    users = np.repeat(np.arange(SHOPPERS), 10)
    columns = np.concatenate(
        [rng.choice(PER_STYLE, 10, replace=False) + PER_STYLE * (n % STYLES) for n in range(SHOPPERS)]
    )
    pairs = sparse.csr_matrix((np.ones(len(users), np.float32), (users, columns)), shape=(SHOPPERS, N_ITEMS))
    words = sparse.random(N_ITEMS, 50, 0.1, "csr", np.float32, random_state=1)
    content = vectors.astype(np.float32)
    return pairs, Content({"text": Features(content, np.ones(N_ITEMS, bool))}, content, words)


def looked(shop: tuple[sparse.csr_matrix, Content], **evaluation: Any) -> LookedAt:
    return look_at(*shop, Settings.model_validate({"evaluation": evaluation}))


def test_a_shop_within_the_budget_is_looked_at_whole(shop: tuple[sparse.csr_matrix, Content]) -> None:
    found = looked(shop)
    assert found.is_whole
    assert found.user_items.nnz == shop[0].nnz
    assert found.facts() == {}
    plan = default_plan(Settings(), N_ITEMS, words=True)
    assert found.for_catalogue(plan, Settings()) is plan


def test_a_smaller_budget_looks_at_fewer_products_with_all_that_is_known_of_them(
    shop: tuple[sparse.csr_matrix, Content],
) -> None:
    whole = seconds(ShopSize(N_ITEMS, SHOPPERS, shop[0].nnz, 2 * STYLES + 5, None), Settings())
    small, large = looked(shop, budget_seconds=1), looked(shop, budget_seconds=0.93 * whole)
    assert LEAST <= len(small.rows) < len(large.rows) < N_ITEMS
    rows = small.rows
    assert (np.diff(rows) > 0).all()
    assert np.array_equal(small.content.vectors, shop[1].vectors[rows])
    assert np.array_equal(small.content.features["text"].values, shop[1].vectors[rows])
    assert small.content.words is not None
    assert shop[1].words is not None
    assert (small.content.words != shop[1].words[rows]).nnz == 0
    facts = small.facts()["looked_at"]
    assert (facts["products"], facts["of"]) == (len(rows), N_ITEMS)
    assert (facts["interactions"], facts["of_interactions"]) == (small.user_items.nnz, shop[0].nnz)


def test_a_sample_is_the_same_every_time_and_another_with_another_seed(shop: tuple[sparse.csr_matrix, Content]) -> None:
    first, again = looked(shop, budget_seconds=1), looked(shop, budget_seconds=1)
    other = look_at(*shop, Settings.model_validate({"seed": 1, "evaluation": {"budget_seconds": 1}}))
    assert np.array_equal(first.rows, again.rows)
    assert not np.array_equal(first.rows, other.rows)


def test_shoppers_keep_their_histories_because_look_alikes_stay_together(
    shop: tuple[sparse.csr_matrix, Content],
) -> None:
    found = looked(shop, budget_seconds=1)
    kept = np.diff(found.user_items.indptr)
    assert (kept > 1).all()
    assert kept.mean() > 7  # half of the products, drawn one by one, would leave five of ten


def test_a_plan_of_a_sample_takes_as_large_a_share_of_the_directions_of_all(
    shop: tuple[sparse.csr_matrix, Content],
) -> None:
    settings = Settings.model_validate({"smoother": {"exact": 3000}})
    found = look_at(
        *shop, settings.model_copy(update={"evaluation": looked(shop, budget_seconds=1).settings.evaluation})
    )
    plan = default_plan(found.settings, len(found.rows), words=True)
    half = replace(plan, recipe=replace(plan.recipe, rank=max_rank(len(found.rows)) // 2))
    served = found.for_catalogue(half, settings).recipe
    assert served.rank == pytest.approx(max_rank(N_ITEMS) / 2, rel=0.02)
    assert (served.capacity.exact, found.settings.smoother.exact) == (3000, 100)
    back = found.for_these(replace(plan, recipe=served)).recipe
    assert back.rank == pytest.approx(half.recipe.rank, abs=1)
    assert back.capacity.exact == 100


@pytest.mark.parametrize("larger", ["products", "shoppers", "interactions", "width"])
def test_more_of_anything_costs_more(larger: str) -> None:
    size = ShopSize(30_000, 40_000, 800_000, 900, None)
    assert seconds(replace(size, **{larger: 2 * getattr(size, larger)}), Settings()) > seconds(size, Settings())


def test_landmarks_cost_less_than_every_product() -> None:
    size = ShopSize(60_000, 40_000, 800_000, 900, None)
    assert seconds(replace(size, landmarks=5000), Settings()) < seconds(size, Settings())
