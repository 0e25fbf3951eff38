import numpy as np
import pytest
from scipy import sparse

from engine.core.errors import TrainingError
from engine.evaluation.metrics import ndcg_at_k, surprise_relevance, top_k
from engine.evaluation.thinning import LEVELS, hold_out, thin


@pytest.fixture(scope="module")
def user_items() -> sparse.csr_matrix:
    rng = np.random.default_rng(0)
    chance = np.linspace(0.005, 0.3, 200)
    return sparse.csr_matrix((rng.random((400, 200)) < chance).astype(np.float32) * 2.0)


@pytest.fixture(scope="module")
def split(user_items):
    return thin(user_items, np.random.default_rng(1))


def entries(matrix: sparse.csr_matrix) -> set[tuple[int, int]]:
    rows, columns = matrix.nonzero()
    return set(zip(rows.tolist(), columns.tolist(), strict=True))


def test_the_three_parts_are_disjoint_and_add_up(user_items, split):
    assert (split.train + split.half_a + split.half_b != user_items).nnz == 0
    parts = [entries(part) for part in (split.train, split.half_a, split.half_b)]
    assert sum(map(len, parts)) == len(entries(user_items)) == len(set.union(*parts))


def test_the_truth_never_leaks_into_training(split):
    assert not entries(split.train) & entries(split.half_b)
    assert not entries(split.half_a) & entries(split.half_b)
    rich = split.train + split.half_a
    assert not entries(rich.tocsr()) & entries(split.half_b)


def test_each_target_keeps_exactly_its_m_and_no_other_item_loses_anything(user_items, split):
    left = np.asarray((split.train != 0).sum(axis=0)).ravel()
    before = np.asarray((user_items != 0).sum(axis=0)).ravel()
    np.testing.assert_array_equal(left[split.targets], split.m)
    np.testing.assert_array_equal(left[split.candidates], before[split.candidates])
    assert split.candidates.sum() == 200 - len(split.targets)


def test_targets_are_three_tenths_of_the_well_known_items_with_balanced_m(user_items, split):
    before = np.asarray((user_items != 0).sum(axis=0)).ravel()
    assert len(split.targets) == round(0.3 * (before >= 12).sum())
    assert before[split.targets].min() >= 12
    per_level = np.array([(split.m == level).sum() for level in LEVELS])
    assert per_level.max() - per_level.min() <= 1


def test_the_hidden_halves_are_equal_up_to_one(split):
    a, b = (np.asarray((half != 0).sum(axis=0)).ravel()[split.targets] for half in (split.half_a, split.half_b))
    assert np.abs(a - b).max() <= 1
    assert len(set(np.sign(a - b).tolist())) == 3  # an odd one goes either way


def test_the_split_follows_from_the_seed_alone(user_items):
    first, same, other = (thin(user_items, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert (first.train != same.train).nnz == 0
    np.testing.assert_array_equal(first.m, same.m)
    assert set(first.targets) != set(other.targets)


def test_a_small_sample_is_as_small_as_asked(user_items):
    assert len(thin(user_items, np.random.default_rng(0), max_targets=20).targets) == 20


def test_a_shop_without_well_known_items_is_refused_with_the_reason():
    with pytest.raises(TrainingError, match="at least 12 interactions"):
        thin(sparse.csr_matrix(np.eye(5)), np.random.default_rng(0))


def test_what_half_a_shows_predicts_half_b_where_shoppers_have_tastes():
    """End to end on planted tastes: the rich neighbours are right, chance is not, and a target's own group is the truth."""
    rng = np.random.default_rng(2)
    group_of_item, group_of_shopper = np.arange(120) % 6, np.arange(600) % 6
    chance = np.where(group_of_shopper[:, None] == group_of_item[None], 0.3, 0.02)
    split = thin(sparse.csr_matrix((rng.random((600, 120)) < chance).astype(np.float32)), rng)
    gains = surprise_relevance(split.half_b, split.train, split.targets, allowed=split.candidates)
    rows, columns = gains.nonzero()
    assert (group_of_item[split.targets[rows]] == group_of_item[columns]).mean() > 0.9
    oracle = (group_of_item[split.targets][:, None] == group_of_item[None]).astype(float)
    noise = rng.random(oracle.shape)
    good = np.nanmean(ndcg_at_k(top_k(oracle + 1e-6 * noise, 10, split.candidates), gains))
    chance_score = np.nanmean(ndcg_at_k(top_k(noise, 10, split.candidates), gains))
    assert good > 3 * chance_score


def test_held_out_interactions_are_a_fifth_and_never_in_training(user_items):
    held = hold_out(user_items, np.random.default_rng(3))
    assert not entries(held.train) & entries(held.hidden)
    assert held.hidden.nnz == round(0.2 * user_items.nnz)
    assert (held.train + held.hidden != user_items).nnz == 0
    left = np.asarray((held.train != 0).sum(axis=0)).ravel()
    np.testing.assert_array_equal(held.anchors, np.flatnonzero(left >= 30))
