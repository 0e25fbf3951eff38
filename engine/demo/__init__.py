"""The demo shop: a dress shop that is drawn, written and visited by chance, with style families as its known truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.progress import Progress, silent

if TYPE_CHECKING:
    from engine.core.workspace import Workspace

__all__ = ["build_demo", "read_families"]

# Both import what they need when called: the drawing processes load this package too, and have no use for pandas.


def build_demo(
    workspace: Workspace,
    *,
    seed: int = 0,
    n_items: int = 2000,
    n_shoppers: int = 6000,
    processes: int = 2,
    progress: Progress = silent,
) -> str:
    """Build the demo shop in `workspace` and use it; returns the snapshot's id. See `engine.demo.build`."""
    from engine.demo import build

    return build.build_demo(
        workspace, seed=seed, n_items=n_items, n_shoppers=n_shoppers, processes=processes, progress=progress
    )


def read_families(workspace: Workspace) -> dict[str, str]:
    """The demo shop's known truth, item_id -> style family. Raises `NoDataError` for any other shop."""
    from engine.demo import build

    return build.read_families(workspace)
