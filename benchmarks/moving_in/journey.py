"""From an empty workspace to judged neighbours, with a WooCommerce export and its pictures, in Chromium alone.

The export is made of the demo shop's 2,000 drawn dresses and its shoppers' purchases, carts and views, before the clock
starts. The clock then runs from starting the dashboard until the neighbours of a product are judged: the first visit,
three files, the look at the columns, the load, the summary, the training, and the similar items. While a run is at work,
its progress line is read five times a second.
"""

from __future__ import annotations

import argparse
import csv
import re
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.support import engine, free_port, launch_browser, run_child, serve_dashboard
from engine.core.workspace import Workspace

__all__ = ["measure"]

N_PRODUCTS = 2_000
N_SHOPPERS = 6_000
LOOKS_PER_SECOND = 5
PATIENCE_MS = 120_000
RUN_SECONDS = 1_800
Figures = dict[str, tuple[float, str, dict[str, Any]]]


def measure(arguments: argparse.Namespace) -> Figures:
    """Minutes, the longest silence of the progress line, and how often a bar fell."""
    with tempfile.TemporaryDirectory() as folder:
        return journey(Path(folder), N_PRODUCTS, N_SHOPPERS)


def journey(folder: Path, n_products: int, n_shoppers: int) -> Figures:
    """The figures of one journey with a shop of this size, in an empty folder."""
    files = write_export(folder, n_products, n_shoppers)
    workspace, watched, marks = folder / "workspace", Watch(), {}
    workspace.mkdir()
    port = free_port()
    began = time.monotonic()
    with serve_dashboard(workspace, port, folder / "dashboard.log"), launch_browser() as browser:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)

        def mark(what: str) -> None:
            marks[what] = round(time.monotonic() - began, 1)

        _open(page, f"http://localhost:{port}")
        page.get_by_role("button", name="Load your own shop").click()
        _give(page, files)
        page.get_by_text("this looks like WooCommerce").wait_for()
        mark("columns_shown")
        page.get_by_role("button", name="Load", exact=True).click()
        watched.until(page, lambda: page.get_by_role("button", name="Train", exact=True).is_visible())
        mark("summary_shown")
        page.get_by_role("button", name="Train", exact=True).click()
        watched.until(page, lambda: page.get_by_role("button", name="See your similar items").is_visible())
        mark("trained")
        page.get_by_role("button", name="See your similar items").click()
        page.locator(".card .open").first.wait_for()
        _judge(page)
        mark("judged")
    priced = pd.read_parquet(Workspace(workspace).current_snapshot() / "items.parquet", columns=["price", "image"])
    details = {"products": n_products, "seconds_until": marks} | priced.notna().mean().round(3).to_dict()
    return {
        "journey_minutes": (round(marks["judged"] / 60, 2), "<= 5", details),
        "journey_longest_silence_seconds": (round(watched.silence, 1), "<= 5", {"lines": watched.lines}),
        "journey_bar_drops": (watched.drops, "== 0", {}),
    }


class Watch:
    """The progress of runs as somebody sees it: the longest time without a change, and how often a bar fell."""

    def __init__(self) -> None:
        self.silence, self.lines, self.drops = 0.0, 0, 0

    def until(self, page: Any, reached: Callable[[], bool]) -> None:
        """Look at the progress until `reached`; raises `TimeoutError` after half an hour."""
        line, changed, share, began = "", time.monotonic(), 0.0, time.monotonic()
        while not reached():
            if time.monotonic() - began > RUN_SECONDS:
                raise TimeoutError(f"the run does not end; the last line was {line!r}")
            seen, done = page.evaluate(_SEEN)
            now = time.monotonic()
            self.silence = max(self.silence, now - changed)
            if seen != line:
                line, changed = seen, now
                self.lines += 1
            self.drops += done is not None and done < share
            share = share if done is None else max(share, done)
            page.wait_for_timeout(1000 / LOOKS_PER_SECOND)


_SEEN = """() => {
  const bar = document.querySelector('[data-testid=stProgress]');
  const value = bar?.querySelector('[role=progressbar]')?.getAttribute('aria-valuenow');
  return [bar?.innerText ?? '', value == null ? null : Number(value)];
}"""


