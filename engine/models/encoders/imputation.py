"""What a product lacks, expected from what it has: a missing text, picture or attributes by ridge regression from the others.

A product without a picture is otherwise compared unlike all others, and the network that predicts behaviour sees a picture
that is no picture's. Each modality is reduced to its principal components; one map is fitted for each set of modalities that a
product may have, on the products that have these and the missing one.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np

from engine.core.arrays import read_npz
from engine.core.errors import ReleaseError
from engine.core.large_arrays import blocks as chunks
from engine.core.large_arrays import zeros
from engine.core.storage import atomic_write
from engine.models.encoders.base import Features
from engine.models.encoders.registry import MODALITIES

__all__ = ["Imputer", "fit_imputer", "load_imputer"]

FILE = "imputation.npz"
RANK = 256
MIN_ROWS = 50
"""Fewer products with all of a set of modalities are too few to learn from."""
PENALTIES = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
LEARNED_FROM = 100_000
HELD_OUT = 5
"""One in so many products decides on the penalty, and on whether anything is expected at all."""
LEAST_GAIN = 0.01
"""A map has to explain this share of what it expects."""


@dataclass(frozen=True)
class Reduced:
    """How one modality is reduced: mean (d,), basis (d, r) with columns of length 1, and the scale of what is left."""

    mean: np.ndarray
    basis: np.ndarray
    scale: float

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """(n, r) float32, of a mean square length of about one."""
        return np.asarray((values - self.mean) @ self.basis / np.float32(self.scale), dtype=np.float32)

    def back(self, reduced: np.ndarray) -> np.ndarray:
        """(n, d) float32."""
        return np.asarray(reduced * np.float32(self.scale) @ self.basis.T + self.mean, dtype=np.float32)


@dataclass(frozen=True)
class Imputer:
    """Fitted maps.

    Attributes
    ----------
    maps : "missing<given+given" -> (r of the given ones together, r of the missing one) float32.
    """

    blocks: dict[str, Reduced] = field(default_factory=dict)
    maps: dict[str, np.ndarray] = field(default_factory=dict)

    def complete(self, features: Mapping[str, Features]) -> dict[str, Features]:
        """The same features, with what is missing as it is expected; what cannot be expected stays missing.

        What was expected counts as present.
        """
        return {name: self._completed(name, features) for name in features}

    def _completed(self, name: str, features: Mapping[str, Features]) -> Features:
        block = features[name]
        if block.present.all():
            return block
        values, present = zeros(block.values.shape), block.present.copy()
        for some in chunks(len(values)):
            values[some] = block.values[some]
        for given in _sets(self.blocks, without=name):
            matrix = self.maps.get(_key(name, given))
            rows = np.flatnonzero(_having(features, given, self.blocks) & ~block.present)
            if matrix is None or not len(rows):
                continue
            for some in chunks(len(rows)):
                known = [self.blocks[other](features[other].values[rows[some]]) for other in given]
                values[rows[some]] = self.blocks[name].back(np.hstack(known) @ matrix)
            present[rows] = True
        return Features(values, present)

    def save(self, directory: Path) -> None:
        """Write into an existing directory."""
        arrays = {f"map.{name}": matrix for name, matrix in self.maps.items()}
        for name, block in self.blocks.items():
            arrays |= {f"mean.{name}": block.mean, f"basis.{name}": block.basis, f"scale.{name}": np.array(block.scale)}
        stream = io.BytesIO()
        np.savez(stream, allow_pickle=False, **arrays)
        atomic_write(directory / FILE, stream.getvalue())


def fit_imputer(features: Mapping[str, Features]) -> Imputer:
    """Learn from a catalogue what each modality says of the others; from `LEARNED_FROM` of its products where there are more."""
    n = len(next(iter(features.values())).present) if features else 0
    if n > LEARNED_FROM:
        some = np.linspace(0, n - 1, LEARNED_FROM).astype(np.int64)
        features = {name: block.take(some) for name, block in features.items()}
    names = [name for name in MODALITIES if name in features and features[name].present.any()]
    blocks = {name: _reduced(features[name]) for name in names}
    everything = {name: block(features[name].values) for name, block in blocks.items()}
    maps = {}
    for name in names:
        for given in _sets(blocks, without=name):
            rows = np.flatnonzero(np.all([features[one].present for one in (name, *given)], axis=0))
            matrix = _ridge(np.hstack([everything[one][rows] for one in given]), everything[name][rows])
            if matrix is not None:
                maps[_key(name, given)] = matrix
    return Imputer(blocks, maps)


def load_imputer(directory: Path) -> Imputer:
    """Read what `save` wrote; `ReleaseError` if the file is missing or damaged."""
    file = directory / FILE
    try:
        arrays = read_npz(file)
        names = [name.removeprefix("mean.") for name in arrays if name.startswith("mean.")]
        blocks = {
            name: Reduced(arrays[f"mean.{name}"], arrays[f"basis.{name}"], float(arrays[f"scale.{name}"]))
            for name in names
        }
        maps = {name.removeprefix("map."): array for name, array in arrays.items() if name.startswith("map.")}
        return Imputer(blocks, maps)
    except (OSError, ValueError, KeyError) as exc:
        raise ReleaseError(f"{file} cannot be read ({exc}). Train again, or roll back to an older release.") from exc


def _sets(names: Mapping[str, Reduced], without: str) -> Iterator[tuple[str, ...]]:
    """Every set of the other modalities but the empty one, in the registry's order."""
    others = [name for name in MODALITIES if name in names and name != without]
    for size in range(1, len(others) + 1):
        yield from combinations(others, size)


