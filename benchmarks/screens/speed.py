"""Speed on the server: a rerun of every page once it is warm, at each size.

A tab without a browser (`benchmarks.streamlit_session`) asks for a page again and waits until its run has ended. Times are on the clock, those of the
quietest of a few rounds: on a machine that others use, the rest is waiting for a core. What the server computed stands beside them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.screens.shops import addresses, made_workspace
from benchmarks.streamlit_session import StreamlitSession
from benchmarks.support import free_port, serve_dashboard, wait_for
from ui.app.navigation import FIRST_PAGE

__all__ = ["computed_ms", "measure", "reruns", "served"]

ROUNDS, RERUNS, WARMING = 3, 20, 3
WANTED_MS = {10_000: 150, 100_000: 250}
BACKGROUND_S, AT_REST = 120.0, 0.05  # what a page works out in threads ends first: a twentieth of a core is rest
SEARCHED = {"search": "similar_items?q=red floral", "page_7": "similar_items?page=7"}


def measure(arguments: argparse.Namespace) -> dict[str, tuple[Any, ...]]:
    """Name -> (p95 of the slowest page in ms, what is wanted, every page)."""
    figures: dict[str, tuple[Any, ...]] = {}
    for products in arguments.products:
        workspace = made_workspace(arguments.folder, products)
        with served(workspace) as (address, server):
            pages = {name: reruns(address, server, path) for name, path in (addresses(workspace) | SEARCHED).items()}
        figures[f"rerun_{products}_products_p95_ms"] = (
            max(one["p95_ms"] for one in pages.values()),
            f"<= {WANTED_MS.get(products, 250)}",
            {"pages": pages},
        )
    return figures


@contextmanager
def served(workspace: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The dashboard of a workspace on a free port: its address, and its process."""
    port = free_port()
    with serve_dashboard(workspace, port, workspace / "dashboard.log") as process:
        wait_for(f"http://localhost:{port}")
        yield f"http://localhost:{port}", psutil.Process(process.pid)


def reruns(address: str, server: psutil.Process, path: str, n_rounds: int = ROUNDS) -> dict[str, float]:
    """One page, again and again in one tab: milliseconds on the clock, and of processor time."""
    page, query = _asked_for(path)
    with StreamlitSession(address) as tab:
        first = tab.open(page, **query)
        for _ in range(WARMING):
            tab.open(page, **query)
        _until_at_rest(server)
        tab.open(page, **query)
        before = computed_ms(server)
        rounds = [[1000 * tab.open(page, **query) for _ in range(RERUNS)] for _ in range(n_rounds)]
        computed = (computed_ms(server) - before) / (n_rounds * RERUNS)
        if tab.exceptions:
            raise RuntimeError(f"{path} shows an error: {tab.exceptions[0]}")
    found = {
        "p95_ms": round(float(np.quantile(rounds, 0.95, axis=1).min()), 1),
        "p95_of_all_ms": round(float(np.quantile(rounds, 0.95)), 1),
        "median_ms": round(float(np.median(rounds)), 1),
        "processor_ms": round(computed, 1),
        "first_ms": round(1000 * first),
    }
    print(f"   {path[:40]:40} {found}", flush=True)
    return found


def _asked_for(path: str) -> tuple[str, dict[str, str]]:
    """The name and the query of an address; the first page is known by the bare address."""
    page, _, query = path.partition("?")
    name, _, value = query.partition("=")
    return "" if page == FIRST_PAGE else page, {name: value} if query else {}


def _until_at_rest(server: psutil.Process) -> None:
    until = time.monotonic() + BACKGROUND_S
    while time.monotonic() < until:
        before = computed_ms(server)
        time.sleep(1.0)
        if computed_ms(server) - before < 1000 * AT_REST:
            return
    raise TimeoutError("The server goes on computing although nothing is asked of it.")


def computed_ms(server: psutil.Process) -> float:
    """What all threads of a process have computed so far, in steps of 10 ms."""
    times = server.cpu_times()
    return 1000 * (times.user + times.system)
