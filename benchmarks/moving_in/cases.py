"""The shared cases: files of 23 systems and habits, loaded without a hand's help, and how many come out as wanted."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from benchmarks.moving_in import Figures
from benchmarks.moving_in.case_files import CASES, Load, Loaded
from benchmarks.support import ROOT
from engine.catalogue.snapshot import read_shop
from engine.core.errors import LongtailError
from engine.core.workspace import Workspace
from engine.ingest.pipeline import ingest

__all__ = ["faults", "measure"]


def measure(arguments: argparse.Namespace) -> Figures:
    """Cases of which everything is as wanted; what is not is printed and kept beside the figure."""
    folder = Path(os.environ.get("LONGTAIL_SHARED_CASES", ROOT.parent / "shared" / "cases"))
    if not folder.is_dir():
        raise FileNotFoundError(f"The cases are not at {folder}. Set LONGTAIL_SHARED_CASES.")
    wrong = {name: said for name, loads in CASES.items() if (said := list(faults(folder / name, list(loads()))))}
    for name, said in wrong.items():
        for fault in said:
            print(f"  {name}: {fault}", flush=True)
    return {"cases_as_wanted": (len(CASES) - len(wrong), f">= {len(CASES)}", {"cases": len(CASES), "wrong": wrong})}


def faults(folder: Path, loads: list[Load]) -> Iterator[str]:
    """What is not as wanted, a sentence each, of one case's loads of files below `folder`."""
    for files, facts in loads:
        with tempfile.TemporaryDirectory() as directory:
            workspace = Workspace(Path(directory, "workspace"))
            paths = {role: _paths(folder, names, Path(directory)) for role, names in files.items()}
            images = paths.pop("images", [None])[0]
            try:
                report = ingest(workspace, **paths, images=images)
            except LongtailError as exc:
                yield f"{files}: {exc}"
                continue
            shop = read_shop(workspace)
            events = pd.read_parquet(workspace.current_snapshot() / "interactions.parquet")
            loaded = Loaded(shop, shop.items.set_index("item_id"), events, report)
        yield from (f"{files}: not {words}" for words, holds in facts.items() if not holds(loaded))


def _paths(folder: Path, names: str | list[str], own: Path) -> list[Path]:
    if isinstance(names, str) and names.startswith("="):
        written = own / "events.csv"
        written.write_text(names[1:])
        return [written]
    return [folder / name for name in ([names] if isinstance(names, str) else names)]
