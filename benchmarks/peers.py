"""Published models on the very targets that Longtail is measured on; written to results/peers.{md,json}.

    python -m benchmarks.peers [--python .venv-peers/bin/python] [--shops online_retail movielens] [--workspaces FOLDER] [--seed 0]

MARec, beeFormer and SEMCo (`benchmarks.peer_models`) get the same interactions, texts and attributes as Longtail, and eight settings
each, of which the half of the targets that also tunes Longtail chooses one. cornac's EASE, VBPR and CTR run in an environment of
their own (`make peers` makes it) with settings of ours. Surprise NDCG@10, m 0-5, on the half of the targets that tunes nothing. The
public movielens data has no posters, so these figures are those without.
"""

from __future__ import annotations

import argparse
import pickle
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peer_models import beeformer, marec, semco
from benchmarks.peer_models.shop import PeerShop
from benchmarks.quality import Data, drawn, prepared
from benchmarks.support import RESULTS, ROOT, merge_results
from engine.arms.candidate_mix import CandidateMix
from engine.arms.geometry import similarities
from engine.arms.registry import arm_vectors
from engine.core.settings import child_environment
from engine.evaluation.fits import fit_behaviour, fitted_models
from engine.evaluation.metrics import ndcg_at_k, top_k
from engine.evaluation.targets import ThinnedTargets
from engine.evaluation.thinning import Thinned
from engine.models.encoders import content_vectors
from engine.models.threads import bounded_threads
from engine.selection.plan_choice import choose_hybrid, niches_or_none

K, FEW, EVERY = 10, (0, 1, 2, 3, 5), (0, 1, 2, 3, 5, 10)
COMMAND = "python -m benchmarks.peers"
TUNED: dict[str, tuple[tuple[Any, ...], Callable[[PeerShop, Any], np.ndarray]]] = {
    "MARec": (marec.SETTINGS, marec.scores),
    "beeFormer": (beeformer.SETTINGS, beeformer.scores),
    "SEMCo": (semco.SETTINGS, semco.scores),
}
OURS = "Longtail"


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, default=ROOT / ".venv-peers" / "bin" / "python")
    parser.add_argument("--shops", nargs="+", default=["online_retail", "movielens"])
    parser.add_argument("--workspaces", type=Path, help="folder of the workspaces, kept afterwards")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    folder = arguments.workspaces or Path(tempfile.mkdtemp(prefix="longtail-peers-"))
    columns = ["shop", "method", "0-5", *(f"m = {m}" for m in EVERY)]
    lines = [f"Surprise NDCG@10, seed {arguments.seed}.\n", f"| {' | '.join(columns)} |", "| --- " * len(columns) + "|"]
    figures: dict[str, dict[str, Any]] = {}
    try:
        for shop in arguments.shops:
            with bounded_threads():
                found = measured(prepared(shop, folder), arguments.python, arguments.seed)
            lines += [
                f"| {shop} | {name} | " + " | ".join(f"{value:.3f}" for value in row) + " |"
                for name, row in sorted(found.items(), key=lambda one: one[1][0])
            ]
            figures |= compared(shop, found)
    finally:
        if arguments.workspaces is None:
            shutil.rmtree(folder, ignore_errors=True)
    merge_results("peers", figures)
    text = "\n".join([*lines, ""])
    (RESULTS / "peers.md").write_text(text, "utf-8")
    print(text)


def compared(shop: str, found: dict[str, list[float]]) -> dict[str, dict[str, Any]]:
    """Longtail over the best of cornac, over the best of all, and over the best of all at the count where it is closest."""
    ours = found[OURS]
    others = {name: row for name, row in found.items() if name != OURS}
    best = {place: max(others, key=lambda name: others[name][place]) for place in range(len(ours))}
    at = {m: round(ours[place] / others[best[place]][place], 3) for place, m in enumerate(EVERY, start=1)}
    cornac = max(row[0] for name, row in others.items() if name.startswith("cornac"))

    def figure(value: float, **more: Any) -> dict[str, Any]:
        return {"value": value, "target": ">= 1.0", "met": value >= 1.0, "command": COMMAND, **more}

    return {
        f"{shop}_hybrid_over_best_of_cornac": figure(round(ours[0] / cornac, 3), methods=found),
        f"{shop}_hybrid_over_best_peer": figure(round(ours[0] / others[best[0]][0], 3), against=best[0]),
        f"{shop}_hybrid_over_best_peer_at_worst_m": figure(min(at.values()), by_m=at),
    }


