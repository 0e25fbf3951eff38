"""A year of shoppers: what popularity and taste leave in the events."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from engine.core.settings import AlsSettings
from engine.demo.families import assign_families, sample_dress
from engine.demo.shoppers import DAYS, YEAR_START, popularity, shop_for_a_year
from engine.models.als import fit_als

N_SHOPPERS = 6000


@pytest.fixture(scope="module")
def dresses():
    rng = np.random.default_rng(0)
    return [sample_dress(family, rng) for family in assign_families(2000, rng)]


@pytest.fixture(scope="module")
def events(dresses):
    ids = [f"D{row}" for row in range(len(dresses))]
    return shop_for_a_year(dresses, ids, N_SHOPPERS, np.random.default_rng(1))


@pytest.fixture(scope="module")
def user_items(dresses, events):
    weights = events["event"].map({"view": 1.0, "cart": 3.0, "purchase": 5.0}).to_numpy(np.float32)
    rows = events["user_id"].str[1:].astype(int).to_numpy() - 1
    columns = events["item_id"].str[1:].astype(int).to_numpy()
    return sparse.coo_matrix((weights, (rows, columns)), shape=(N_SHOPPERS, len(dresses))).tocsr()


@pytest.fixture(scope="module")
def counts(user_items):
    return np.bincount(user_items.indices, minlength=user_items.shape[1])


def test_a_fifth_of_the_dresses_get_about_four_fifths_of_the_events(events, dresses):
    per_dress = np.sort(events["item_id"].value_counts().to_numpy())[::-1]
    assert 0.74 < per_dress[: len(dresses) // 5].sum() / len(events) < 0.86


def test_several_hundred_dresses_get_fewer_than_five_and_some_none(counts):
    assert 300 < (counts < 5).sum() < 800
    assert 20 < (counts == 0).sum() < 200


def test_every_family_has_head_and_long_tail(counts, dresses):
    family = np.array([dress.family for dress in dresses])
    for name in np.unique(family):
        own = np.sort(counts[family == name])[::-1]
        assert own[: len(own) // 5].sum() > 0.45 * own.sum(), name
        assert (own < 12).any(), name


def test_popularity_falls_by_rank_within_every_family_alike():
    family = np.repeat([0, 1], [200, 40])
    drawn = popularity(family, np.random.default_rng(0))
    shares = [
        np.sort(drawn[family == name])[::-1][: (family == name).sum() // 5].sum() / drawn[family == name].sum()
        for name in (0, 1)
    ]
    assert min(shares) > 0.6
    assert abs(shares[0] - shares[1]) < 0.15


def test_events_are_in_order_of_time_within_one_year(events):
    times = events["timestamp"]
    assert times.is_monotonic_increasing
    assert times.min() >= YEAR_START
    assert times.max() < YEAR_START + (DAYS + 1) * 86400
    assert times.max() - times.min() > 300 * 86400


def test_nothing_is_bought_that_was_not_put_into_the_cart_and_looked_at_before(events):
    first = events.groupby(["user_id", "item_id", "event"])["timestamp"].min().unstack()
    bought = first[first["purchase"].notna()]
    assert len(bought) > 1000
    assert (bought["purchase"] > bought["cart"]).all()
    assert first["view"].notna().all()
    assert len(bought) < first["cart"].notna().sum() < len(first)


def test_some_dresses_arrive_during_the_year(events):
    first = events.groupby("item_id")["timestamp"].min()
    busy = events["item_id"].value_counts()
    late = first[busy[busy > 30].index] > YEAR_START + 120 * 86400
    assert 0.03 < late.mean() < 0.3


def test_shoppers_click_mostly_within_few_families(user_items, dresses):
    _, family = np.unique([dress.family for dress in dresses], return_inverse=True)
    of_family = sparse.csr_matrix((np.ones(len(family)), (np.arange(len(family)), family)))
    clicks = np.asarray(((user_items > 0) @ of_family).todense())
    shares = np.sort(clicks / clicks.sum(axis=1, keepdims=True), axis=1)[:, ::-1]
    assert shares[:, :3].sum(axis=1).mean() > 0.8
    assert shares[:, 0].mean() < 0.75


def test_behaviour_knows_the_head_and_guesses_the_long_tail(user_items, counts, dresses):
    """The point of the demo shop: ALS finds a bestseller's family, and mostly misses that of a dress with few clicks."""
    factors = fit_als(user_items, AlsSettings(), seed=0).item_factors
    family = np.array([dress.family for dress in dresses])
    unit = factors / np.maximum(np.linalg.norm(factors, axis=1, keepdims=True), 1e-9)
    similar = unit @ unit.T
    np.fill_diagonal(similar, -np.inf)
    similar[:, counts == 0] = -np.inf
    neighbours = np.argsort(-similar, axis=1)[:, :10]
    irrelevant = (family[neighbours] != family[:, None]).mean(axis=1)
    head = np.argsort(-counts)[: len(dresses) // 5]
    assert irrelevant[(counts > 0) & (counts < 5)].mean() > 0.6
    assert irrelevant[head].mean() < 0.2


def test_the_same_generator_gives_the_same_year(dresses):
    ids = [f"D{row}" for row in range(300)]
    one, same = (shop_for_a_year(dresses[:300], ids, 40, np.random.default_rng(7)) for _ in range(2))
    pd.testing.assert_frame_equal(one, same)


def test_a_tiny_shop_works_too(dresses):
    events = shop_for_a_year(dresses[:20], [str(row) for row in range(20)], 1, np.random.default_rng(0))
    assert set(events["user_id"]) == {"S00001"}
    assert len(events) >= 1
