"""A collection from the browser: how long it takes, whether the page keeps reporting progress, and whether colleagues notice.

The real page gets a sheet and a zip of photos. Ten times a second a script looks at what the page shows (its words, and
the values of its bars) and keeps the longest time without any change while there was work. Meanwhile a colleague in
another browser context opens Similar items again and again, as they did before while the server was idle.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import new_products_page as on_page
from benchmarks.new_products_photos import garment_photos
from benchmarks.support import copy_workspace, free_port, launch_browser_async, serve_dashboard, wait_for
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender

__all__ = ["CollectionTimes", "from_browser", "sheet_of"]

PATIENCE_MS = 600_000
IDLE_LOADS = 30
FIRST_CARD_MS = 60_000
# What a person sees of the page, ten times a second; `longest` in milliseconds, `during` what was shown all that time.
WATCH = """
() => {
  const look = () => {
    const root = document.querySelector('[data-testid="stMain"]') ?? document.body;
    const bars = [...document.querySelectorAll('[role="progressbar"]')].map(
      (bar) => bar.getAttribute("aria-valuenow") + bar.innerHTML.length + getComputedStyle(bar.lastElementChild ?? bar).transform);
    const toasts = [...document.querySelectorAll('[data-testid="stToast"]')].map((toast) => toast.innerText);
    return [root.innerText, ...bars, ...toasts].join("\\n");
  };
  const state = (window.silence = { longest: 0, during: "", since: performance.now(), seen: look(), late: 0 });
  let before = performance.now();
  setInterval(() => {
    const now = performance.now(), seen = look();
    state.late = Math.max(state.late, now - before);
    before = now;
    if (now - state.since > state.longest) [state.longest, state.during] = [now - state.since, state.seen.slice(-300)];
    if (seen !== state.seen) [state.seen, state.since] = [seen, now];
  }, 100);
}
"""
BEGIN = "() => Object.assign(window.silence, { longest: 0, during: '', since: performance.now(), late: 0 })"
END = "() => window.silence"


@dataclass(frozen=True)
class CollectionTimes:
    """Seconds to read and to save, the longest silences (seconds, and what was shown then), and page loads in seconds."""

    reading: float
    saving: float
    silences: dict[str, tuple[float, str]]
    idle: list[float]
    meanwhile: list[float]
    first_load_after: float

    @property
    def slower(self) -> float:
        """How many times as long a colleague's page takes, 95th percentiles."""
        return float(np.percentile(self.meanwhile, 95) / np.percentile(self.idle, 95))


def from_browser(root: Path, rows: int, seed: int) -> CollectionTimes:
    """Measure on a copy of the workspace."""
    with tempfile.TemporaryDirectory(prefix="longtail-collection-") as folder:
        copy = copy_workspace(root, Path(folder) / "workspace")
        recommender = Recommender.open(Workspace(copy))
        sheet, archive = Path(folder) / "collection.xlsx", Path(folder) / "pictures.zip"
        with zipfile.ZipFile(archive, "w") as pictures:
            for number, photo in enumerate(garment_photos(rows, seed)):
                pictures.writestr(f"shoot/{number}.jpg", photo)
        sheet_of(recommender, [f"{number}.jpg" for number in range(rows)], seed).to_excel(sheet, index=False)
        print(f"  {rows} rows, {archive.stat().st_size / 1e6:.0f} MB of photos", flush=True)
        ids = np.random.default_rng(seed).choice(recommender.items["item_id"].to_numpy(), 64).tolist()
        port = free_port()
        with serve_dashboard(copy, port, Path(folder) / "server.log"):
            wait_for(f"http://localhost:{port}")
            return asyncio.run(_measure(f"http://localhost:{port}", sheet, archive, rows, ids))


