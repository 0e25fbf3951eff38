"""The map: how fast it is there and moves at 100,000 products, what it costs to receive, and how well neighbours are kept.

Chromium draws without a graphics card, as on a server: a machine that has one is faster.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page
from scipy.spatial import cKDTree

from benchmarks.made_release import make_release
from benchmarks.support import free_port, launch_browser, serve_dashboard, wait_for
from engine.core.workspace import Workspace
from engine.models.projection import principal_components, project
from engine.models.threads import bounded_threads

__all__ = ["measure"]

SOME = 2_000
VISITS, REST_MS = 5, 12_000  # names of regions are told meanwhile
PROJECTED, DIMENSIONS, NEIGHBOURS = 10_000, 64, 10
ASKED = 2_000  # products whose neighbours are compared
PAN_SECONDS = 4.0
WINDOW = {"width": 1360, "height": 900}
# A page draws as fast as it is asked to, while a hand drags the map to and fro; what the script takes for each frame is counted too.
PAN = """
async ([seconds]) => {
  const frames = [], script = [];
  const find = (root) => { for (const node of root.querySelectorAll("*")) { if (node.longtailMap) return node.longtailMap.view; if (node.shadowRoot) { if (node.shadowRoot.longtailMap) return node.shadowRoot.longtailMap.view; const found = find(node.shadowRoot); if (found) return found; } } };
  const view = find(document), end = performance.now() + seconds * 1000;
  const original = view._drawNow.bind(view);
  view._drawNow = () => { const began = performance.now(); original(); script.push(performance.now() - began); };
  await new Promise((done) => {
    let last = performance.now(), step = 0;
    const tick = () => {
      const now = performance.now();
      frames.push(now - last); last = now;
      if (now > end) return done();
      view.camera.pan(view.panels[1], step++ % 40 < 20 ? 5 : -5, step % 60 < 30 ? 2 : -2);
      view.move();
      requestAnimationFrame(tick);
    };
    view.camera.zoom(view.panels[1], 1.5);
    requestAnimationFrame(tick);
  });
  view._drawNow = original;
  return [frames.length / seconds, script];
}
"""


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Name -> (value, what is wanted[, details]).

    - `map_first_paint_seconds`: from asking for the page, in a browser that has been there before, until 100,000 products are on screen.
    - `map_pan_frames_a_second`, `map_pan_script_ms` (p95 of the script's time for a frame).
    - `map_received_kb`: what a browser receives at its first visit with 2,000 products, but for Streamlit's own scripts.
    - `map_preservation_ratio`: the share of a product's ten nearest that are its ten nearest on the map too, over the same of principal components.
    - `map_project_seconds`: to lay out 10,000 products.
    """
    figures: dict[str, Any] = {}
    with launch_browser() as browser:
        for products, measured in ((SOME, _received), (max(arguments.products), _drawn)):
            workspace = arguments.folder / str(products)
            if not (workspace / "releases" / "current").is_file():
                make_release(Workspace(workspace), products)
            with dashboard(workspace) as address:
                figures |= measured(browser, address)
    return figures | _projected()


@contextmanager
def dashboard(workspace: Path) -> Iterator[str]:
    """The dashboard on a free port; its address."""
    port = free_port()
    with serve_dashboard(workspace, port, workspace / "dashboard.log"):
        wait_for(f"http://localhost:{port}")
        yield f"http://localhost:{port}"


def _received(browser: Browser, address: str) -> dict[str, Any]:
    """All bytes of a first visit but Streamlit's own scripts, which every page shares and the browser keeps."""
    context = browser.new_context(viewport=WINDOW)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    sizes, addresses = {"messages": 0.0, "answers": 0.0}, {}
    session.on(
        "Network.requestWillBeSent", lambda event: addresses.update({event["requestId"]: event["request"]["url"]})
    )
    session.on("Network.webSocketFrameReceived", lambda event: _add(sizes, "messages", _frame_bytes(event)))

    def finished(event: dict[str, Any]) -> None:
        if "/static/" not in addresses.get(event["requestId"], ""):
            _add(sizes, "answers", event["encodedDataLength"])

    session.on("Network.loadingFinished", finished)
    _open(page, address)
    page.wait_for_timeout(2_000)
    context.close()
    whole = sum(sizes.values()) / 1_000
    details = {name: round(size / 1_000, 1) for name, size in sizes.items()}
    return {"map_received_kb": (round(whole, 1), "<= 100", details)}


