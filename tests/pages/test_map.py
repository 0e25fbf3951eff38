"""The Map page on a shop whose neighbours are known."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.core.workspace import Workspace
from engine.maps.places import places_version
from tests.support.tiny_release import build_tiny_release
from ui.app.resources import served
from ui.products.shown_sets import keep_chosen
from ui.widgets.map import chosen_rows


def run_map(**address: str) -> AppTest:
    def script() -> None:
        from pages.map import page

        page()

    app = AppTest.from_function(script, default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


@pytest.fixture
def tiny(workspace: Workspace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    return build_tiny_release(workspace)


def sent(app: AppTest, name: str) -> dict[str, Any]:
    """What the page sends to the component of this name."""
    found = [one.proto for one in app.get("bidi_component") if one.proto.component_name.endswith(name)]
    return json.loads(found[-1].json)


def test_both_panels_say_what_they_show_and_no_product_is_in_the_message(tiny):
    data = sent(run_map(), "longtail_map")
    missing = sum(count == 0 for count in tiny.counts.values())
    assert [panel["note"] for panel in data["panels"]] == [
        f"{missing} products with no clicks not shown",
        "every product shown",
    ]
    assert (data["by"], data["near"], data["ringed"]) == ("traffic", "", [])
    assert len(json.dumps(data)) < 2_000


def test_the_product_in_the_address_is_ringed_with_its_ten_and_listed(tiny):
    app = run_map(near="f1-02")
    data, release = sent(app, "longtail_map"), served().release
    ten = [one.row for one in served().neighbours("f1-02", "hybrid", 10)]
    assert data["ringed"] == [release.row("f1-02"), *ten]
    assert data["near"] == "Striped maxi dress in navy, no. 2"
    (group,) = sent(app, "longtail_cards")["groups"]
    assert next(card["item_id"] for card in group["cards"]) == "f1-02"
    assert len(group["cards"]) == 11


def test_a_product_or_a_colour_that_is_not_there_is_no_error(tiny):
    data = sent(run_map(near="gone", colour="nothing"), "longtail_map")
    assert (data["near"], data["by"]) == ("", "traffic")


def test_the_map_can_be_coloured_by_whatever_tells_products_apart(tiny):
    data = sent(run_map(colour="colour"), "longtail_map")
    names = [name for name, _ in data["choices"]]
    assert names == ["traffic", "irrelevance", "category", "brand", "price", "colour", "length_cm", "occasions"]
    assert data["by"] == "colour"


def test_a_selection_in_the_address_is_marked_listed_and_can_be_kept_and_one_that_is_forgotten_is_none(tiny):
    app = run_map(chosen=keep_chosen(["f1-02", "gone", "f0-00"], "an area of the map, by Longtail"))
    (group,) = sent(app, "longtail_cards")["groups"]
    assert (group["title"], group["detail"]) == ("2 products selected", "an area of the map, by Longtail")
    assert [card["item_id"] for card in group["cards"]] == ["f0-00", "f1-02"]
    data, release = sent(app, "longtail_map"), served().release
    rows = [release.row("f0-00"), release.row("f1-02")]
    assert chosen_rows({"version": "v", "bits": data["chosen"]}, "v", 60) == rows
    assert "Add to set" in [popover.proto.popover.label for popover in app.get("popover")]
    assert sent(run_map(chosen="chosen:forgotten"), "longtail_map")["chosen"] == ""


def test_what_the_browser_selects_are_rows_of_this_version_or_nothing():
    def bits(*rows: int) -> str:
        flags = np.zeros(24, dtype=np.uint8)
        flags[list(rows)] = 1
        return base64.b64encode(np.packbits(flags).tobytes()).decode()

    assert chosen_rows({"version": "v1", "panel": "als", "bits": bits(0, 9, 17)}, "v1", 18) == [0, 9, 17]
    assert chosen_rows({"version": "v1", "bits": bits(20)}, "v1", 18) == []
    for odd in (None, [], "x", {}, {"version": "v0", "bits": bits(1)}, {"version": "v1", "bits": 5}):
        assert chosen_rows(odd, "v1", 18) == []
    many = base64.b64encode(b"\xff" * 626).decode()
    assert chosen_rows({"version": "v1", "bits": many}, "v1", 5_000) == list(range(5_000))
    assert chosen_rows({"version": "v1", "bits": many}, "v1", 5_001) == []
    for broken in ("%%%", "A" * 1000, "é", "abc"):
        assert chosen_rows({"version": "v1", "bits": broken}, "v1", 18) == []


def test_the_version_is_another_one_once_drafts_are(tiny):
    run_map()
    shop = served()
    assert places_version(shop.release, shop.drafts).startswith(shop.release.version)