def sheet_of(recommender: Recommender, pictures: Sequence[str], seed: int, prefix: str = "collection") -> pd.DataFrame:
    """A row for every picture: an id of its own, a title of its own, the other facts of a product of the shop."""
    rng = np.random.default_rng(seed)
    rows = []
    for number, picture in enumerate(pictures):
        product = recommender.product(int(rng.integers(len(recommender.items))))
        named = {**product.attributes, **replace(product, image=None, title=None, attributes={}).to_json()}
        facts = {name: "; ".join(value) if isinstance(value, tuple) else value for name, value in named.items()}
        title = f"{product.title or 'Product'}, no. {number}"
        rows.append({"item_id": f"{prefix}-{number}", "title": title, "pictures": picture, **facts})
    # Texts, as a sheet that is read has them; an empty cell says nothing.
    return pd.DataFrame([{name: str(value) for name, value in row.items()} for row in rows]).fillna("")


async def _measure(address: str, sheet: Path, archive: Path, rows: int, ids: list[str]) -> CollectionTimes:
    async with launch_browser_async() as browser:
        ours, theirs = [await browser.new_context(viewport={"width": 1360, "height": 860}) for _ in range(2)]
        for context in (ours, theirs):
            await context.add_cookies([on_page.curator_cookie(address)])
        page, colleague = await ours.new_page(), await theirs.new_page()
        page.set_default_timeout(PATIENCE_MS)
        await page.goto(f"{address}{on_page.collection_address()}")
        await on_page.collection_sheet_file(page).wait_for(state="attached")
        await _loads(colleague, address, ids[:4], asyncio.Event())  # what is read once is read
        await asyncio.sleep(5)  # and what reads new products is loaded
        idle = await _loads(colleague, address, (ids * IDLE_LOADS)[:IDLE_LOADS], asyncio.Event())
        print(f"  a page while the server is idle: {np.median(idle):.2f} s", flush=True)
        done = asyncio.Event()
        loading = asyncio.create_task(_loads(colleague, address, ids * 1000, done))
        try:
            reading, saving, silences = await _upload(page, sheet, archive, rows)
        finally:
            done.set()
            meanwhile = await loading
        print(f"  {len(meanwhile)} pages meanwhile: {np.median(meanwhile):.2f} s", flush=True)
        (after,) = await _loads(colleague, address, ids[:1], asyncio.Event(), first=1)
        return CollectionTimes(reading, saving, silences, idle, meanwhile, after)


async def _upload(
    page: Any, sheet: Path, archive: Path, rows: int
) -> tuple[float, float, dict[str, tuple[float, str]]]:
    """Seconds from the files to all rows ready, from the click to the confirmation, and the silence of each."""
    silences = {}
    await page.evaluate(WATCH)
    began = time.perf_counter()
    await on_page.collection_sheet_file(page).set_input_files(sheet)
    await page.get_by_text(sheet.name).first.wait_for()  # as a person would: one file after the other
    await on_page.collection_picture_files(page).set_input_files(archive)
    await on_page.collection_ready(page, rows).wait_for()
    reading = time.perf_counter() - began
    silences["reading"] = await _silence(page)
    print(f"  all rows ready after {reading:.1f} s, longest silence {silences['reading'][0]:.2f} s", flush=True)
    await on_page.collection_shown_at_once(page).click()
    save = on_page.collection_save(page, rows)
    await page.wait_for_timeout(300)
    await page.locator(on_page.AT_REST).wait_for(state="attached")  # the switch has run the page again
    await page.evaluate(BEGIN)
    began = time.perf_counter()
    await save.click()
    await on_page.collection_saved(page, rows).wait_for()
    saving = time.perf_counter() - began
    silences["saving"] = await _silence(page)
    print(f"  all saved after {saving:.1f} s more, longest silence {silences['saving'][0]:.2f} s", flush=True)
    return reading, saving, silences


async def _silence(page: Any) -> tuple[float, str]:
    told = await page.evaluate(END)
    return told["longest"] / 1000, " ".join(told["during"].split())


async def _loads(page: Any, address: str, ids: Sequence[str], done: asyncio.Event, *, first: int = 0) -> list[float]:
    """Seconds from asking for Similar items to its first card; every second time with a product open."""
    seconds = []
    for number, item_id in enumerate(ids, start=first):
        if done.is_set():
            break
        began = time.perf_counter()
        await page.goto(f"{address}/similar_items?item={item_id}" if number % 2 else f"{address}/similar_items")
        await page.locator(".card").first.wait_for(timeout=FIRST_CARD_MS)
        seconds.append(time.perf_counter() - began)
    return seconds
