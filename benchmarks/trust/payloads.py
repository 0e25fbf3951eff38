"""Texts of strangers: payloads in every field that comes from outside, looked at on every page and in every file.

A shop is made of them (tests/support/payload_shop.py), and a browser tours the dashboard in the states in which it shows texts. Each
text must be there letter by letter; no element, address, script, dialog or request to another server may come of it. Every kind of
file that Longtail hands out is taken apart, CSV as spreadsheets of several countries do.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.trust import Figures
from tests.browser.conftest import CHROMIUM_FLAGS, free_port, serve
from tests.support.payload_exports import dangers, exports, exports_of_commands
from tests.support.payload_shop import PayloadShop, build_payload_shop
from tests.support.payload_tour import PATIENCE_MS, be, tour
from tests.support.payload_walk import NO_NAMES, PayloadWatch
from tests.support.payloads import payloads

__all__ = ["measure"]

PAYLOADS, AT_ONCE = 320, 80
"""So many payloads, and so many in one shop: fields that a shop has one of hold all of its payloads."""
LISTED = 30


def measure(arguments: argparse.Namespace) -> Figures:
    """How many payloads were seen as text, by field and page; what else came of them; dangerous cells of files."""
    texts = payloads(getattr(arguments, "payloads", None) or PAYLOADS)
    shown, checked = 0, 0
    rendered: list[str] = []
    foreign: list[str] = []
    dangerous: list[str] = []
    for some in (texts[at : at + AT_ONCE] for at in range(0, len(texts), AT_ONCE)):
        with tempfile.TemporaryDirectory(prefix="longtail-payloads-") as folder:
            shop = build_payload_shop(Path(folder) / "workspace", some)
            watch = _toured(shop)
            for name, content in (*exports(shop), *exports_of_commands(shop, Path(folder))):
                more, worse = dangers(name, content)
                checked, dangerous = checked + more, dangerous + worse
        shown += len(watch.shown)
        rendered += watch.rendered
        foreign += watch.foreign
        print(f"{len(some)} payloads: {len(watch.shown):,} shown, {len(watch.rendered)} rendered", flush=True)
    return {
        "payloads": (len(texts), ">= 300"),
        "payloads_by_field_and_page": (shown, "-"),
        "payloads_rendered": (len(rendered), "0", {"which": sorted(set(rendered))[:LISTED]}),
        "payloads_foreign_requests": (len(foreign), "0", {"which": sorted(set(foreign))[:LISTED]}),
        "payloads_cells_of_files": (checked, "-"),
        "payloads_dangerous_cells": (len(dangerous), "0", {"which": dangerous[:LISTED]}),
    }


def _toured(shop: PayloadShop) -> PayloadWatch:
    """What a browser saw of a shop, of every product, draft and campaign in it."""
    port = free_port()
    server = serve(shop.workspace.root, port)
    watch = PayloadWatch(f"http://localhost:{port}", shop.payloads)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=[*CHROMIUM_FLAGS, NO_NAMES])
            context = browser.new_context(viewport={"width": 1360, "height": 860})
            context.set_default_timeout(PATIENCE_MS)
            watch.follow(context)
            be(context, watch.address, shop.payloads[0])
            tour(context.new_page(), watch, shop, range(len(shop.payloads)), thorough=True)
            browser.close()
    finally:
        server.terminate()
        server.wait(30)
    return watch
