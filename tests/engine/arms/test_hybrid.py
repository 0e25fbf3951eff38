"""The hybrid: recipes, arms, files and shares, on a catalogue whose groups are known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.arms import hybrid
from engine.arms.base import Reading, Sides
from engine.arms.beside import Beside, beside_of
from engine.arms.contributions import contributions
from engine.arms.geometry import ArmVectors, similarities
from engine.arms.hybrid import LONGTAIL, hybrid_arm
from engine.arms.hybrid_files import load_hybrid, save_hybrid
from engine.arms.hybrid_fit import Hybrid
from engine.core.errors import ReleaseError
from engine.core.joined_rows import JoinedRows
from engine.core.vectors import unit_rows
from engine.models.recipe import Recipe, Silence, default_recipe
from engine.models.residual import residual_factors
from engine.models.smoother import Capacity
from engine.models.user_scoring import UserScorer, UserScoring
from tests.support.grouped_catalogue import GROUP, GroupedCatalogue


@pytest.fixture(scope="module")
def shop() -> GroupedCatalogue:
    return GroupedCatalogue()


def plain(shop: GroupedCatalogue) -> Recipe:
    """The default recipe, in which content does not speak for itself."""
    return replace(default_recipe(shop.views, 240), silence=Silence(weight=0.0))


def arm_of(shop: GroupedCatalogue, fitted: Hybrid, others: dict[str, ArmVectors] | None = None) -> ArmVectors:
    return hybrid_arm(fitted, fitted.recipe, others or {})


def test_items_without_clicks_are_placed_among_their_group_and_have_a_place_in_lists(shop):
    fitted = shop.fitted()
    arm = arm_of(shop, fitted)
    assert arm.has_list.all()
    assert arm.is_candidate.all()
    found = similarities(arm, np.flatnonzero(shop.counts == 0))
    best = np.argsort(-found, axis=1)[:, :10]
    assert (GROUP[best] == GROUP[shop.counts == 0][:, None]).mean() > 0.95


def test_rows_have_length_one_and_cosines_rank_as_the_inner_products(shop):
    fitted = shop.fitted()
    arm = arm_of(shop, fitted)
    for side in (arm.query, arm.candidates):
        np.testing.assert_allclose(np.linalg.norm(side, axis=1), 1.0, rtol=1e-5)
    wanted = unit_rows(fitted.query) @ fitted.candidates.T
    np.testing.assert_allclose(similarities(arm, np.arange(240)), wanted, atol=1e-5)


def test_the_same_data_and_seed_give_the_same_vectors(shop):
    once, again = shop.fitted(), shop.fitted()
    np.testing.assert_array_equal(once.query, again.query)
    np.testing.assert_array_equal(once.candidates, again.candidates)


def test_where_another_arm_answers_its_cosines_rank_the_list(shop):
    vectors = unit_rows(np.random.default_rng(3).normal(size=(240, 5)).astype(np.float32))
    other = ArmVectors(vectors, vectors)
    fitted = shop.fitted(replace(plain(shop), fallback={0: "content", 1: "hybrid"}))
    arm = arm_of(shop, fitted, {"content": other})
    np.testing.assert_allclose(np.linalg.norm(arm.candidates, axis=1), 1.0, rtol=1e-5)
    cold, warm = np.flatnonzero(shop.counts == 0)[:5], np.flatnonzero(shop.counts > 0)[:5]
    np.testing.assert_allclose(similarities(arm, cold) * np.sqrt(2), vectors[cold] @ vectors.T, atol=1e-5)
    alone = unit_rows(fitted.query)[warm] @ fitted.candidates.T
    np.testing.assert_allclose(similarities(arm, warm) * np.sqrt(2), alone, atol=1e-5)


@pytest.mark.parametrize("silence", [Silence(weight=0.0), Silence(2.0, 4.0)])
@pytest.mark.parametrize("channels", [{}, {"als": {0: 0.5}}])
def test_a_product_described_again_has_the_vectors_it_had_in_the_catalogue(shop, tmp_path: Path, channels, silence):
    """As if nobody had clicked it: a channel weighs from 0 clicks on here, and content alone decides the rest."""
    fitted = shop.fitted(replace(plain(shop), channels=channels, silence=silence))
    units = unit_rows(np.random.default_rng(4).normal(size=(240, 9)).astype(np.float32))
    content = unit_rows(shop.features["text"].values)
    others = {"als": ArmVectors(units, units), "content": ArmVectors(content, content)}
    save_hybrid(fitted, shop.vocabulary, beside_of(fitted.candidates, fitted.unknown, fitted.recipe, others), tmp_path)
    saved = load_hybrid(tmp_path)
    assert saved.recipe == fitted.recipe
    rows = np.flatnonzero(shop.counts == 0)[:3]
    features = {"text": shop.features["text"].take(rows)}
    views = saved.views(shop.items.iloc[rows], features, shop.predicted[rows])
    reading = Reading(np.ones(3, dtype=bool), shop.predicted[rows], features["text"].values, views, saved)
    again = LONGTAIL.sides(
        reading, None, {}, {name: Sides(arm.query[rows], arm.candidates[rows]) for name, arm in others.items()}
    )
    arm = arm_of(shop, fitted, others)
    np.testing.assert_allclose(again.query, arm.query[rows], atol=1e-5)
    np.testing.assert_allclose(again.candidates, arm.candidates[rows], atol=1e-5)


def test_a_smoother_that_is_gone_or_damaged_is_named(shop, tmp_path: Path):
    with pytest.raises(ReleaseError, match="smoother"):
        load_hybrid(tmp_path)
    save_hybrid(shop.fitted(), shop.vocabulary, Beside({}, np.zeros(0, np.float32)), tmp_path)
    (tmp_path / "smoother" / "smoother.npz").write_bytes(b"nothing")
    with pytest.raises(ReleaseError, match="smoother"):
        load_hybrid(tmp_path)


@pytest.mark.parametrize("taste", [UserScoring(), UserScoring(6, 2.0)])
def test_a_shopper_is_offered_the_group_of_what_they_have(shop, taste):
    fitted = shop.fitted()
    scores = UserScorer(fitted.profiles, fitted.for_shoppers, shop.counts)(shop.user_items, taste)
    known = np.diff(shop.user_items.indptr) > 0
    assert (GROUP[scores.argmax(axis=1)] == shop.taste)[known].mean() > 0.9


@pytest.mark.parametrize("capacity", [Capacity(), Capacity(exact=50, landmarks=120)])
def test_own_clicks_say_nothing_without_clicks_and_more_as_they_grow(shop, capacity):
    fitted = shop.fitted(replace(plain(shop), capacity=capacity))
    assert (fitted.smoother.factor is None) == (capacity == Capacity())
    told = contributions(fitted, residual_factors(shop.user_items, fitted.recipe.rank, 0), shop.counts, shop.views, 0)
    for share in told:
        assert share["own"] + sum(share["views"].values()) == pytest.approx(1.0, abs=1e-3)
    own = {share["low"]: share["own"] for share in told}
    assert own[0] == 0
    assert own[max(own)] > 0.05
    assert sum(share["products"] for share in told) == 240


def test_words_tell_apart_and_unknown_ones_say_nothing(shop, tmp_path: Path):
    rows = shop.vocabulary.encode(pd.DataFrame({"title": ["scarf", "SCARF  number1", "zeppelin", None]}))
    alike = (rows @ rows.T).toarray()
    assert alike[0, 0] == pytest.approx(1.0)
    assert 0 < alike[0, 1] < 1
    assert alike[2, 2] == alike[3, 3] == 0


def beside(shop: GroupedCatalogue, weight: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the hybrid says alone, what ALS says alone, and what they say together; all (n_items, n_items)."""
    fitted = shop.fitted()
    als = unit_rows(np.random.default_rng(4).normal(size=(240, 9)).astype(np.float32)) * (shop.counts > 0)[:, None]
    arms = {"als": ArmVectors(als, als)}
    mixed = replace(fitted.recipe, channels={"als": {5: weight}})
    arm = hybrid_arm(fitted, mixed, arms)
    return unit_rows(fitted.query) @ fitted.candidates.T, als @ als.T, arm.query @ arm.candidates.T