def _key(name: str, given: tuple[str, ...]) -> str:
    return f"{name}<{'+'.join(given)}"


def _having(features: Mapping[str, Features], given: tuple[str, ...], names: Mapping[str, Reduced]) -> np.ndarray:
    """(n,) bool: which items have these modalities, and no others of `names`."""
    flags = [features[one].present == (one in given) for one in names if one in features]
    return np.asarray(np.all(flags, axis=0)) if set(given) <= set(features) else np.zeros(len(flags[0]), dtype=bool)


def _reduced(block: Features) -> Reduced:
    from sklearn.utils.extmath import randomized_svd

    values = block.values[block.present]
    mean = values.mean(axis=0)
    centred = values - mean
    rank = min(RANK, *centred.shape)
    _, _, directions = randomized_svd(centred, rank, n_iter=3, random_state=0)
    scale = float(np.sqrt(np.square(centred).sum(axis=1).mean()))
    return Reduced(mean, np.ascontiguousarray(directions.T, dtype=np.float32), max(scale, 1e-12))


def _ridge(given: np.ndarray, wanted: np.ndarray) -> np.ndarray | None:
    """(columns of given, columns of wanted) float32; None where there are too few rows or nothing can be expected."""
    if len(given) < MIN_ROWS:
        return None
    held_out = np.arange(len(given)) % HELD_OUT == 0
    errors = {
        penalty: float(np.square(given[held_out] @ matrix - wanted[held_out]).sum())
        for penalty, matrix in _solutions(given[~held_out], wanted[~held_out], PENALTIES)
    }
    penalty = min(errors, key=lambda one: errors[one])
    if errors[penalty] > (1 - LEAST_GAIN) * float(np.square(wanted[held_out]).sum()):
        return None
    ((_, matrix),) = _solutions(given, wanted, (penalty,))
    return matrix


def _solutions(
    given: np.ndarray, wanted: np.ndarray, penalties: tuple[float, ...]
) -> Iterator[tuple[float, np.ndarray]]:
    gram, right = (given.T.astype(np.float64) @ side for side in (given, wanted))
    for penalty in penalties:
        yield penalty, np.linalg.solve(gram + penalty * np.eye(len(gram)), right).astype(np.float32)
