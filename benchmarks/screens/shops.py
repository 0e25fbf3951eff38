"""The shops that screens are measured on, and the addresses of every page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.made_release import make_release
from benchmarks.support import free_port, serve_dashboard, wait_for
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
from ui.app.navigation import NAVIGATION

__all__ = ["SMALL", "addresses", "dashboard", "empty_workspace", "long_titled_workspace", "made_workspace"]

SMALL = 2_000
"""Products of the shop that browsers look at."""
LONG_TITLED = 300


def made_workspace(folder: Path, products: int) -> Path:
    """A workspace with a shop of this size; made where it is not there yet."""
    workspace = folder / str(products)
    if not (workspace / "releases" / "current").is_file():
        make_release(Workspace(workspace), products)
    return workspace


def long_titled_workspace(folder: Path) -> Path:
    """A small shop without pictures whose titles, brands and categories are 300 characters long; made where it is not there yet."""
    workspace = folder / "long-titles"
    if not (workspace / "releases" / "current").is_file():
        make_release(Workspace(workspace), LONG_TITLED, pictures=False, title_length=300)
    return workspace


def empty_workspace(folder: Path) -> Path:
    """A workspace without a shop."""
    workspace = folder / "empty"
    workspace.mkdir(parents=True, exist_ok=True)
    return workspace


def addresses(workspace: Path) -> dict[str, str]:
    """Name -> address of every page and, where there is a release, of a product with a few clicks."""
    pages = {entry.module: entry.module for group in NAVIGATION.values() for entry in group}
    if not (workspace / "releases" / "current").is_file():
        return pages
    release = Recommender.open(Workspace(workspace))
    counts = release.items["interaction_count"].to_numpy()
    few = int(np.flatnonzero((counts >= 3) & (counts <= 8))[0])
    return pages | {"product": f"similar_items?item={release.items['item_id'].iloc[few]}"}


@contextmanager
def dashboard(workspace: Path) -> Iterator[str]:
    """The dashboard on a free port; its address."""
    port = free_port()
    address = f"http://localhost:{port}"
    with serve_dashboard(workspace, port, workspace / "dashboard.log"):
        wait_for(address)
        yield address
