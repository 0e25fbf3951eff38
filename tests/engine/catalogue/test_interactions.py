from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.catalogue.interactions import Interactions, read_interactions
from engine.catalogue.snapshot import write_snapshot
from engine.core.errors import InteractionsError, NoDataError
from engine.core.settings import InteractionSettings
from engine.core.workspace import Workspace

DAY = 86_400


def aggregate(
    workspace: Workspace,
    rows: list[dict[str, object]],
    item_ids: tuple[str, ...] = ("a", "b"),
    *,
    info: dict[str, object] | None = None,
    **settings: object,
) -> Interactions:
    columns = ["user_id", "item_id", "event", "value", "timestamp"]
    events = pd.DataFrame([{**dict.fromkeys(columns), **row} for row in rows], columns=columns)
    items = pd.DataFrame({"item_id": ["a", "b"]})
    write_snapshot(workspace, items, events.astype({"timestamp": "Int64", "value": "float64"}), info or {}, {})
    return read_interactions(workspace, item_ids, InteractionSettings(**settings))  # type: ignore[arg-type]


def event(user: str, item: str, **more: object) -> dict[str, object]:
    return {"user_id": user, "item_id": item, **more}


def test_one_event_without_kind_or_value_weighs_one(workspace: Workspace) -> None:
    found = aggregate(workspace, [event("u", "a")])
    assert found.user_items.dtype == np.float32
    assert found.user_items.toarray().tolist() == [[1.0, 0.0]]


def test_shoppers_are_sorted_and_columns_follow_the_given_products(workspace: Workspace) -> None:
    found = aggregate(workspace, [event("v", "a"), event("u", "b")], ("b", "a"))
    assert found.user_ids.tolist() == ["u", "v"]
    assert found.user_items.toarray().tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert found.user_items.has_canonical_format


def test_counts_are_distinct_shoppers(workspace: Workspace) -> None:
    found = aggregate(workspace, [event("u", "a"), event("u", "a"), event("v", "a"), event("v", "b")])
    assert found.counts.tolist() == [2, 1]
    assert found.counts.dtype == np.int64


def test_kinds_of_event_weigh_relative_to_the_lightest(workspace: Workspace) -> None:
    found = aggregate(workspace, [event("u", "a", event="view"), event("u", "b", event="purchase")])
    assert found.user_items.toarray().tolist() == [[1.0, 5.0]]
    alone = aggregate(workspace, [event("u", "a", event="purchase")])
    assert alone.user_items.toarray().tolist() == [[1.0, 0.0]]


def test_different_kinds_of_one_pair_add_up(workspace: Workspace) -> None:
    rows = [event("u", "a", event="view"), event("u", "a", event="purchase")]
    assert aggregate(workspace, rows).user_items[0, 0] == 6.0


def test_an_unknown_kind_gets_the_other_weight_and_weight_zero_is_no_interest(workspace: Workspace) -> None:
    rows = [event("u", "a", event="view"), event("u", "b", event="wink")]
    assert aggregate(workspace, rows, other_event_weight=2.0).user_items.toarray().tolist() == [[1.0, 2.0]]
    assert aggregate(workspace, rows, other_event_weight=0.0).user_items.toarray().tolist() == [[1.0, 0.0]]


def test_a_wholesale_order_does_not_swamp(workspace: Workspace) -> None:
    rows = [event("u", "a", value=1), event("v", "a", value=1000)]
    weights = aggregate(workspace, rows, info={"value_kind": "quantity"}).user_items[:, 0].toarray().ravel()
    assert weights[0] == 1.0
    assert weights[1] == pytest.approx(math.log2(1 + math.log2(1001)), rel=1e-5)


def test_repeats_count_more_but_ever_less(workspace: Workspace) -> None:
    rows = [event("u", "a")] + [event("v", "a")] * 3 + [event("w", "a")] * 7
    assert aggregate(workspace, rows).user_items[:, 0].toarray().ravel().tolist() == [1.0, 2.0, 3.0]


def test_ratings_below_the_lowest_are_no_interest(workspace: Workspace) -> None:
    rows = [event("u", "a", value=5), event("u", "b", value=2), event("v", "b", value=3), event("w", "a", value=1)]
    info = {"value_kind": "rating", "min_rating": 3.0}
    found = aggregate(workspace, rows, info=info)
    assert found.user_ids.tolist() == ["u", "v"]
    assert found.user_items.toarray().tolist() == [[2.0, 0.0], [0.0, 1.0]]
    assert aggregate(workspace, rows, info=info, min_rating=5.0).user_ids.tolist() == ["u"]


