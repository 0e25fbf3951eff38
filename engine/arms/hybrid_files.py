"""The hybrid in a release: what a product uploaded later needs to be asked about as the catalogue was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from engine.arms.beside import Beside
from engine.arms.hybrid_fit import Hybrid
from engine.core.arrays import read_npz
from engine.core.errors import ReleaseError
from engine.core.storage import atomic_write_json
from engine.core.vectors import unit_rows
from engine.models.correction import Correction
from engine.models.encoders.base import Features
from engine.models.kernel import Kernel, Rows
from engine.models.posterior_update import PosteriorUpdate
from engine.models.recipe import Recipe
from engine.models.smoother import Smoother
from engine.models.tfidf import TfidfVectors, load_tfidf
from engine.models.views import Standard

__all__ = ["FOLDER", "SavedHybrid", "landmark_arrays", "landmarks_in", "load_hybrid", "save_hybrid"]

FOLDER = "smoother"
_ARRAYS, _RECIPE, _CORRECTION = "smoother.npz", "recipe.json", "correction.npz"
_MEAN, _GRAM = "mean.", "gram."
_SPARSE = ("data", "indices", "indptr", "shape")


@dataclass(frozen=True)
class SavedHybrid:
    """Enough of a hybrid to ask for the neighbours of products that are in no catalogue, or not as it knows them.

    Attributes
    ----------
    observed_lengths, counts, longest : as in `Hybrid`.
    beside : what stands beside it.
    """

    recipe: Recipe
    standard: Standard
    smoother: Smoother
    words: TfidfVectors | None
    correction: Correction | None
    observed_lengths: np.ndarray
    counts: np.ndarray
    longest: float
    beside: Beside

    def views(self, items: pd.DataFrame, features: Mapping[str, Features], predicted: np.ndarray) -> dict[str, Rows]:
        """What the smoother compares n products by; `predicted` (n, f) their predicted factors."""
        words = None if self.words is None else self.words.encode(items)
        return self.standard.views(features, predicted, words)

    def expected(self, views: Mapping[str, Rows]) -> tuple[np.ndarray, np.ndarray]:
        """What the look-alikes' behaviour says of products without any of their own, (n, rank) float32, and how much of
        that is guesswork, (n,) float32."""
        return self.smoother.posterior(views)

    def moved(
        self, rows: np.ndarray, before: Mapping[str, Rows], after: Mapping[str, Rows], profiles: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The smoothed vectors of products of the catalogue with new content, (n, rank) float32, and how much of them is
        guesswork, (n,) float32.

        Parameters
        ----------
        rows : (n,) int, in the catalogue. `before`, `after` : every view of them as it was and is.
        profiles : (n, rank) float32, directions of what was observed of them.
        """
        return self._posterior_update(rows, before, after, profiles * self.observed_lengths[rows][:, None])

    def corrected(self, smoothed: np.ndarray, views: Mapping[str, Rows], rows: np.ndarray | None = None) -> np.ndarray:
        """Smoothed vectors as people judged, (n, rank) float32; `rows` where they are products of the catalogue."""
        if self.correction is None:
            return smoothed
        known = np.any(smoothed, axis=1)[:, None]
        moved = unit_rows(smoothed) + self.correction(views)
        if rows is not None and not self.correction.power:
            moved += self.correction.own(rows)
        return np.where(known, moved, np.float32(0.0))

    @cached_property
    def _posterior_update(self) -> PosteriorUpdate:
        return PosteriorUpdate(self.smoother, self.counts, self.recipe.noise)


def save_hybrid(hybrid: Hybrid, words: TfidfVectors | None, beside: Beside, directory: Path) -> None:
    """Write into `directory`/smoother, which is made where it does not exist."""
    folder = directory / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, np.ndarray] = {
        "coefficients": hybrid.smoother.coefficients,
        "observed_lengths": hybrid.observed_lengths,
        "counts": hybrid.counts,
        "longest": np.array(hybrid.longest),
        "centre": beside.centre,
    }
    smoother = hybrid.smoother
    optional = {"factor": smoother.factor, "noise": smoother.noise, "explains": smoother.explains}
    arrays |= {name: array for name, array in optional.items() if array is not None}
    arrays |= {f"{_MEAN}{modality}": mean for modality, mean in hybrid.standard.means.items()}
    arrays |= {f"{_GRAM}{arm}": gram for arm, gram in beside.grams.items()}
    arrays |= landmark_arrays(hybrid.smoother.landmarks)
    np.savez(folder / _ARRAYS, allow_pickle=False, **arrays)
    if hybrid.correction is not None:
        learned = hybrid.correction
        rest = {"coefficients": learned.coefficients, "rows": learned.rows, "power": np.array(learned.power)}
        np.savez(folder / _CORRECTION, allow_pickle=False, **rest, **landmark_arrays(learned.landmarks))
    atomic_write_json(folder / _RECIPE, hybrid.recipe.to_dict())
    if words is not None:
        words.save(folder)


def load_hybrid(directory: Path) -> SavedHybrid:
    """Read what `save_hybrid` wrote. Raises `ReleaseError` where files are missing or damaged."""
    folder = directory / FOLDER
    try:
        recipe = Recipe.from_dict(json.loads((folder / _RECIPE).read_text("utf-8")))
        arrays = read_npz(folder / _ARRAYS)
        kernel = recipe.kernel()
        return SavedHybrid(
            recipe,
            Standard(_named(arrays, _MEAN)),
            Smoother(
                kernel,
                landmarks_in(arrays, kernel),
                arrays["coefficients"],
                *(arrays.get(name) for name in ("noise", "factor", "explains")),
            ),
            load_tfidf(folder) if "words" in kernel.weights else None,
            _load_correction(folder / _CORRECTION, kernel),
            arrays["observed_lengths"],
            arrays["counts"],
            float(arrays["longest"]),
            Beside(_named(arrays, _GRAM), arrays["centre"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ReleaseError(
            f"The smoother in {directory} cannot be read ({exc}). Train again, or roll back to an older release."
        ) from exc


def _load_correction(file: Path, kernel: Kernel) -> Correction | None:
    if not file.is_file():
        return None
    arrays = read_npz(file)
    return Correction(
        kernel, int(arrays["power"]), arrays["rows"], landmarks_in(arrays, kernel), arrays["coefficients"]
    )


def _named(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def landmark_arrays(landmarks: Mapping[str, Rows]) -> dict[str, np.ndarray]:
    """Landmarks, per view dense or sparse, as arrays by name."""
    arrays: dict[str, np.ndarray] = {}
    for view, rows in landmarks.items():
        if isinstance(rows, sparse.csr_matrix):
            arrays |= {f"sparse.{view}.{part}": np.asarray(getattr(rows, part)) for part in _SPARSE}
        else:
            arrays[f"dense.{view}"] = rows
    return arrays


def landmarks_in(arrays: Mapping[str, np.ndarray], kernel: Kernel) -> dict[str, Rows]:
    """What `landmark_arrays` gave, of every view of a kernel; `KeyError` where one is missing."""
    landmarks: dict[str, Rows] = {}
    for view in kernel.weights:
        if f"dense.{view}" in arrays:
            landmarks[view] = arrays[f"dense.{view}"]
        else:
            data, indices, indptr, shape = (arrays[f"sparse.{view}.{part}"] for part in _SPARSE)
            landmarks[view] = sparse.csr_matrix((data, indices, indptr), shape=tuple(shape))
    return landmarks
