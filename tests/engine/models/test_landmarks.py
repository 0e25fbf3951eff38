import numpy as np

from engine.core.vectors import unit_rows
from engine.models.kernel import Kernel
from engine.models.landmarks import choose_landmarks

KERNEL = Kernel({"content": 8.0}, {"content": 1.0})


def catalogue() -> tuple[np.ndarray, np.ndarray]:
    """One crowded group of 900 items that everybody clicks, and fifty quiet groups of two."""
    group = np.r_[np.zeros(900, dtype=int), np.repeat(np.arange(1, 51), 2)]
    rng = np.random.default_rng(0)
    centres = unit_rows(rng.normal(size=(51, 60)).astype(np.float32))
    return unit_rows((centres[group] + rng.normal(0, 0.02, (1000, 60))).astype(np.float32)), group


def test_quiet_corners_get_landmarks_although_nobody_clicks_there():
    content, group = catalogue()
    clicks = np.where(group == 0, 500.0, 1.0)
    chosen = choose_landmarks(KERNEL, {"content": content}, clicks / (clicks + 3), 150, 0)
    by_clicks = np.random.default_rng(0).choice(1000, 150, replace=False, p=clicks / clicks.sum())
    assert len(np.unique(group[chosen])) >= 25
    assert len(np.unique(group[by_clicks])) <= 5


def test_items_that_are_all_the_same_need_one_landmark():
    same = np.tile(unit_rows(np.ones((1, 4), dtype=np.float32)), (5000, 1))
    chosen = choose_landmarks(KERNEL, {"content": same}, np.ones(5000), 400, 0)
    assert 1 <= len(chosen) <= 250


def test_landmarks_are_sorted_distinct_and_the_same_for_the_same_seed():
    content, _ = catalogue()
    once, again = (choose_landmarks(KERNEL, {"content": content}, np.ones(1000), 120, 3) for _ in range(2))
    assert np.array_equal(once, again)
    assert np.array_equal(once, np.unique(once))


def test_most_landmarks_stay_when_items_come_and_go_and_others_tell_more():
    content, _ = catalogue()
    rng = np.random.default_rng(1)
    names, weights = np.arange(1000, dtype=np.uint64), rng.random(1000)
    before = choose_landmarks(KERNEL, {"content": content}, weights, 120, 0, names)
    stays = rng.random(1000) > 0.02
    more = np.where(rng.random(1000) < 0.05, np.minimum(1.3 * weights, 1.0), weights)
    after = choose_landmarks(KERNEL, {"content": content[stays]}, more[stays], 120, 0, names[stays])
    kept = np.isin(before, np.flatnonzero(stays)[after]).mean()
    unnamed = choose_landmarks(KERNEL, {"content": content[stays]}, more[stays], 120, 0)
    assert kept >= 0.75
    assert np.isin(before, np.flatnonzero(stays)[unnamed]).mean() <= 0.5, kept
