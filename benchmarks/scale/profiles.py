"""What each stage of loading and training is at, sampled: a made shop with texts and pictures that are read, as the settings come.

Shares are of samples of this process (`benchmarks.sampling`), so what it leaves to others while it loads, decoding pictures, is not seen; seconds those that processors worked. A stage of under ten samples is left out. What goes on within OpenVINO, its own
clocks tell, by kinds of steps. The tables of all stages are results/profile.md.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any
from unittest.mock import patch

from benchmarks.parts import Measured
from benchmarks.sampling import OTHER, SampledSteps
from benchmarks.scale.shop import write_shop
from benchmarks.support import RESULTS
from engine.core.settings import load_settings
from engine.core.workspace import Workspace
from engine.ingest.pipeline import ingest
from engine.models.encoders.on_openvino import Compiled, is_installed, openvino
from engine.release.manifest import read_manifest
from engine.release.publish import current_release_id
from engine.training.pipeline import train

__all__ = ["measure"]

PICTURES = 6_000  # enough for few bits
FEW_SAMPLES, SMALL_SHARE = 10, 0.05
REPORT = "profile.md"

Shares = dict[str, dict[str, float]]


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """For each size the share of samples that tell what was going on; and the shares of each stage."""
    figures: dict[str, Measured] = {}
    for products in arguments.products:
        shop = write_shop(
            arguments.folder / f"shop-{products}-pictured", products, seed=arguments.seed, pictures=PICTURES
        )
        with _clocks() as clocks:
            counts, seconds = _worked(arguments.folder, shop)
        shares = {step: _shares(kinds) for step, kinds in counts.items() if kinds.total() >= FEW_SAMPLES}
        within = {network: _shares(kinds) for network, kinds in clocks.items()}
        told = 1 - sum(kinds[OTHER] for kinds in counts.values()) / sum(kinds.total() for kinds in counts.values())
        figures[f"profile_{products}_told"] = (
            round(told, 3),
            ">= 0.95",
            {"stages": shares, "cpu_seconds": seconds, "openvino": within},
        )
        (RESULTS / REPORT).write_text(_report(products, shares, seconds, within), "utf-8")
    return figures


def _worked(folder: Path, shop: Path) -> tuple[dict[str, Counter[str]], dict[str, float]]:
    """Counts of every step by what it was at, and the processor seconds of those that tell."""
    with tempfile.TemporaryDirectory(dir=folder) as root:
        workspace, steps = Workspace(Path(root)), SampledSteps()
        try:
            ingest(workspace, from_dir=shop, progress=steps)
            train(workspace, load_settings(workspace.root), progress=steps)
        finally:
            steps.close()
        told = read_manifest(workspace.releases / str(current_release_id(workspace))).extra["steps"]
    names = {step: re.sub(r" [\d,]+ ", " ", step) for step in steps.kinds}
    counts = {names[step]: kinds for step, kinds in steps.kinds.items()}
    return counts, {names[step["name"]]: round(step["cpu_seconds"], 1) for step in told if step["name"] in names}


@contextmanager
def _clocks() -> Iterator[dict[str, Counter[str]]]:
    """For each network of OpenVINO the microseconds of every kind of step, as long as this is entered; none where it is not installed."""
    clocks: dict[str, Counter[str]] = {}
    if not is_installed():
        yield clocks
        return
    core, infer = openvino().Core, Compiled.__call__
    compile_model = core.compile_model

    def with_clocks(self: Any, model: Any, device: str, properties: Mapping[str, Any]) -> Any:
        compiled = compile_model(self, model, device, {**properties, "PERF_COUNT": True})
        names[id(compiled)] = model.get_friendly_name()
        return compiled

    def read(self: Any, *inputs: Any) -> Any:
        found = infer(self, *inputs)
        steps = self._of_thread.request.profiling_info
        with one_by_one:
            kinds = clocks.setdefault(names[id(self._model)], Counter())
            for step in steps:
                kinds[step.node_type] += step.real_time // timedelta(microseconds=1)
        return found

    names: dict[int, str] = {}
    one_by_one = Lock()
    with patch.object(core, "compile_model", with_clocks), patch.object(Compiled, "__call__", read):
        yield clocks


def _shares(kinds: Counter[str]) -> dict[str, float]:
    return {kind: round(count / kinds.total(), 3) for kind, count in kinds.most_common()}


def _report(products: int, shares: Shares, seconds: Mapping[str, float], within: Shares) -> str:
    """Tables of stages and of networks, each with what it is at for a twentieth of its time or more."""
    lines = [
        "# What each stage is at",
        "",
        f"Written by `python -m benchmarks.scale --only profiles --products {products}`: {products:,} made products, {PICTURES:,} of them with a picture of",
        "640 pixels, on two cores. Shares of samples, of what threads of Python are in the midst of (pictures are decoded by other processes while the shop is loaded); seconds that processors worked.",
        "",
        "| stage | seconds | at |",
        "| --- | --- | --- |",
        *(f"| {step} | {seconds.get(step, '')} | {_told(kinds)} |" for step, kinds in shares.items()),
    ]
    if within:
        lines += ["", "Within OpenVINO, by its own clocks:", "", "| network | at |", "| --- | --- |"]
        lines += [f"| {network} | {_told(kinds)} |" for network, kinds in within.items()]
    return "\n".join([*lines, ""])


def _told(kinds: Mapping[str, float]) -> str:
    return ", ".join(f"{kind} {share:.0%}" for kind, share in kinds.items() if share >= SMALL_SHARE)
