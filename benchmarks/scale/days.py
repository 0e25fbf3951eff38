"""A large shop's first training, from nothing, and the next ones, each after a day's events: hours, and memory by stage.

As many days are measured as there are rounds. The workspace stays in the folder, and a first training that is there is told of as it went, so that
days can be measured without waiting for another. With `--drawn-texts`, texts get vectors around that of their style's instead of being read, which for a million takes most of an hour;
what reading costs is measured by `encoding`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.parts import Measured
from benchmarks.scale.shop import write_day, write_shop
from benchmarks.support import engine, run_child
from engine.catalogue.snapshot import read_shop
from engine.comparison.kept_changes import kept_change
from engine.core.settings import load_settings
from engine.core.workspace import Workspace
from engine.models.encoders.cache import remember
from engine.models.encoders.text import fit_text_encoder

__all__ = ["loaded", "measure", "workspace_of"]

HOURS, MINUTES, GB = 4, 40, 24
LONGEST = 12 * 3600
NEIGHBOURS = 10
SPREAD = 1.0  # of drawn vectors around their style's, in its own length

Steps = list[dict[str, Any]]


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Of every size: hours and memory of the first training, and the middle of as many following days as there are rounds, which may be none; what the last of them changed."""
    figures: dict[str, Measured] = {}
    for products in arguments.products:
        workspace, shop = loaded(arguments, products)
        if not _releases(workspace):
            _train(workspace)
        first = _steps(workspace, 0)
        name = f"days_{products}"
        figures[f"{name}_first_hours"] = (round(_seconds(first) / 3600, 2), f"<= {HOURS}", {"steps": first})
        figures[f"{name}_first_peak_gb"] = (_peak(first), f"<= {GB}")
        figures[f"{name}_first_release_gb"] = (_gigabytes(_releases(workspace)[0]), "-")
        following = [_a_day_later(workspace, shop, products, arguments.seed) for _ in range(arguments.rounds)]
        if following:
            minutes = round(median(_seconds(steps) for steps in following) / 60, 1)
            figures[f"{name}_next_minutes"] = (minutes, f"<= {MINUTES}", {"days": following})
            figures[f"{name}_next_peak_gb"] = (max(_peak(steps) for steps in following), f"<= {GB}")
            figures |= {f"{name}_next_replaced": one for one in _replaced(workspace)}
    return figures


def workspace_of(arguments: argparse.Namespace, products: int) -> Workspace:
    """Where a shop of this size is trained."""
    return Workspace(arguments.folder / f"days-{products}{'-drawn' if arguments.drawn_texts else ''}")


def loaded(arguments: argparse.Namespace, products: int) -> tuple[Workspace, Path]:
    """A workspace in which a made shop of this size is loaded, with drawn vectors of its texts where these are asked for; and the shop's folder."""
    workspace = workspace_of(arguments, products)
    shop = write_shop(arguments.folder / f"shop-{products}", products, seed=arguments.seed)
    if not (workspace.root / "shop" / "current").is_file():
        run_child(engine(workspace.root, "ingest", "--from", shop), timeout=LONGEST)
    if arguments.drawn_texts and not workspace.features.is_dir():
        _draw_texts(workspace, shop, arguments.seed)
    return workspace, shop


def _a_day_later(workspace: Workspace, shop: Path, products: int, seed: int) -> Steps:
    """Append the events of the next day and train again."""
    number = len(_releases(workspace))
    day = write_day(shop / f"day-{number}.parquet", products, number, seed)
    run_child(engine(workspace.root, "ingest", "--append", "--interactions", day), timeout=LONGEST)
    _train(workspace)
    return _steps(workspace, -1)


def _releases(workspace: Workspace) -> list[Path]:
    """Their folders, the first trained first."""
    return sorted(file.parent for file in workspace.releases.glob("*/manifest.json"))


def _train(workspace: Workspace) -> None:
    run_child(engine(workspace.root, "train"), timeout=LONGEST)


def _steps(workspace: Workspace, which: int) -> Steps:
    steps: Steps = json.loads((_releases(workspace)[which] / "manifest.json").read_text("utf-8"))["steps"]
    return steps


def _seconds(steps: Steps) -> float:
    return float(sum(step["seconds"] for step in steps))


def _peak(steps: Steps) -> float:
    """GB held at most, pages of files that the system can take back among them."""
    return round(max(step["peak_mb"] for step in steps) / 1000, 2)


def _replaced(workspace: Workspace) -> Iterator[Measured]:
    """The share of neighbours in whose place the last day put others, and how many lists became better or worse by that; nothing where the training did not say."""
    before, after = (folder.name for folder in _releases(workspace)[-2:])
    change = kept_change(workspace, before, after, NEIGHBOURS)
    if change is None:
        return
    lists, total = change.lists, change.total
    share = lists.changed * lists.replaced / (lists.compared * NEIGHBOURS)
    yield (round(share, 3), "-", {"changed": lists.changed, "improved": total.improved, "worse": total.worse})


def _gigabytes(folder: Path) -> float:
    """Of the files in it, GB."""
    return round(sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e9, 1)


def _draw_texts(workspace: Workspace, shop: Path, seed: int) -> None:
    """Keep a vector for every distinct text, as if it had been read."""
    loaded = read_shop(workspace)
    encoder = fit_text_encoder(loaded.items, loaded.attribute_kinds, load_settings(workspace.root).text)
    first: dict[str, int] = {}
    for row, content in enumerate(encoder.contents(loaded.items)):
        if content is not None:
            first.setdefault(content, row)
    rng = np.random.default_rng([seed, 37])
    truth = pq.read_table(shop / "truth.parquet").to_pandas().set_index("item_id")["style"]
    styles = truth.reindex(loaded.items["item_id"].astype(str)).to_numpy()[list(first.values())]
    centres = rng.standard_normal((int(truth.max()) + 1, encoder.dim), dtype=np.float32)
    vectors = centres[styles] + SPREAD * rng.standard_normal((len(styles), encoder.dim), dtype=np.float32)
    remember(encoder, list(first), vectors / np.linalg.norm(vectors, axis=1, keepdims=True), workspace)