def write_export(folder: Path, n_products: int, n_shoppers: int) -> dict[str, Path]:
    """The demo shop as WooCommerce exports it, with orders and clicks by SKU, and the uploads folder as a zip."""
    drawn = Workspace(folder / "drawn")
    run_child(engine(drawn.root, "demo", "--items", str(n_products), "--shoppers", str(n_shoppers)))
    snapshot = drawn.current_snapshot()
    items, events = pd.read_parquet(snapshot / "items.parquet"), pd.read_parquet(snapshot / "interactions.parquet")
    files = {role: folder / name for role, name in _NAMES.items()}
    attributes = [name for name in items.columns if name not in _FIELDS]
    _write(files["items"], (_product(number, row, attributes) for number, row in enumerate(items.to_dict("records"))))
    _write(files["interactions"], (_event(row) for row in events.to_dict("records")))
    with zipfile.ZipFile(files["images"], "w") as archive:
        for number, image in enumerate(items["image"]):
            archive.write(drawn.image_file(image), f"uploads/2024/01/dress-{number}.jpg")
    return files


_NAMES = {"items": "wc-product-export.csv", "interactions": "orders-and-views.csv", "images": "uploads.zip"}
_FIELDS = ("item_id", "title", "description", "brand", "category", "price", "image")


def _product(number: int, row: Mapping[str, Any], attributes: Iterable[str]) -> dict[str, Any]:
    product = {
        "ID": 1_000 + number,
        "Type": "simple",
        "SKU": row["item_id"],
        "Name": row["title"],
        "Published": 1,
        "Is featured?": 0,
        "Visibility in catalog": "visible",
        "Description": f"<p>{row['description']}</p>",
        "Sale price": "",
        "Regular price": row["price"],
        "Categories": f"Clothing > {row['category']}",
        "Brands": row["brand"],
        "Images": f"https://shop.example.com/wp-content/uploads/2024/01/dress-{number}.jpg",
    }
    for position, name in enumerate(attributes, 1):
        product[f"Attribute {position} name"] = name
        product[f"Attribute {position} value(s)"] = _cell(row[name])
    return product


def _cell(value: Any) -> str:
    """Several values as WooCommerce writes them."""
    several = value.tolist() if hasattr(value, "tolist") else value
    return ", ".join(map(str, several)) if isinstance(several, list) else str(several)


def _event(row: Mapping[str, Any]) -> dict[str, Any]:
    moment = pd.Timestamp(row["timestamp"], unit="s")
    return {"customer": row["user_id"], "sku": row["item_id"], "event": row["event"], "date": moment.isoformat()}


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    listed = list(rows)
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, list(listed[0]))
        writer.writeheader()
        writer.writerows(listed)


def _open(page: Any, address: str) -> None:
    from playwright.sync_api import Error

    for _ in range(300):
        try:
            page.goto(address)
            return
        except Error:
            time.sleep(0.1)
    raise TimeoutError(f"{address} did not answer within 30 s")


def _give(page: Any, files: Mapping[str, Path]) -> None:
    """Give the three files as a person does: one after the other, each when the page rests."""
    page.locator("input[type=file]").first.wait_for(state="attached")
    for position, role in enumerate(_NAMES):
        _rest(page)
        page.locator("input[type=file]").nth(position).set_input_files(files[role])
        page.get_by_text(re.compile(re.escape(files[role].name[:6]))).first.wait_for()
    _rest(page)


def _judge(page: Any) -> None:
    """Open the first product, mark one of Longtail's ten neighbours as irrelevant and the rest as good."""
    page.locator(".card .open").first.click()
    page.get_by_text("Longtail", exact=True).last.wait_for()
    _rest(page)
    page.get_by_text("Who are you?").click()
    page.get_by_role("textbox", name="Your name").fill("Ada")
    page.get_by_role("button", name="Save", exact=True).click()
    _rest(page)
    page.get_by_test_id("stMain").get_by_role("radio", name="Longtail", exact=True).click()
    page.get_by_role("button", name="The rest fit").wait_for()
    page.locator(".flag").first.click()
    page.get_by_text("Saved", exact=True).wait_for()
    page.get_by_role("button", name="The rest fit").click()
    page.get_by_text("Everything here has been judged.").wait_for()


def _rest(page: Any) -> None:
    """Wait until no script has run for a second; Streamlit loses an upload that meets the beginning of a run."""
    still = 0
    while still < 5:
        page.wait_for_timeout(200)
        state = page.locator("[data-testid=stApp]").get_attribute("data-test-script-state")
        still = still + 1 if state == "notRunning" else 0
