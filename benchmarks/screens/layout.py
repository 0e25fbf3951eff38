"""Cumulative layout shift of every page on a cold load, at 1,360 and 360 pixels, Today's also while it is worked out at the largest size; when a product's page is painted."""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import Any

from benchmarks.screens.shops import SMALL, addresses, dashboard, made_workspace
from benchmarks.screens.watched import PHONE, WIDE, opened
from benchmarks.support import launch_browser

PAINTS = 5
PAINTED = """
() => new Promise(done => {
  const look = () => {
    const product = document.querySelector(".lt-product img");
    const cards = [...document.querySelectorAll("*")].flatMap(one => one.shadowRoot ? [...one.shadowRoot.querySelectorAll(".card img")] : []);
    if (product?.complete && cards.length && cards.slice(0, 6).every(one => one.complete)) done(performance.now());
    else requestAnimationFrame(look);
  };
  look();
})
"""


def measure(arguments: argparse.Namespace) -> dict[str, tuple[Any, ...]]:
    """Open every page in a browser that has never been here; open a product from the list, as people do."""
    workspace = made_workspace(arguments.folder, SMALL)
    pages = addresses(workspace)
    shifts: dict[str, dict[str, float]] = {"wide": {}, "phone": {}}
    causes: dict[str, list[Any]] = {}
    with dashboard(workspace) as address, launch_browser() as browser:
        with opened(browser, address):
            pass  # the server has opened the release
        for look, viewport in (("wide", WIDE), ("phone", PHONE)):
            for name, path in pages.items():
                with opened(browser, f"{address}/{path}", viewport=viewport) as page:
                    shifts[look][name] = round(page.evaluate("window.__largestWindow()"), 3)
                    if shifts[look][name] > 0.1:
                        causes[f"{name} {look}"] = sorted(
                            page.evaluate("window.__shifts"), key=lambda one: -one["value"]
                        )[:3]
        painted = [_seconds_to_product(browser, address) for _ in range(PAINTS)]
    large = _shifts_of_first_page(made_workspace(arguments.folder, max(arguments.products)))
    for name, moved in causes.items():
        print(name, *moved, sep="\n   ", flush=True)
    return {
        "layout_shift": (max(shifts["wide"].values()), "<= 0.1", {"pages": shifts["wide"]}),
        "layout_shift_phone": (max(shifts["phone"].values()), "<= 0.1", {"pages": shifts["phone"]}),
        "layout_shift_today_worked_out": (
            max(large.values()),
            "<= 0.1",
            {"products": max(arguments.products), "at": large},
        ),
        "product_painted_s": (round(statistics.median(painted), 2), "<= 1", {"each": painted}),
    }


def _shifts_of_first_page(workspace: Path) -> dict[str, float]:
    """Today on a server that has just started, which works out what it says while the page is open."""
    shifts = {}
    for look, viewport in (("wide", WIDE), ("phone", PHONE)):
        with (
            dashboard(workspace) as address,
            launch_browser() as browser,
            opened(browser, address, viewport=viewport) as page,
        ):
            shifts[look] = round(page.evaluate("window.__largestWindow()"), 3)
    return shifts


def _seconds_to_product(browser: Any, address: str) -> float:
    """From a click on a card of the list until the product and the first cards beside it have their pictures."""
    with opened(browser, f"{address}/similar_items") as page:
        began = page.evaluate("performance.now()")
        page.locator(".card .open").nth(3).click()
        return round((page.evaluate(PAINTED) - began) / 1000, 3)