def test_behaviour_beside_ranks_as_the_sum_of_both_at_the_same_spread(shop):
    own, als, both = beside(shop, 0.5)
    spread = [part.std(axis=1, keepdims=True) for part in (own, als)]
    busy = np.flatnonzero(shop.counts >= 5)
    wanted = own[busy] / spread[0][busy] + 0.5 * als[busy] / spread[1][busy]
    for found, asked in zip(both[busy], wanted, strict=True):
        assert np.corrcoef(found, asked)[0, 1] > 1 - 1e-6


def test_behaviour_beside_changes_nothing_below_its_count(shop):
    own, _, both = beside(shop, 0.5)
    for row in np.flatnonzero(shop.counts < 5):
        assert np.corrcoef(own[row], both[row])[0, 1] > 1 - 1e-6


def test_a_recipe_keeps_its_behaviour_weights_in_json(shop):
    recipe = Recipe({"content": 1.0}, channels={"als": {1: 0.5, 11: 2.0}})
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_content_speaks_among_products_that_behaviour_does_not_know_and_nowhere_else(shop):
    fitted = shop.fitted(replace(plain(shop), silence=Silence(2.0, 4.0)))
    unknown = np.where(shop.counts == 0, 1.0, 0.0).astype(np.float32)
    fitted = replace(fitted, unknown=unknown)
    content = unit_rows(np.random.default_rng(5).normal(size=(240, 7)).astype(np.float32))
    arm = hybrid_arm(fitted, fitted.recipe, {"content": ArmVectors(content, content)})
    cold, warm = np.flatnonzero(shop.counts == 0), np.flatnonzero(shop.counts > 0)
    own = unit_rows(fitted.query) @ fitted.candidates.T
    for row in warm[:20]:
        assert np.corrcoef(similarities(arm, [row])[0], own[row])[0, 1] > 1 - 1e-6
    among = similarities(arm, cold)[:, cold]
    alike = (content[cold] - content.mean(axis=0)) @ content[cold].T
    agreement = [np.corrcoef(ours, theirs)[0, 1] for ours, theirs in zip(among, alike.T, strict=True)]
    assert np.mean(agreement) > 0.95


