"""`places`: given, listed, ended, refused and recorded."""

from __future__ import annotations

import pytest

from tests.support.tiny_release import build_tiny_release


@pytest.fixture
def shop(workspace):
    return build_tiny_release(workspace)


def test_a_place_is_given_shown_on_lists_listed_recorded_and_ended(shop, command, tmp_path):
    def lists_with(item_id: str) -> int:
        assert command("neighbours", "--out", tmp_path / "n.csv", "--k", "10").code == 0
        return sum(line.split(",")[2] == item_id for line in (tmp_path / "n.csv").read_text("utf-8").splitlines())

    before = lists_with("f5-09")
    given = command("--json", "places", "give", "f5-09", "--lists", "40", "--days", "7")
    assert (given.code, given.result["given"], given.result["kind"]) == (0, ["f5-09"], "guaranteed")
    assert lists_with("f5-09") >= 40 > before
    (place,) = command("--json", "places", "list").result["places"]
    assert (place["item_id"], place["lists"], place["until"]) == ("f5-09", 40, given.result["until"])
    assert "a head start on every list until" in command("places", "give", "f5-09", "--boost").out
    assert command("--json", "places", "list").result["places"][0]["kind"] == "boosted"
    assert command("places", "end", "f5-09", "f5-08").out == "Ended: f5-09. Without a place: f5-08.\n"
    assert lists_with("f5-09") == before
    assert "give places" in command("audit").out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("give", "nobody"), "nobody"),
        (("give",), "name the products"),
        (("end",), "name the products"),
        (("give", "f5-09", "--days", "91"), "1 to 90 days"),
        (("give", "f5-09", "--lists", "1001"), "1 to 1000 lists"),
    ],
)
def test_what_cannot_be_given_is_refused_with_a_reason(shop, command, words, sentence):
    refused = command("places", *words)
    assert refused.code == 2
    assert sentence in refused.err
    assert command("--json", "places", "list").result["places"] == []


def test_of_several_products_of_which_one_is_unknown_none_gets_a_place(shop, command):
    assert command("places", "give", "f5-09", "nobody").code == 2
    assert command("--json", "places", "list").result["places"] == []
