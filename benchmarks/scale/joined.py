"""Both sides of Longtail that refer to the content, beside sides that are written out: their bytes, and the lists of all by cells.

Of the largest shop asked for that `days` has trained in the folder: its fitted hybrid, or 100,000 of its products, with content that speaks where behaviour
is silent (`Silence`, its default weight), whatever weight that shop's training chose. Lists are those of a sample.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np

from benchmarks.parts import Measured
from benchmarks.scale.days import workspace_of
from benchmarks.scale.timing import in_turns
from engine.arms import hybrid
from engine.arms.fitted_files import load_fitted
from engine.arms.geometry import ArmVectors
from engine.arms.hybrid_fit import Hybrid
from engine.core.joined_rows import JoinedRows, Table
from engine.core.vectors import unit_rows
from engine.models.recipe import CONTENT, Silence
from engine.release.all_lists import Compared, best_lists
from engine.release.cell_making import make_cells

__all__ = ["measure"]

MOST, ASKED, K = 100_000, 8_192, 20


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Times the bytes and times the processor seconds that sides take which are written out."""
    products = max(arguments.products)
    fitted, content = _trained(workspace_of(arguments, products).root, arguments.seed)
    recipe = replace(fitted.recipe, silence=Silence())
    with patch.object(hybrid, "LARGE", 0):
        joined = hybrid.hybrid_arm(replace(fitted, recipe=recipe), recipe, {CONTENT: ArmVectors(content, content)})
    written = ArmVectors(np.asarray(joined.query), np.asarray(joined.candidates))
    cells = make_cells(written.candidates, arguments.seed)
    inverse = np.ones(len(content), dtype=np.float32) * joined.is_candidate
    others = np.flatnonzero(~joined.is_candidate)
    asked = np.sort(np.random.default_rng(arguments.seed).permutation(np.flatnonzero(joined.has_list))[:ASKED])
    found: dict[str, np.ndarray] = {}

    def lists(name: str, arm: ArmVectors) -> float:
        compared = Compared(arm.candidates, inverse, others, cells)
        rows, recall = np.empty((len(asked), K), dtype=np.int64), 1.0
        for some in best_lists(compared, unit_rows(arm.query[asked]), asked, K, cells_above=0):
            rows[some.places], recall = some.rows, some.recall
        found[name] = rows
        return recall

    recalls = {"joined": lists("joined", joined), "written": lists("written", written)}
    turns = in_turns(arguments.rounds, lambda: lists("joined", joined), lambda: lists("written", written))
    shared = np.mean([len(set(a) & set(b)) / K for a, b in zip(found["joined"], found["written"], strict=True)])
    bytes_of = {
        name: _bytes(arm.query) + _bytes(arm.candidates) for name, arm in (("joined", joined), ("written", written))
    }
    return {
        f"joined_{products}_bytes_over_written": (round(bytes_of["joined"] / bytes_of["written"], 3), "-", bytes_of),
        f"joined_{products}_lists_over_written": (
            turns.times_as_fast,
            ">= 1",
            turns.details(lists=len(asked), products=len(content), recall=recalls, overlap=round(float(shared), 4)),
        ),
    }


def _trained(workspace: Path, seed: int) -> tuple[Hybrid, np.ndarray]:
    """The hybrid of a workspace's last training and its content, of `MOST` products at most."""
    parts = sorted(workspace.glob("training/hybrid-*"), key=lambda one: one.stat().st_mtime)
    files = sorted(workspace.glob("releases/*/content.npy"))
    if not parts or not files:
        raise SystemExit(
            f"{workspace} has no training: run python -m benchmarks.scale --only days with the same options first."
        )
    fitted, content = load_fitted(parts[-1]), np.load(files[-1], mmap_mode="r")
    some = np.sort(np.random.default_rng(seed).permutation(len(content))[:MOST])
    own = ("query", "candidates", "profiles", "for_shoppers", "observed_lengths", "counts", "unknown")
    return replace(fitted, **{name: getattr(fitted, name)[some] for name in own}), unit_rows(content[some])


def _bytes(side: Table) -> int:
    return side.own.nbytes + side.scale.nbytes if isinstance(side, JoinedRows) else side.nbytes
