"""Shops as nobody would wish for them: each is trained, or refused in a sentence that says why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.catalogue.snapshot import write_snapshot
from engine.core.errors import TrainingError
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
from engine.training.pipeline import TrainingResult, train
from tests.engine.training.test_pipeline import settings

N = 120
TITLES = {"title": [f"dress number {row} in style {row % 6}" for row in range(N)]}
COLOURS = {"colour": [f"colour {row % 6}" for row in range(N)]}
WORDS_IN_MANY_SCRIPTS = (
    "連衣裙 紅色 夏天",
    "Красное платье летнее",
    "فستان أحمر صيفي",
    "ชุดเดรส สีแดง ฤดูร้อน",
    "Sommerkleid für Mädchen",
    "빨간 여름 드레스",
)


def events(n: int = 1500, seed: int = 0) -> pd.DataFrame:
    """Sixty shoppers, each of whom likes one style in six; the lower its number, the more clicks a product has."""
    rng = np.random.default_rng(seed)
    users = rng.integers(0, 60, n)
    styles = np.where(rng.random(n) < 0.8, users % 6, rng.integers(0, 6, n))
    items = (rng.geometric(0.2, n) * 6 + styles) % N
    return pd.DataFrame({"user_id": [f"u{user}" for user in users], "item_id": [f"i{item}" for item in items]})


def trained(
    workspace: Workspace, columns: dict[str, Any], pairs: pd.DataFrame, kinds: dict[str, str], **changed: Any
) -> tuple[TrainingResult, Recommender]:
    write_snapshot(
        workspace,
        pd.DataFrame({"item_id": [f"i{row}" for row in range(N)]} | columns),
        pairs,
        {"attributes": kinds},
        {},
    )
    return train(workspace, settings(**changed)), Recommender.open(workspace)


def assert_everybody_has_neighbours(result: TrainingResult, shop: Recommender) -> None:
    assert result.published, result.decision
    for row in range(0, N, 7):
        found = shop.neighbours(f"i{row}", "hybrid", 5)
        assert len({one.item_id for one in found} - {f"i{row}"}) == 5
        assert all(np.isfinite(one.score) for one in found)


def test_a_hundred_products_with_the_same_text_are_told_apart_by_their_shoppers(workspace: Workspace) -> None:
    result, shop = trained(workspace, {"title": "The same dress"}, events(), {}, text={"model": "minilm"})
    assert_everybody_has_neighbours(result, shop)
    busiest = shop.items.sort_values("interaction_count", ascending=False)["item_id"].iloc[0]
    same_style = [int(one.item_id[1:]) % 6 == int(busiest[1:]) % 6 for one in shop.neighbours(busiest, "hybrid", 3)]
    assert all(same_style)


@pytest.mark.parametrize("model", ["none", "minilm"])
def test_products_without_any_text_are_refused(workspace: Workspace, model: str) -> None:
    with pytest.raises(TrainingError, match="Load the shop again with titles, pictures or attributes"):
        trained(workspace, {"title": None}, events(), {}, text={"model": model})


def test_one_product_with_all_the_clicks_is_too_little_to_learn_from(workspace: Workspace) -> None:
    pairs = pd.DataFrame({"user_id": [f"u{user}" for user in range(500)], "item_id": "i3"})
    with pytest.raises(TrainingError, match=r"at least 20 products need both interactions and content; there are 1\."):
        trained(workspace, TITLES | COLOURS, pairs, {"colour": "category"})


def test_clicks_on_thirteen_products_alone_are_too_little_to_learn_from(workspace: Workspace) -> None:
    pairs = pd.DataFrame({"user_id": [f"u{n % 40}" for n in range(520)], "item_id": [f"i{n % 13}" for n in range(520)]})
    with pytest.raises(TrainingError, match="at least 20 products need both interactions and content; there are 13"):
        trained(workspace, TITLES | COLOURS, pairs, {"colour": "category"})


def test_a_shop_that_has_just_enough_products_is_trained_without_choosing(workspace: Workspace) -> None:
    pairs = pd.DataFrame({"user_id": [f"u{n % 41}" for n in range(880)], "item_id": [f"i{n % 22}" for n in range(880)]})
    result, shop = trained(workspace, TITLES | COLOURS, pairs, {"colour": "category"})
    assert_everybody_has_neighbours(result, shop)
    assert any("too few to choose settings" in note for note in result.notes)


def test_a_shopper_with_a_hundred_thousand_clicks_hides_nobody_elses_taste(workspace: Workspace) -> None:
    crawler = pd.DataFrame({"user_id": "crawler", "item_id": [f"i{n % N}" for n in range(100_000)]})
    result, shop = trained(workspace, COLOURS, pd.concat([events(), crawler]), {"colour": "category"})
    assert_everybody_has_neighbours(result, shop)
    assert shop.ranked_by_shopper("crawler") == []  # they have everything
    likes_style_2 = [int(one.item_id[1:]) % 6 for one in shop.ranked_by_shopper("u2", "hybrid", 5)]
    assert likes_style_2.count(2) >= 4


def test_shoppers_who_all_have_everything_say_nothing_and_content_is_left(workspace: Workspace) -> None:
    pairs = pd.DataFrame(
        [(f"u{user}", f"i{row}") for user in range(30) for row in range(N)], columns=["user_id", "item_id"]
    )
    result, shop = trained(workspace, COLOURS, pairs, {"colour": "category"})
    assert_everybody_has_neighbours(result, shop)


def test_attributes_that_every_product_has_to_itself_do_no_harm_beside_others(workspace: Workspace) -> None:
    unique = {"serial": [f"serial {row}" for row in range(N)], "codes": [[f"a{row}", f"b{row}"] for row in range(N)]}
    kinds = {"serial": "category", "codes": "multi"}
    result, shop = trained(workspace, unique | COLOURS, events(), kinds | {"colour": "category"})
    assert_everybody_has_neighbours(result, shop)
    with pytest.raises(TrainingError, match="distinguishes any two of them"):
        trained(workspace, unique, events(), kinds)


def test_texts_in_any_script_find_their_own_kind(workspace: Workspace) -> None:
    titles = {"title": [f"{WORDS_IN_MANY_SCRIPTS[row % 6]} {row}" for row in range(N)]}
    pairs = events()
    pairs = pairs[~pairs["item_id"].isin([f"i{row}" for row in range(6)])]
    result, shop = trained(workspace, titles, pairs, {}, text={"model": "minilm"})
    assert_everybody_has_neighbours(result, shop)
    for row in range(6):  # nobody clicked these: only their words say what they are like
        own = [int(one.item_id[1:]) % 6 == row for one in shop.neighbours(f"i{row}", "hybrid", 5)]
        assert sum(own) >= 4, WORDS_IN_MANY_SCRIPTS[row]
