from __future__ import annotations

import math
import random

import pandas as pd
import pytest

from engine.catalogue.interactions import Interactions, read_interactions
from engine.catalogue.snapshot import write_snapshot
from engine.core.errors import InteractionsError
from engine.core.settings import InteractionSettings
from engine.core.workspace import Workspace

COLUMNS = ("user_id", "item_id", "event", "value", "timestamp")


def aggregate(workspace: Workspace, rows: list[tuple[object, ...]], **info: object) -> Interactions:
    """The interactions of (user, item, event, value, timestamp); views of a neutral pair make the view the lightest kind."""
    events = pd.DataFrame([*rows, ("z", "b", "view", None, 1)], columns=COLUMNS)
    items = pd.DataFrame({"item_id": ["a", "b"]})
    write_snapshot(workspace, items, events.astype({"timestamp": "Int64", "value": "float64"}), info, {})
    return read_interactions(workspace, ["a", "b"], InteractionSettings())


def weight(workspace: Workspace, rows: list[tuple[object, ...]], **info: object) -> float:
    """What shopper u thinks of product a."""
    found = aggregate(workspace, rows, **info)
    users = found.user_ids.tolist()
    return float(found.user_items[users.index("u"), 0]) if "u" in users else 0.0


def test_what_was_put_in_the_cart_and_taken_out_again_leaves_the_view(workspace: Workspace) -> None:
    rows = [("u", "a", "view", None, 1), ("u", "a", "cart", None, 2), ("u", "a", "remove_from_cart", None, 3)]
    assert weight(workspace, rows) == 1.0
    assert weight(workspace, rows[1:]) == 0.0


def test_a_removal_concerns_its_own_shopper_and_product_alone(workspace: Workspace) -> None:
    rows = [
        ("u", "a", "cart", None, 1),
        ("v", "a", "cart", None, 1),
        ("u", "b", "cart", None, 1),
        ("v", "a", "remove_from_cart", None, 2),
    ]
    found = aggregate(workspace, rows)
    assert found.user_ids.tolist() == ["u", "z"]
    assert found.user_items.toarray().tolist() == [[3.0, 3.0], [0.0, 1.0]]


def test_a_refund_cancels_the_purchase_it_follows_and_the_cart_that_led_to_it(workspace: Workspace) -> None:
    bought = [("u", "a", "view", None, 1), ("u", "a", "cart", None, 2), ("u", "a", "purchase", None, 3)]
    refunded = ("u", "a", "refund", None, 4)
    assert weight(workspace, [*bought, refunded]) == 1.0
    assert weight(workspace, [*bought, refunded, ("u", "a", "purchase", None, 5)]) == 6.0


def test_a_refund_of_what_nobody_saw_bought_takes_nothing_from_later(workspace: Workspace) -> None:
    assert weight(workspace, [("u", "a", "refund", None, 1), ("u", "a", "purchase", None, 2)]) == 5.0


@pytest.mark.parametrize(
    ("bought", "returned", "left"),
    [([3], 1, [2]), ([3], 3, []), ([1, 4], 2, [1, 2]), ([1, 4], 5, []), ([2, 2], 3, [1]), ([1], 8, [])],
)
def test_quantities_are_taken_back_one_by_one_the_newest_first(
    workspace: Workspace, bought: list[int], returned: int, left: list[int]
) -> None:
    rows = [("u", "a", "purchase", n, time) for time, n in enumerate(bought)]
    found = weight(workspace, [*rows, ("u", "a", "refund", returned, 99)], value_kind="quantity")
    assert found == pytest.approx(5.0 * math.log2(1.0 + sum(math.log2(1.0 + n) for n in left)), rel=1e-5)


def test_without_times_everything_bought_comes_before_what_was_returned(workspace: Workspace) -> None:
    rows = [("u", "a", "refund", 1, None), ("u", "a", None, 2, None)]
    assert weight(workspace, rows, value_kind="quantity") == pytest.approx(1.0)


def test_a_dislike_takes_back_everything_above_a_look_and_only_what_came_before(workspace: Workspace) -> None:
    rows = [("u", "a", "click", None, 1), ("u", "a", "wishlist", None, 2), ("u", "a", "purchase", None, 3)]
    assert weight(workspace, [*rows, ("u", "a", "dislike", None, 4)]) == 1.5
    assert weight(workspace, [*rows, ("u", "a", "dislike", None, 4), ("u", "a", "cart", None, 5)]) == 4.5


def test_a_void_order_takes_back_the_order_of_that_very_moment_alone(workspace: Workspace) -> None:
    rows = [("u", "a", "purchase", 1, 10), ("u", "a", "purchase", 1, 20), ("u", "a", "void", 1, 20)]
    assert weight(workspace, rows, value_kind="quantity") == 5.0
    assert weight(workspace, [rows[0], rows[2]], value_kind="quantity") == 5.0


def test_a_low_rating_takes_back_the_purchase_before_it(workspace: Workspace) -> None:
    info = {"value_kind": "rating", "min_rating": 3.0}
    bought = ("u", "a", "purchase", None, 1)
    assert weight(workspace, [bought, ("u", "a", "rating", 1, 2)], **info) == 0.0
    assert weight(workspace, [bought, ("u", "a", "rating", 1, 2), ("u", "a", "rating", 5, 3)], **info) == 7.0
    assert weight(workspace, [("u", "a", "rating", 1, 1), ("u", "a", "purchase", None, 2)], **info) == 5.0


def test_a_shop_in_which_everything_was_taken_back_has_no_interactions(workspace: Workspace) -> None:
    items = pd.DataFrame({"item_id": ["a"]})
    events = pd.DataFrame([("u", "a", "cart", None, 1), ("u", "a", "remove_from_cart", None, 2)], columns=COLUMNS)
    write_snapshot(workspace, items, events.astype({"timestamp": "Int64", "value": "float64"}), {}, {})
    with pytest.raises(InteractionsError, match="no event counts"):
        read_interactions(workspace, ["a"], InteractionSettings())


def test_the_ledger_agrees_with_a_loop(workspace: Workspace) -> None:
    draw = random.Random(7)
    rows: list[tuple[object, ...]] = []
    expected: dict[str, float] = {}
    for shopper in range(60):
        bought: list[int] = []
        for time in range(draw.randint(1, 12)):
            quantity = draw.randint(1, 4)
            if draw.random() < 0.6:
                bought.append(quantity)
                rows.append((f"u{shopper}", "a", "purchase", quantity, time))
                continue
            rows.append((f"u{shopper}", "a", "refund", quantity, time))
            while quantity and bought:
                last = bought.pop()
                if last > quantity:
                    bought.append(last - quantity)
                quantity = max(quantity - last, 0)
        if bought:
            expected[f"u{shopper}"] = 5.0 * math.log2(1.0 + sum(math.log2(1.0 + n) for n in bought))
    draw.shuffle(rows)
    found = aggregate(workspace, rows, value_kind="quantity")
    weights = dict(zip(found.user_ids.tolist(), found.user_items[:, 0].toarray().ravel().tolist(), strict=True))
    assert weights.pop("z") == 0.0
    assert weights == pytest.approx(expected, rel=1e-5)
