from __future__ import annotations

import numpy as np
import pandas as pd

from engine.catalogue.snapshot import ITEM_COLUMNS, write_snapshot
from engine.catalogue.summary import ShopSummary, head_size, summarise_shop
from engine.core.workspace import Workspace


def test_a_shop_is_counted(workspace: Workspace) -> None:
    items = pd.DataFrame({"item_id": ["a", "b", "c"], "title": ["A", "B", "C"], "price": [1.0, None, 3.0]})
    events = pd.DataFrame({"user_id": ["u"] * 8 + ["v", "w"], "item_id": ["a"] * 8 + ["b", "c"]})
    write_snapshot(workspace, items, events, {}, {})
    assert summarise_shop(workspace) == ShopSummary(
        n_products=3,
        n_events=10,
        n_shoppers=3,
        n_head=1,
        filled={**dict.fromkeys(ITEM_COLUMNS, 0), "item_id": 3, "title": 3, "price": 2},
    )


def test_what_was_taken_back_is_no_event(workspace: Workspace) -> None:
    events = pd.DataFrame({"user_id": ["u", "u", "v"], "item_id": "a", "event": ["purchase", "refund", "void"]})
    write_snapshot(workspace, pd.DataFrame({"item_id": ["a"]}), events, {}, {})
    summary = summarise_shop(workspace)
    assert (summary.n_events, summary.n_shoppers) == (1, 1)


def test_the_head_is_the_fewest_products_with_four_fifths_of_the_events() -> None:
    assert head_size(np.array([1, 5, 1, 3])) == 2
    assert head_size(np.array([1] * 10)) == 8
    assert head_size(np.array([], dtype=np.int64)) == 0
