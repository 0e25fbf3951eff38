"""`changes`: another text or picture for a product, served at once, listed and undone."""

from __future__ import annotations

import pytest
from PIL import Image

from tests.support.tiny_release import build_tiny_release


@pytest.fixture
def shop(workspace):
    return build_tiny_release(workspace)


def neighbours(command, tmp_path, item_id: str) -> list[str]:
    assert command("neighbours", "--out", tmp_path / "n.csv", "--arm", "content").code == 0
    lines = (tmp_path / "n.csv").read_text("utf-8").splitlines()
    return [line.split(",")[2] for line in lines if line.startswith(f"{item_id},")]


def test_a_product_is_changed_listed_exported_and_changed_back(shop, command, tmp_path):
    before = neighbours(command, tmp_path, "f1-03")
    like = {"colour": "teal", "length_cm": "111", "occasions": "party"}
    facts = [word for name, value in like.items() for word in ("--attribute", f"{name}={value}")]
    said = command("--json", "changes", "set", "f1-03", "--brand", "House 0", "--category", "Wedding", *facts)
    assert said.code == 0, said.err
    assert set(said.result["fields"]) == {"brand", "category", "colour", "length cm", "occasions"}
    after = neighbours(command, tmp_path, "f1-03")
    assert sum(one.startswith("f4") for one in before) < sum(one.startswith("f4") for one in after)
    (listed,) = command("--json", "changes", "list").result["changes"]
    assert (listed["item_id"], listed["served"]) == ("f1-03", True)
    # A second change adds to the first.
    again = command("--json", "changes", "set", "f1-03", "--title", "T").result["fields"]
    assert set(again) == {*said.result["fields"], "title"}
    assert command("changes", "undo", "f1-03").code == 0
    assert neighbours(command, tmp_path, "f1-03") == before
    assert command("--json", "changes", "list").result["changes"] == []


def test_a_picture_is_stored_and_what_makes_no_sense_is_refused(shop, command, tmp_path):
    Image.new("RGB", (40, 50), "navy").save(tmp_path / "p.png")
    (tmp_path / "bad.png").write_bytes(b"GIF89a")
    assert command("--json", "changes", "set", "f1-03", "--image", tmp_path / "p.png").result["fields"] == ["picture"]
    for words, sentence in (
        (("f1-03", "--image", tmp_path / "bad.png"), "bad.png"),
        (("f1-03", "--image", tmp_path / "none.png"), "none.png"),
        (("f1-03", "--attribute", "fabric=silk"), "fabric"),
        (("f1-03", "--price", "-1"), "negative"),
        (("f1-03",), "nothing would be changed"),
        (("nobody", "--title", "x"), "nobody"),
        ((), "name the product"),
        (("f1-03", "f1-04", "--title", "x"), "name the product"),
    ):
        refused = command("changes", "set", *words)
        assert (refused.code, sentence in refused.err) == (2, True), (words, refused.err)