def measured(file: Path, python: Path, seed: int) -> dict[str, list[float]]:
    """Per method the mean over m 0-5, and at every m."""
    data: Data = pickle.loads(file.read_bytes())
    targets = drawn(data.user_items, seed)
    split = targets.split
    behaviour = fit_behaviour(split.train, data.features, data.settings.als, data.settings, seed)
    arms = arm_vectors(fitted_models(behaviour, data.content, targets.counts, CandidateMix()))
    niches = niches_or_none(data.user_items, data.content, data.settings, seed)
    hybrid = choose_hybrid(targets, niches, data.content, behaviour.predicted, arms, data.settings, seed).arm
    shop = PeerShop(split.train.tocsr(), content_vectors(data.features), data.words, split.targets, seed)
    scores = {**theirs(data, split, python), OURS: similarities(hybrid, split.targets)}
    found = {name: reported(ndcg(score, targets), targets) for name, score in scores.items()}
    for name, (settings, scored) in TUNED.items():
        tried = {setting: ndcg(scored(shop, setting), targets) for setting in settings}
        chosen = max(tried, key=lambda one: few(tried[one], targets, ~targets.reported))
        print(f"{name}: {chosen}", flush=True)
        found[name] = reported(tried[chosen], targets)
    return found


def ndcg(score: np.ndarray, targets: ThinnedTargets) -> np.ndarray:
    """(n_targets,) NDCG@10 of (n_targets, n_items) scores; NaN where nothing is relevant."""
    split, score = targets.split, np.array(score, dtype=np.float64)
    score[np.arange(len(split.targets)), split.targets] = -np.inf
    return ndcg_at_k(top_k(score, K, split.candidates), targets.gains, K)


def few(values: np.ndarray, targets: ThinnedTargets, half: np.ndarray) -> float:
    """The mean over m 0-5 in one half of the targets."""
    return float(np.nanmean(values[half & np.isin(targets.split.m, FEW)]))


def reported(values: np.ndarray, targets: ThinnedTargets) -> list[float]:
    """On the reported half: the mean over m 0-5, then at every m."""
    at = [float(np.nanmean(values[targets.reported & (targets.split.m == m)])) for m in EVERY]
    return [round(value, 4) for value in (few(values, targets, targets.reported), *at)]


def theirs(data: Data, split: Thinned, python: Path) -> dict[str, np.ndarray]:
    """Scores of cornac's models, (n_targets, n_items) each."""
    if not python.is_file():
        raise FileNotFoundError(f"There is no {python}. `make peers` makes it; or name another with --python.")
    train, words = split.train.tocsr(), data.words.tocsr()
    with tempfile.TemporaryDirectory() as name:
        source, out = Path(name) / "in.npz", Path(name) / "out.npz"
        np.savez(
            source,
            data=train.data,
            indices=train.indices,
            indptr=train.indptr,
            shape=train.shape,
            words_data=words.data,
            words_indices=words.indices,
            words_indptr=words.indptr,
            words_shape=words.shape,
            content=content_vectors(data.features),
            targets=split.targets,
        )
        one_thread = child_environment(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
        subprocess.run([python, ROOT / "benchmarks" / "cornac_peers.py", source, out], check=True, env=one_thread)
        with np.load(out) as scores:
            return {f"cornac {model}": scores[model].astype(np.float64) for model in scores.files}


if __name__ == "__main__":
    main()
