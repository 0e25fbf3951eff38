"""The dashboard of a large shop: every page opened in Chromium, a search, judgements and an export, and reruns on the server.

The release is one of `benchmarks.made_release`, or the one that `days` trained last where `--trained` asks for it; judgements go to a database of their own, which is deleted afterwards. What a page takes in Chromium
is from the click until its run has ended and nothing of it is waited for; beside it stands what the server computed meanwhile, which other work on the
machine changes little. The first time counts as opening, the median of later ones as warm.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import pyarrow.parquet as pq

from benchmarks.judging_browser import FIND, SHOWN
from benchmarks.parts import Measured
from benchmarks.scale.days import workspace_of
from benchmarks.scale.releases import released
from benchmarks.screens.shops import addresses
from benchmarks.screens.speed import SEARCHED, computed_ms, reruns, served
from benchmarks.screens.watched import SHIFTS, WIDE, at_rest
from benchmarks.streamlit_session import StreamlitSession
from benchmarks.support import launch_browser
from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.store import Database
from ui.app.curator import COOKIE
from ui.app.navigation import NAVIGATION

__all__ = ["measure"]

WANTED_MS = {100_000: 150, 1_000_000: 250}
SIMILAR_ITEMS = ("similar_items", "product", *SEARCHED)
FIELDS, READ = ("title", "brand", "category"), 20_000
CARDS = 5
NEXT_CARD = f"([review, before]) => {{ const shown = ({SHOWN})(review); return shown && shown !== before; }}"
PATIENCE_MS = 300_000  # for an export
CURATOR = "Scripted curator"
GIB = 2**30

Seconds = dict[str, list[tuple[float, float]]]
"""What something took each time: on the clock, and of the server's processors."""
Took = Callable[[str, Callable[[], object]], None]
"""Does something named on a page, and notes what it took."""


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """For each size: reruns of Similar items, the slowest page and deed in Chromium, memory of the server, its first page."""
    figures: dict[str, Measured] = {}
    for products in arguments.products:
        workspace = _workspace(arguments, products)
        name = f"pages_trained_{products}" if arguments.trained else f"pages_{products}"
        words = _words(workspace)
        with _database() as url:
            began = time.monotonic()
            with served(workspace.root) as (address, server):
                with StreamlitSession(address, patience=PATIENCE_MS / 1000) as tab:
                    tab.open("similar_items")
                opened = time.monotonic() - began
                seconds, exported = _browsed(address, server, arguments.rounds, words)
                paths = addresses(workspace.root) | SEARCHED
                pages = {name: reruns(address, server, paths[name], arguments.rounds) for name in SIMILAR_ITEMS}
                memory = _memory(server)
            stored = len(JudgementStore(Database(url)).log())
        figures |= {
            f"{name}_{figure}": values
            for figure, values in _figures(products, opened, seconds, exported, pages, memory, stored).items()
        }
    return figures


def _workspace(arguments: argparse.Namespace, products: int) -> Workspace:
    if arguments.trained:
        return workspace_of(arguments, products)
    return released(arguments.folder, products, arguments.seed)