def test_of_two_ratings_the_newest_counts(workspace: Workspace) -> None:
    info = {"value_kind": "rating", "min_rating": 3.0}
    rows = [
        event("u", "a", value=5, timestamp=10),
        event("u", "a", value=1, timestamp=20),
        event("v", "a", value=1, timestamp=10),
        event("v", "a", value=5, timestamp=20),
    ]
    found = aggregate(workspace, rows, info=info)
    assert found.user_ids.tolist() == ["v"]
    assert found.first_timestamps is not None
    assert found.first_timestamps.tolist() == [20]


def test_a_view_beside_ratings_counts_as_a_view(workspace: Workspace) -> None:
    rows = [event("u", "a", value=4, event="rating"), event("u", "b", event="view")]
    found = aggregate(workspace, rows, info={"value_kind": "rating", "min_rating": 4.0})
    assert found.user_items.toarray().tolist() == [[1.0, 1.0]]


def test_decay_halves_what_is_one_half_life_old(workspace: Workspace) -> None:
    rows = [event("u", "a", timestamp=1_000 * DAY), event("u", "b", timestamp=990 * DAY)]
    found = aggregate(workspace, rows, half_life_days=10.0)
    assert found.user_items.toarray().tolist() == [[1.0, 0.5]]


def test_however_old_an_interaction_stays_one(workspace: Workspace) -> None:
    rows = [event("u", "a", timestamp=20_000 * DAY), event("u", "b", timestamp=DAY)]
    found = aggregate(workspace, rows, half_life_days=1.0)
    assert found.user_items.nnz == 2
    assert found.user_items[0, 1] > 0


def test_first_timestamps_are_aligned_with_the_data(workspace: Workspace) -> None:
    rows = [
        event("v", "a", timestamp=30),
        event("u", "b", timestamp=20),
        event("u", "a", timestamp=50),
        event("u", "a", timestamp=40),
    ]
    first = aggregate(workspace, rows).first_timestamps
    assert first is not None
    assert (first.dtype, first.tolist()) == (np.int64, [40, 20, 30])


def test_no_times_at_all_give_none_and_a_missing_one_the_earliest(workspace: Workspace) -> None:
    assert aggregate(workspace, [event("u", "a")]).first_timestamps is None
    first = aggregate(workspace, [event("u", "a"), event("u", "b", timestamp=7)]).first_timestamps
    assert first is not None
    assert first.tolist() == [7, 7]


def test_products_left_out_take_their_shoppers_along(workspace: Workspace) -> None:
    found = aggregate(workspace, [event("u", "a"), event("v", "b")], ("a",))
    assert found.user_ids.tolist() == ["u"]
    assert found.user_items.shape == (1, 1)


def test_nothing_left_is_an_error_that_says_why(workspace: Workspace) -> None:
    with pytest.raises(InteractionsError, match="rating of at least 3"):
        aggregate(workspace, [event("u", "a", value=1)], info={"value_kind": "rating", "min_rating": 3.0})


def test_an_empty_workspace_has_no_interactions(workspace: Workspace) -> None:
    with pytest.raises(NoDataError):
        read_interactions(workspace, ["a"], InteractionSettings())


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from("uvwxyz"), st.sampled_from("ab"), st.integers(1, 50)), min_size=1, max_size=60)
)
def test_the_aggregation_agrees_with_a_loop(workspace: Workspace, rows: list[tuple[str, str, int]]) -> None:
    found = aggregate(
        workspace, [event(user, item, value=n) for user, item, n in rows], info={"value_kind": "quantity"}
    )
    units: dict[tuple[str, str], float] = {}
    for user, item, n in rows:
        units[user, item] = units.get((user, item), 0.0) + math.log2(1 + n)
    users = sorted({user for user, _ in units})
    assert found.user_ids.tolist() == users
    expected = [[math.log2(1 + units.get((user, item), 0.0)) for item in "ab"] for user in users]
    np.testing.assert_allclose(found.user_items.toarray(), expected, rtol=1e-5)
