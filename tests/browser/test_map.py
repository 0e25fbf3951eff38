"""The map in a real browser: painted by WebGL or without, hovered, selected, tapped, searched."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, TimeoutError, expect

from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
from tests.browser.conftest import CHROMIUM_FLAGS, take_focus
from tests.support.tiny_release import TinyRelease, build_tiny_release

pytestmark = pytest.mark.browser
NO_WEBGL = "HTMLCanvasElement.prototype.getContext = (get => function (kind, ...rest) { return kind === 'webgl2' ? null : get.call(this, kind, ...rest); })(HTMLCanvasElement.prototype.getContext)"

A_CARD = "WebGL2RenderingContext.prototype.getParameter = (get => function (name) { return name === 37446 ? 'A card' : get.call(this, name); })(WebGL2RenderingContext.prototype.getParameter)"
SOFTWARE_WEBGL = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> TinyRelease:
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("browser") / "workspace"), 120)


@pytest.fixture(scope="module")
def address(tiny: TinyRelease, start_server) -> str:
    return str(start_server(tiny.workspace.root))


def open_map(page: Page, address: str, query: str = "") -> None:
    page.goto(f"{address}/map{query}")
    expect(page.locator(".map")).to_have_attribute("data-painted", "yes")


def on_screen(page: Page, tiny: TinyRelease, item_id: str, panel: int = 1) -> tuple[float, float]:
    """Where the dot of a product lies on an untouched map, in pixels of the window."""
    maps = Recommender.open(tiny.workspace).maps.set_index("item_id").loc[item_id]
    x, y = (float(maps[f"{('als', 'hybrid')[panel]}_{axis}"]) for axis in "xy")
    stage = page.locator(".stage").nth(panel)
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box
    scale = min(box["width"], box["height"]) / 2 * 0.94
    return box["x"] + box["width"] / 2 + x * scale, box["y"] + box["height"] / 2 - y * scale


def hover(page: Page, tiny: TinyRelease, item_id: str) -> None:
    """Point at a product until its picture shows: what is still being drawn above the map can move it away."""
    for _ in range(20):
        page.mouse.move(*on_screen(page, tiny, item_id))
        try:
            page.locator(".lookup").wait_for(state="visible", timeout=1_000)
        except TimeoutError:
            page.mouse.move(0, 0)
        else:
            return
    expect(page.locator(".lookup")).to_be_visible()


def test_hovering_shows_the_product_clicking_opens_it_and_back_returns_to_the_map(address, tiny, page: Page):
    open_map(page, address)
    hover(page, tiny, "f1-00")
    title = page.locator(".lookup strong").inner_text()
    page.mouse.down()
    page.mouse.up()
    expect(page).to_have_url(re.compile("similar_items"))
    expect(page.locator(".lt-product h2")).to_have_text(title)
    page.go_back()
    expect(page.locator(".map")).to_have_attribute("data-painted", "yes")


@pytest.fixture(params=["webgl", "plain"])
def painted_by(request, browser: Browser) -> Iterator[tuple[Page, str]]:
    """A page that draws by WebGL (on the processor, under another name), and one that has none."""
    flags = [flag for flag in CHROMIUM_FLAGS if flag != "--disable-gpu"] + SOFTWARE_WEBGL
    chromium = browser.browser_type.launch(executable_path=shutil.which("chromium"), args=flags)
    page = chromium.new_page()
    page.add_init_script(A_CARD if request.param == "webgl" else NO_WEBGL)
    yield page, request.param
    chromium.close()


def test_a_box_selects_what_lies_in_it_and_lists_it_as_cards(address, tiny, painted_by):
    page, kind = painted_by
    open_map(page, address)
    expect(page.locator(".map")).to_have_attribute("data-kind", kind)
    pixels = np.asarray(Image.open(io.BytesIO(page.locator(".stage").nth(1).screenshot())).convert("RGB")).astype(int)
    assert (pixels[..., 0] - pixels[..., 2] > 60).sum() > 500  # the head's dots are orange, and nothing else is
    page.get_by_role("button", name="Box").click()
    box = page.locator(".stage").nth(1).bounding_box()
    assert box
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(box["x"] + box["width"] - 4, box["y"] + box["height"] - 4)
    page.mouse.up()
    expect(page.locator(".status")).to_contain_text("120 products selected")
    expect(page.locator(".card")).to_have_count(48)
    page.reload()
    expect(page.locator(".status")).to_contain_text("120 products selected")
    page.locator(".status").get_by_role("button", name="Clear").click()
    expect(page.locator(".card")).to_have_count(0)


def test_a_tap_shows_the_card_and_its_button_opens_the_product(address, tiny, browser: Browser):
    with browser.new_context(viewport={"width": 360, "height": 780}, has_touch=True, is_mobile=True) as context:
        page = context.new_page()
        open_map(page, address)
        page.touchscreen.tap(*on_screen(page, tiny, "f2-01"))
        expect(page.locator(".lookup.pinned")).to_be_visible()
        expect(page).to_have_url(f"{address}/map")
        page.get_by_role("link", name="Open product").tap()
        expect(page).to_have_url(re.compile("similar_items"))


def test_keys_move_the_map_and_show_the_product_in_the_middle(address, page: Page):
    open_map(page, address)
    take_focus(page.locator(".stage").nth(1))
    for key in ("+", "+", "ArrowLeft", "0", "Enter"):
        page.keyboard.press(key)
    expect(page.locator(".lookup.pinned")).to_be_visible()
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Ring similar items").click()
    expect(page).to_have_url(re.compile("near="))
    expect(page.locator(".card")).to_have_count(11)
    page.get_by_role("button", name="Stop highlighting").click()
    expect(page.locator(".card")).to_have_count(0)