def _words(workspace: Workspace) -> tuple[str, str]:
    """Searches for what few products have, half of a title, and for the word that most have."""
    release = workspace.releases / (workspace.releases / "current").read_text("utf-8").strip()
    table = pq.read_table(release / "items.parquet", columns=list(FIELDS)).slice(0, READ).to_pandas()
    told = table.fillna("").agg(" ".join, axis=1).str.lower().str.split()
    title = table["title"].iloc[len(table) // 2].split()
    (most, _), *_ = Counter(word for words in told for word in set(words)).most_common(1)
    return " ".join(title[: -(-len(title) // 2)]), most


def _figures(
    products: int,
    opened: float,
    seconds: Seconds,
    exported: int,
    pages: dict[str, dict[str, float]],
    memory: dict[str, float],
    stored: int,
) -> dict[str, Measured]:
    warm, worked = (
        {name: round(median(one[side] for one in times[1:]), 2) for name, times in seconds.items() if times[1:]}
        for side in (0, 1)
    )
    exports, export_worked = warm.pop("export"), worked.pop("export")
    slowest, hardest = (max(one, key=one.__getitem__) for one in (warm, worked))
    return {
        "similar_items_p95_ms": (
            max(one["p95_ms"] for one in pages.values()),
            f"<= {WANTED_MS.get(products, 250)}",
            {"pages": pages},
        ),
        "slowest_warm_page_s": (
            warm[slowest],
            "< 1",
            {
                "slowest": slowest,
                "warm": warm,
                "first": {name: round(times[0][0], 2) for name, times in seconds.items()},
            },
        ),
        "slowest_warm_page_computed_s": (
            worked[hardest],
            "< 1",
            {
                "slowest": hardest,
                "warm": worked,
                "first": {name: round(times[0][1], 2) for name, times in seconds.items()},
            },
        ),
        "export_s": (exports, "-", {"bytes": exported, "computed_s": export_worked}),
        "first_opening_s": (round(opened, 2), "-"),
        "server_private_gb": (memory["private"], "-", {"resident_gb": memory["resident"]}),
        "judgements_stored": (stored, f">= {10 * CARDS + 1}"),
    }


@contextmanager
def _database() -> Iterator[str]:
    """The address of an empty database, which the dashboard uses as long as the block lasts."""
    with tempfile.TemporaryDirectory() as folder:
        url = os.environ["LONGTAIL_DATABASE_URL"] = f"sqlite:///{folder}/longtail.db"
        try:
            yield url
        finally:
            del os.environ["LONGTAIL_DATABASE_URL"]


def _memory(server: psutil.Process) -> dict[str, float]:
    """What is the server's alone, and all that it holds: sealed files of the release are every process's, be there one or many."""
    told = server.memory_info()
    return {"private": round((told.rss - told.shared) / GIB, 2), "resident": round(told.rss / GIB, 2)}


def _browsed(address: str, server: psutil.Process, rounds: int, words: tuple[str, str]) -> tuple[Seconds, int]:
    """What everything took in Chromium, each time; and how many bytes were exported. `words` are searched for: what few products have, and most."""
    seconds: Seconds = {}
    with launch_browser() as browser:
        context = browser.new_context(viewport=WIDE, accept_downloads=True)
        context.add_cookies([{"name": COOKIE, "value": CURATOR.replace(" ", "%20"), "url": address}])
        page = context.new_page()
        page.add_init_script(SHIFTS)
        page.set_default_timeout(PATIENCE_MS)

        def took(name: str, deed: Callable[[], object]) -> None:
            began, computed = time.monotonic(), computed_ms(server)
            deed()
            clock, worked = at_rest(page, PATIENCE_MS / 1000) - began, (computed_ms(server) - computed) / 1000
            seconds.setdefault(name, []).append((clock, worked))
            print(f"   {name:30} {clock:.2f} s, computed {worked:.2f} s", flush=True)

        took("first page", lambda: page.goto(address))
        exported = 0
        for _ in range(1 + rounds):
            for entry in (one for group in NAVIGATION.values() for one in group):
                took(entry.title, page.get_by_role("link", name=entry.title, exact=True).first.click)
            exported = _searched(page, took, *words)
            _judged(page, took)
    return seconds, exported


def _searched(page: Any, took: Took, few: str, most: str) -> int:
    """A search, a product of it and a flag on what stands beside it; then one that finds most of the shop, and all of that as a file: its bytes."""
    page.get_by_role("link", name="Similar items", exact=True).first.click()
    at_rest(page, PATIENCE_MS / 1000)
    _search(page, took, "search", few)
    took("product", page.locator(".card").first.click)
    took("flag", page.locator(".flag").first.click)
    took("back to all products", page.get_by_role("button", name="All products").click)
    _search(page, took, "search that finds most", most)
    took("next page of it", page.get_by_role("button", name="Next page").click)
    exported = 0

    def export() -> None:
        nonlocal exported
        with page.expect_download() as download:
            page.get_by_role("button", name="Export").first.click()
        exported = Path(download.value.path()).stat().st_size

    took("export", export)
    return exported


def _search(page: Any, took: Took, name: str, words: str) -> None:
    field = page.get_by_placeholder("Search by word, brand or ID")
    field.fill(words)
    took(name, lambda: field.press("Enter"))


def _judged(page: Any, took: Took) -> None:
    """Cards of the Review page, one after the other, as a person judges them."""
    took("review", page.get_by_role("link", name="Review", exact=True).first.click)
    page.locator(".pick").first.wait_for()
    page.evaluate("() => document.activeElement?.blur()")  # the link that was clicked would take Enter
    review = page.evaluate_handle(FIND)
    for _ in range(CARDS):
        shown = page.evaluate(SHOWN, review)
        page.keyboard.press("1")

        def judge(shown: str = shown) -> None:
            page.keyboard.press("Enter")
            page.wait_for_function(NEXT_CARD, arg=[review, shown], polling="raf")

        took("card of Review", judge)
    page.get_by_text("All saved").wait_for()