def _frame_bytes(event: dict[str, Any]) -> float:
    frame = event["response"]
    return len(frame["payloadData"]) * (0.75 if frame["opcode"] == 2 else 1.0)


def _add(sizes: dict[str, float], name: str, size: float) -> None:
    sizes[name] += size


def _drawn(browser: Browser, address: str) -> dict[str, Any]:
    """First paint and panning; the first of all visits, in which the server reads the release, is told apart."""
    paints = []
    context = browser.new_context(viewport=WINDOW)
    page = context.new_page()
    for _ in range(1 + VISITS):
        paints.append(_open(page, address))
    page.wait_for_timeout(REST_MS)
    frames, script = page.evaluate(PAN, [PAN_SECONDS])
    drawn = {"drawn_by": page.locator(".map").get_attribute("data-kind")}
    context.close()
    visits = {"visits": [round(one, 2) for one in paints]}
    return {
        "map_first_paint_seconds": (round(statistics.median(paints[1:]), 2), "<= 3", visits),
        "map_pan_frames_a_second": (round(frames, 1), ">= 30", drawn),
        "map_pan_script_ms": (
            round(float(np.quantile(script, 0.95)), 1),
            "<= 16",
            {"median": round(float(np.median(script)), 1)},
        ),
    }


def _open(page: Page, address: str) -> float:
    """Seconds until the map is painted."""
    page.goto("about:blank")
    began = time.monotonic()
    page.goto(f"{address}/map")
    page.locator(".map[data-painted=yes]").wait_for(timeout=60_000)
    return time.monotonic() - began


def _projected() -> dict[str, Any]:
    vectors = _made_vectors(PROJECTED)
    with bounded_threads(None):
        began = time.monotonic()
        points = project(vectors, 0)
        seconds = time.monotonic() - began
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    kept, linear = (_preserved(unit, places) for places in (points, principal_components(unit)))
    details = {"map": round(kept, 3), "principal_components": round(linear, 3), "products": PROJECTED}
    return {
        "map_preservation_ratio": (round(kept / linear, 1), ">= 5", details),
        "map_project_seconds": (round(seconds, 1), "<= 60", {"products": PROJECTED}),
    }


def _made_vectors(n: int) -> np.ndarray:
    """(n, DIMENSIONS) float32: style families of unequal sizes within a few wider styles."""
    rng = np.random.default_rng(0)
    families = max(8, n // 60)
    wide = rng.normal(size=(max(4, families // 12), DIMENSIONS)) * 1.2
    middle = rng.normal(size=(families, DIMENSIONS)) + wide[rng.integers(0, len(wide), families)]
    weight = rng.pareto(1.5, families) + 0.2
    own = middle[rng.choice(families, n, p=weight / weight.sum())]
    return np.asarray(own + 0.7 * rng.normal(size=(n, DIMENSIONS)), dtype=np.float32)


def _preserved(unit: np.ndarray, places: np.ndarray) -> float:
    """The mean share of a product's nearest that are its nearest on the map too."""
    rows = np.sort(np.random.default_rng(1).choice(len(unit), ASKED, replace=False))
    on_map = cKDTree(places).query(places[rows], NEIGHBOURS + 1)[1]
    shares = []
    for part, near in zip(np.array_split(rows, 20), np.array_split(on_map, 20), strict=True):
        similarity = unit[part] @ unit.T
        similarity[np.arange(len(part)), part] = -np.inf
        nearest = np.argpartition(-similarity, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        shares += [
            len(set(one) & (set(other) - {row})) / NEIGHBOURS
            for row, one, other in zip(part, nearest, near, strict=True)
        ]
    return float(np.mean(shares))