def test_without_a_direction_of_its_own_a_product_is_compared_by_content(shop):
    fitted = shop.fitted(replace(plain(shop), silence=Silence(2.0, 4.0)))
    query = fitted.query.copy()
    query[0] = 0.0
    content = unit_rows(np.random.default_rng(5).normal(size=(240, 7)).astype(np.float32))
    arms = {"content": ArmVectors(content, content)}
    arm = hybrid_arm(replace(fitted, query=query), fitted.recipe, arms)
    assert arm.has_list[0]
    mute = hybrid_arm(replace(fitted, query=query), replace(fitted.recipe, silence=Silence(weight=0.0)), arms)
    assert not mute.has_list[0]


@pytest.mark.parametrize("channels", [{}, {"als": {5: 0.5}}])
def test_a_large_table_of_content_is_left_where_it_is_and_vectors_are_the_same(shop, channels, monkeypatch):
    fitted = shop.fitted(replace(plain(shop), silence=Silence(2.0, 4.0), channels=channels))
    rng = np.random.default_rng(5)
    content, als = (unit_rows(rng.normal(size=(240, width)).astype(np.float32)) for width in (7, 9))
    content[3] = 0.0  # nothing is known of it
    arms = {"als": ArmVectors(als, als), "content": ArmVectors(content, content)}
    written = hybrid_arm(fitted, fitted.recipe, arms)
    monkeypatch.setattr(hybrid, "LARGE", 4 * content.size)
    joined = hybrid_arm(fitted, fitted.recipe, arms)
    for left, right in ((joined.query, written.query), (joined.candidates, written.candidates)):
        assert isinstance(left, JoinedRows)
        assert left.shared is content
        np.testing.assert_allclose(np.asarray(left), right, atol=1e-6)
    assert (joined.has_list == written.has_list).all()
    assert (joined.is_candidate == written.is_candidate).all()
    np.testing.assert_allclose(similarities(joined, [3, 4]), similarities(written, [3, 4]), atol=1e-5)
