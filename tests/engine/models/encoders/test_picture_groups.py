"""What pictures are learned by in a shop without attributes: groups of texts, and of shoppers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.catalogue.snapshot import Shop, read_shop, write_snapshot
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.models.encoders import text
from engine.models.encoders.base import Features
from engine.models.encoders.picture_groups import group_labels

SETTINGS = Settings.model_validate({"text": {"model": "none"}})


@pytest.fixture
def shop(workspace: Workspace) -> Shop:
    """120 products in two halves with shoppers of their own: eight a product, and forty for the first ten."""
    rng = np.random.default_rng(0)
    items = pd.DataFrame({"item_id": [f"i{row:03d}" for row in range(120)], "title": ["sun", "rain"] * 60})
    pairs = []
    for row in range(120):
        shoppers = rng.choice(60, 40 if row < 10 else 8, replace=False)
        pairs += [(f"half {row % 2} shopper {shopper}", f"i{row:03d}") for shopper in shoppers]
    write_snapshot(workspace, items, pd.DataFrame(pairs, columns=["user_id", "item_id"]), {}, {})
    return read_shop(workspace)


def test_without_text_products_are_grouped_by_who_likes_them(workspace: Workspace, shop: Shop) -> None:
    (labels,) = group_labels(shop.items, shop, workspace, SETTINGS, 0)
    assert labels.name == "groups of shoppers"
    halves = [labels.targets[half::2].any(axis=0) for half in (0, 1)]
    assert not (halves[0] & halves[1]).any()  # no group has products of both


def test_products_that_quality_is_measured_on_teach_nothing_of_their_shoppers(workspace: Workspace, shop: Shop) -> None:
    (labels,) = group_labels(shop.items, shop, workspace, SETTINGS, 0)
    assert not labels.known[:10].any()  # 40 interactions
    assert labels.known[10:].all()  # 8


def test_texts_are_grouped_by_what_they_say(workspace: Workspace, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    class Sunny:
        modality, dim, fingerprint = "text", 2, "sunny"

        def contents(self, items: pd.DataFrame) -> list[str]:
            return list(items["title"])

        def encode(self, items: pd.DataFrame, workspace: Workspace) -> Features:
            raise AssertionError

        def encode_contents(self, contents, workspace, progress):  # type: ignore[no-untyped-def]
            return np.array([[one == "sun", one == "rain"] for one in contents], dtype=np.float32)

        def save(self, directory: Path) -> None:
            raise AssertionError

    monkeypatch.setattr(text, "fit_text_encoder", lambda *arguments: Sunny())
    shown = shop.items.iloc[20:]
    texts, _ = group_labels(shown, shop, workspace, SETTINGS, 0)
    assert texts.name == "similar texts"
    assert len(texts.classes) == 2
    assert len({tuple(row) for row in texts.targets[::2].tolist()}) == 1
    assert texts.targets[0].tolist() != texts.targets[1].tolist()


def test_a_shop_of_equal_products_without_events_has_no_groups(workspace: Workspace, shop: Shop) -> None:
    few = replace(shop, items=shop.items.head(12))
    assert group_labels(few.items, few, workspace, SETTINGS, 0) == []
