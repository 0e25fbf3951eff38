"""The hybrid in a release: what a product uploaded later needs to be asked about as the catalogue was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from engine.arms.hybrid import Hybrid, Recipe, Standard, hybrid_queries
from engine.core.errors import ReleaseError
from engine.core.storage import atomic_write_json
from engine.core.vectors import unit_rows
from engine.models.correction import Correction
from engine.models.encoders.base import Features
from engine.models.smoother import Kernel, Rows, Smoother
from engine.models.tfidf import TfidfVectors, load_tfidf

__all__ = ["FOLDER", "SavedHybrid", "load_hybrid", "save_hybrid"]

FOLDER = "smoother"
_ARRAYS, _RECIPE, _CORRECTION = "smoother.npz", "recipe.json", "correction.npz"
_SPARSE = ("data", "indices", "indptr", "shape")


@dataclass(frozen=True)
class SavedHybrid:
    """Enough of a hybrid to ask for the neighbours of products that are in no catalogue, or not as it knows them.

    Attributes
    ----------
    observed_lengths : as in `Hybrid`; None in releases from before products could change.
    """

    recipe: Recipe
    standard: Standard
    smoother: Smoother
    words: TfidfVectors | None
    correction: Correction | None = None
    observed_lengths: np.ndarray | None = None

    def views(self, items: pd.DataFrame, features: Mapping[str, Features], predicted: np.ndarray) -> dict[str, Rows]:
        """What the smoother compares n products by; `predicted` (n, f) their predicted factors."""
        words = None if self.words is None else self.words.encode(items)
        return self.standard.views(features, predicted, words)

    def smoothed(self, views: Mapping[str, Rows]) -> np.ndarray:
        """(n, rank) float32, what the look-alikes' behaviour says of products without any of their own."""
        return np.asarray(self.smoother(views))

    def corrected(self, smoothed: np.ndarray, views: Mapping[str, Rows], rows: np.ndarray | None = None) -> np.ndarray:
        """Smoothed vectors as people judged, (n, rank) float32; `rows` where they are products of the catalogue."""
        if self.correction is None:
            return smoothed
        known = np.any(smoothed, axis=1)[:, None]
        moved = unit_rows(smoothed) + self.correction(views)
        if rows is not None and not self.correction.power:
            moved += self.correction.own(rows)
        return np.where(known, moved, np.float32(0.0))

    def queries(self, smoothed: np.ndarray, views: Mapping[str, Rows], others: Mapping[str, np.ndarray]) -> np.ndarray:
        """(n, d) float32, what products without interactions ask the hybrid's index; `others` the other arms' queries."""
        asked = self.corrected(smoothed, views)
        return hybrid_queries(asked, np.zeros(len(asked), dtype=np.int64), self.recipe, others)


def save_hybrid(hybrid: Hybrid, words: TfidfVectors | None, directory: Path) -> None:
    """Write into `directory`/smoother, which is made where it does not exist."""
    folder = directory / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, np.ndarray] = {
        "coefficients": hybrid.smoother.coefficients,
        "observed_lengths": hybrid.observed_lengths,
    }
    if hybrid.smoother.factor is not None:
        arrays["factor"] = hybrid.smoother.factor
    arrays |= {f"mean.{modality}": mean for modality, mean in hybrid.standard.means.items()}
    arrays |= _landmark_arrays(hybrid.smoother.landmarks)
    np.savez(folder / _ARRAYS, allow_pickle=False, **arrays)
    if hybrid.correction is not None:
        learned = hybrid.correction
        rest = {"coefficients": learned.coefficients, "rows": learned.rows, "power": np.array(learned.power)}
        np.savez(folder / _CORRECTION, allow_pickle=False, **rest, **_landmark_arrays(learned.landmarks))
    atomic_write_json(folder / _RECIPE, hybrid.recipe.to_dict())
    if words is not None:
        words.save(folder)


def load_hybrid(directory: Path) -> SavedHybrid | None:
    """Read what `save_hybrid` wrote; None for a release from before there was one.

    Raises `ReleaseError` where the files are damaged.
    """
    folder = directory / FOLDER
    if not folder.is_dir():
        return None
    try:
        recipe = Recipe.from_dict(json.loads((folder / _RECIPE).read_text("utf-8")))
        with np.load(folder / _ARRAYS, allow_pickle=False) as arrays:
            means = {name.removeprefix("mean."): arrays[name] for name in arrays.files if name.startswith("mean.")}
            kernel = recipe.kernel()
            factor = arrays["factor"] if "factor" in arrays.files else None
            smoother = Smoother(kernel, _landmarks(arrays, kernel), arrays["coefficients"], factor)
            lengths = arrays["observed_lengths"] if "observed_lengths" in arrays.files else None
        correction = None
        if (folder / _CORRECTION).is_file():
            with np.load(folder / _CORRECTION, allow_pickle=False) as arrays:
                rows, power = arrays["rows"], int(arrays["power"])
                correction = Correction(kernel, power, rows, _landmarks(arrays, kernel), arrays["coefficients"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ReleaseError(
            f"The smoother in {directory} cannot be read ({exc}). Train again, or roll back to an older release."
        ) from exc
    words = load_tfidf(folder) if "words" in kernel.weights else None
    return SavedHybrid(recipe, Standard(means), smoother, words, correction, lengths)


def _landmark_arrays(landmarks: Mapping[str, Rows]) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    for view, rows in landmarks.items():
        if isinstance(rows, sparse.csr_matrix):
            arrays |= {f"sparse.{view}.{part}": np.asarray(getattr(rows, part)) for part in _SPARSE}
        else:
            arrays[f"dense.{view}"] = rows
    return arrays


def _landmarks(arrays: Mapping[str, np.ndarray], kernel: Kernel) -> dict[str, Rows]:
    landmarks: dict[str, Rows] = {}
    for view in kernel.weights:
        if f"dense.{view}" in arrays:
            landmarks[view] = arrays[f"dense.{view}"]
        else:
            data, indices, indptr, shape = (arrays[f"sparse.{view}.{part}"] for part in _SPARSE)
            landmarks[view] = sparse.csr_matrix((data, indices, indptr), shape=tuple(shape))
    return landmarks
