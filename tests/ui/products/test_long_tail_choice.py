from __future__ import annotations

from dataclasses import replace

from engine.arms.plan import FavourTrial
from tests.support.tiny_release import TRADE
from ui.products.long_tail_choice import favour_words, trade_sentence


def test_settings_of_the_slider_are_called_by_the_share_they_give():
    assert favour_words(TRADE, 2.0) == {1.0: "under 1%", 2.0: "6%", 6.0: "40%"}


def test_of_settings_that_read_alike_the_served_one_stays():
    alike = replace(TRADE, tried=tuple(FavourTrial(favour, 0.4, 0.06, 0.1) for favour in (1.0, 1.5, 2.0)))
    assert favour_words(alike, 1.5) == {1.5: "6%"}
    assert favour_words(alike, 4.0) == {1.0: "6%"}


def test_the_cost_and_the_gain_of_a_setting_are_said():
    said = trade_sentence(TRADE, 6.0, 0.58, "purchases", served=2.0)
    assert "58% of the catalogue but 5% of the purchases" in said
    assert "show 25% of the long-tail products that shoppers went on to choose (Behaviour: 2%)" in said
    assert "25.0% of the accuracy is given up" in said
    assert said.endswith("The shop serves 6%.")


def test_the_setting_that_the_shop_serves_is_named_so():
    said = trade_sentence(TRADE, 1.0, 0.58, "clicks", served=1.0)
    assert "at no cost" in said
    assert said.endswith("The shop serves this.")
