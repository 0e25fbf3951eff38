"""cornac's EASE, VBPR and CTR on the very targets that Longtail is measured on; written to results/peers.{md,json}.

    python -m benchmarks.peers [--python .venv-peers/bin/python] [--shops online_retail movielens] [--workspaces FOLDER] [--seed 0]

cornac runs in an environment of its own (`make peers` makes it), fitted on the thinned interactions and, VBPR and CTR, on the
same content; surprise NDCG@10, m 0-5, the half of the targets that did not tune Longtail.
"""

from __future__ import annotations

import argparse
import pickle
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality import Data, drawn, prepared
from benchmarks.support import RESULTS, ROOT, merge_results
from engine.arms.geometry import similarities
from engine.arms.plan import DEFAULT_KNOWN_ABOVE
from engine.arms.registry import arm_vectors
from engine.evaluation.fits import fit_behaviour, fitted_models
from engine.evaluation.metrics import ndcg_at_k, top_k
from engine.evaluation.thinning import Thinned
from engine.models.encoders import content_vectors
from engine.selection.plan_choice import choose_hybrid

K, FEW = 10, (0, 1, 2, 3, 5)
COMMAND = "python -m benchmarks.peers"


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, default=ROOT / ".venv-peers" / "bin" / "python")
    parser.add_argument("--shops", nargs="+", default=["online_retail", "movielens"])
    parser.add_argument("--workspaces", type=Path, help="folder of the workspaces, kept afterwards")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    folder = arguments.workspaces or Path(tempfile.mkdtemp(prefix="longtail-peers-"))
    lines = [f"Surprise NDCG@10, m 0-5, seed {arguments.seed}.\n", "| shop | method | 0-5 | m = 0 | m = 5 |"]
    lines.append("| --- " * 5 + "|")
    figures: dict[str, dict[str, Any]] = {}
    try:
        for shop in arguments.shops:
            found = measured(prepared(shop, folder), arguments.python, arguments.seed)
            lines += [
                f"| {shop} | {name} | {row[0]:.3f} | {row[1]:.3f} | {row[2]:.3f} |"
                for name, row in sorted(found.items(), key=lambda one: one[1][0])
            ]
            best = max(row[0] for name, row in found.items() if name != "Longtail")
            ratio = round(found["Longtail"][0] / best, 3)
            figures[f"{shop}_hybrid_over_best_of_cornac"] = {
                "value": ratio, "target": ">= 1.0", "met": ratio >= 1.0, "command": COMMAND, "methods": found
            }  # fmt: skip
    finally:
        if arguments.workspaces is None:
            shutil.rmtree(folder, ignore_errors=True)
    merge_results("peers", figures)
    text = "\n".join([*lines, ""])
    (RESULTS / "peers.md").write_text(text, "utf-8")
    print(text)


def measured(file: Path, python: Path, seed: int) -> dict[str, list[float]]:
    """Per method the mean over m 0-5, at m = 0 and at m = 5."""
    data: Data = pickle.loads(file.read_bytes())
    targets = drawn(data.user_items, seed)
    split, gains, reported = targets.split, targets.gains, targets.reported
    behaviour = fit_behaviour(split.train, data.features, data.settings.als, data.settings, seed)
    arms = arm_vectors(fitted_models(behaviour, data.content, targets.counts, DEFAULT_KNOWN_ABOVE))
    hybrid = choose_hybrid(targets, data.content, behaviour.predicted, arms, seed).arm
    scores = {**theirs(data, split, python), "Longtail": similarities(hybrid, split.targets)}
    found = {}
    for name, score in scores.items():
        score[np.arange(len(split.targets)), split.targets] = -np.inf
        ndcg = ndcg_at_k(top_k(score, K, split.candidates), gains, K)
        groups = (np.isin(split.m, FEW), split.m == 0, split.m == max(FEW))
        found[name] = [round(float(np.nanmean(ndcg[reported & group])), 4) for group in groups]
    return found


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
        subprocess.run([python, ROOT / "benchmarks" / "cornac_peers.py", source, out], check=True)
        with np.load(out) as scores:
            return {f"cornac {model}": scores[model].astype(np.float64) for model in scores.files}


if __name__ == "__main__":
    main()
