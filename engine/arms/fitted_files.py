"""A fitted hybrid on disk as it is in memory, before anything was learned from judgements: for the next training, not for serving."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from engine.arms.hybrid_files import landmark_arrays, landmarks_in
from engine.arms.hybrid_fit import Hybrid
from engine.core.arrays import read_npz
from engine.models.recipe import Recipe
from engine.models.smoother import Smoother
from engine.models.views import Standard

__all__ = ["load_fitted", "save_fitted"]

ARRAYS, RECIPE, MEAN = "hybrid.npz", "recipe.json", "mean."
COEFFICIENTS, FACTORS = "coefficients", ("noise", "factor", "explains")
OWN = ("query", "candidates", "profiles", "for_shoppers", "observed_lengths", "counts", "unknown")


def save_fitted(hybrid: Hybrid, folder: Path) -> None:
    """Write a hybrid without a correction into a folder."""
    smoother = hybrid.smoother
    arrays = {name: getattr(hybrid, name) for name in OWN} | {"longest": np.array(hybrid.longest)}
    arrays |= {f"{MEAN}{modality}": mean for modality, mean in hybrid.standard.means.items()}
    optional = {name: getattr(smoother, name) for name in (COEFFICIENTS, *FACTORS)}
    arrays |= {f"smoother.{name}": array for name, array in optional.items() if array is not None}
    np.savez(folder / ARRAYS, allow_pickle=False, **arrays, **landmark_arrays(smoother.landmarks))
    (folder / RECIPE).write_text(json.dumps(hybrid.recipe.to_dict()), "utf-8")


def load_fitted(folder: Path) -> Hybrid:
    """What `save_fitted` wrote, bit by bit; `OSError`, `ValueError` or `KeyError` where it is something else."""
    recipe = Recipe.from_dict(json.loads((folder / RECIPE).read_text("utf-8")))
    arrays, kernel = read_npz(folder / ARRAYS), recipe.kernel()
    smoother = Smoother(
        kernel,
        landmarks_in(arrays, kernel),
        arrays[f"smoother.{COEFFICIENTS}"],
        *(arrays.get(f"smoother.{name}") for name in FACTORS),
    )
    means = {name.removeprefix(MEAN): mean for name, mean in arrays.items() if name.startswith(MEAN)}
    own: dict[str, Any] = {name: arrays[name] for name in OWN}
    return Hybrid(recipe, Standard(means), smoother, **own, longest=float(arrays["longest"]))
