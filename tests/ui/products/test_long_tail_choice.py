from __future__ import annotations

from tests.support.tiny_release import TRADE
from ui.products.long_tail_choice import favour_words, trade_sentence


def test_settings_of_the_slider_are_called_by_the_share_they_give():
    assert favour_words(TRADE) == {1.0: "under 1%", 2.0: "6%", 6.0: "40%"}


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
