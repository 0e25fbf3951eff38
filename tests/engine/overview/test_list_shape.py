"""Hubs, orphans and weak lists, on lists whose answers are known."""

from __future__ import annotations

import numpy as np

from engine.overview.list_shape import HUB_TIMES, hubs, lists_with, orphans, weak_lists

NONE = -1


def test_a_product_is_on_as_many_lists_as_show_it_down_to_the_last_place():
    rows = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, NONE, NONE]], dtype=np.int32)
    assert lists_with(rows, 2).tolist() == [3, 2, 2, 0]
    assert lists_with(rows, 3).tolist() == [3, 2, 2, 3]


def test_a_hub_is_on_ten_times_as_many_lists_as_the_average_product():
    rows = np.full((200, 1), 7, dtype=np.int32)  # all show product 7, which shows product 9
    rows[7] = 9
    on_lists = lists_with(rows, 1)
    assert on_lists[7] >= HUB_TIMES * on_lists.mean() > on_lists[9]
    assert hubs(on_lists).tolist() == [7]
    assert hubs(np.ones(50, dtype=np.int64)).tolist() == []  # all alike
    assert hubs(np.zeros(50, dtype=np.int64)).tolist() == []  # nobody has a list
    assert hubs(np.zeros(0, dtype=np.int64)).tolist() == []


def test_orphans_are_on_no_list_and_come_by_their_traffic():
    assert orphans(np.array([0, 2, 0, 0]), np.array([5, 90, 7, 0])).tolist() == [2, 0, 3]


def test_a_list_is_weak_where_its_similarity_is_far_below_what_is_usual():
    n, k = 100, 5
    rows = np.tile(np.arange(k, dtype=np.int32), (n, 1))
    scores = np.repeat(np.linspace(0.75, 0.85, n, dtype=np.float32)[:, None], k, axis=1)
    scores[40], scores[60] = 0.4, 0.5
    counts = np.ones(n, dtype=np.int64)
    counts[60] = 100
    found, doubt = weak_lists(rows, scores, counts, k)
    assert found.tolist() == [60, 40]  # the busy one first, though the other is weaker
    assert np.allclose(doubt, [1 - 0.5 / 0.8, 1 - 0.4 / 0.8], atol=0.02)


def test_places_without_a_neighbour_and_products_without_a_list_make_no_list_weak():
    rows = np.tile(np.arange(5, dtype=np.int32), (60, 1))
    scores = np.full((60, 5), 0.8, dtype=np.float32)
    rows[3, 1:], scores[3, 1:] = NONE, 0.0
    rows[4], scores[4] = NONE, 0.0
    found, doubt = weak_lists(rows, scores, np.ones(60, dtype=np.int64), 5)
    assert (found.tolist(), doubt.tolist()) == ([], [])


def test_a_handful_of_lists_says_nothing_of_what_is_usual():
    rows, scores = np.zeros((5, 1), dtype=np.int32), np.array([[0.9], [0.9], [0.9], [0.9], [0.1]], dtype=np.float32)
    assert weak_lists(rows, scores, np.ones(5, dtype=np.int64), 1)[0].tolist() == []
