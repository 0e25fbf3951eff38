"""Where the main thing of every page begins on a phone of 360 and of 320 pixels, and what is wider than it."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.screens.shops import SMALL, addresses, dashboard, made_workspace
from benchmarks.screens.watched import MAIN_THINGS, MAIN_TOP, opened
from benchmarks.support import launch_browser

WIDTHS = (360, 320)


def measure(arguments: argparse.Namespace) -> dict[str, tuple[Any, ...]]:
    """Results, a card, a chart, a table: the first of them on each page, from its top in pixels."""
    workspace = made_workspace(arguments.folder, SMALL)
    tops: dict[int, dict[str, int]] = {}
    wider: dict[str, int] = {}
    with dashboard(workspace) as address, launch_browser() as browser:
        for width in WIDTHS:
            tops[width] = {}
            for name, path in addresses(workspace).items():
                with opened(browser, f"{address}/{path}", viewport={"width": width, "height": 780}) as page:
                    top = page.evaluate(MAIN_TOP, MAIN_THINGS)
                    tops[width][name] = round(min(top, 9_999))
                    over = page.evaluate(
                        "() => { const m = document.querySelector('[data-testid=stMain]'); return m.scrollWidth - m.clientWidth }"
                    )
                    if over > 1:
                        wider[f"{name} at {width}"] = over
    return {
        **{
            f"phone_{width}_main_top_px": (max(found.values()), "<= 640", {"pages": found})
            for width, found in tops.items()
        },
        "phone_pages_that_scroll_sideways": (len(wider), "0", {"pages": wider}),
    }
