"""The feature cache: each content is encoded once per encoder.

The folder of an encoder (modality and fingerprint) contains shards: NumPy archives of content keys and vectors. A shard is
written once, atomically, and never changed, so parallel trainings cannot harm each other; many small shards are merged into
one. A shard that cannot be read is deleted, and its contents are encoded again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from engine.core.arrays import read_npz
from engine.core.large_arrays import blocks, zeros
from engine.core.storage import atomic_file, remove_whatever_it_is
from engine.core.workers import workers
from engine.core.workspace import Workspace
from engine.models.encoders.base import ContentEncoder, Features, content_key, encode_contents_of
from engine.models.encoders.elsewhere import encode_elsewhere

__all__ = ["encode_through_cache", "remember"]

MAX_SHARDS = 8
AT_ONCE = 50_000
"""Contents that are encoded before they are kept: whoever is killed loses no more."""


def encode_through_cache(
    encoder: ContentEncoder,
    items: pd.DataFrame,
    workspace: Workspace,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Features:
    """`encoder.encode`, with the vectors of known contents from the workspace's cache.

    Parameters
    ----------
    progress : called with the number of contents that are done, including cached ones, and the number of all.
    """

    def lookup(contents: Sequence[str]) -> np.ndarray:
        return _lookup(encoder, contents, workspace, progress)

    return encode_contents_of(encoder, items, workspace, lookup)


def _lookup(
    encoder: ContentEncoder, contents: Sequence[str], workspace: Workspace, progress: Callable[[int, int], None]
) -> np.ndarray:
    """(len(contents), dim) float32; new contents are encoded and added to the cache."""
    folder = _folder(encoder, workspace)
    keys = _keys(contents)
    known_keys, known = _read_shards(folder, encoder.dim)
    places = _positions(keys, known_keys)
    vectors, there, unknown = (
        zeros((len(contents), encoder.dim)),
        np.flatnonzero(places >= 0),
        np.flatnonzero(places < 0),
    )
    for some in blocks(len(there)):
        vectors[there[some]] = known[places[there[some]]]
    del known
    done = len(contents) - len(unknown)
    progress(done, len(contents))
    for start in range(0, len(unknown), AT_ONCE):
        rows, before = unknown[start : start + AT_ONCE], done + start
        new = [contents[row] for row in rows]
        vectors[rows] = _encoded(
            encoder,
            new,
            workspace,
            lambda count, before=before: progress(before + count, len(contents)),  # type: ignore[misc]
        )
        _add_shard(folder, keys[rows], vectors[rows])
    return vectors


def _encoded(
    encoder: ContentEncoder, contents: Sequence[str], workspace: Workspace, progress: Callable[[int], None]
) -> np.ndarray:
    """(len(contents), dim) float32, here or by whoever works for this training."""
    some = workers()
    if some is None:
        return encoder.encode_contents(contents, workspace, progress)
    return encode_elsewhere(encoder, contents, workspace, progress, some)


def remember(encoder: ContentEncoder, contents: Sequence[str], vectors: np.ndarray, workspace: Workspace) -> None:
    """Add vectors (len(contents), dim) float32 to the cache, e.g. those that fitting `encoder` produced."""
    _add_shard(_folder(encoder, workspace), _keys(contents), vectors)


def _folder(encoder: ContentEncoder, workspace: Workspace) -> Path:
    return workspace.features / f"{encoder.modality}-{encoder.fingerprint[:32]}"


def _keys(contents: Sequence[str]) -> np.ndarray:
    """(n, 32) uint8."""
    return np.frombuffer(b"".join(map(content_key, contents)), dtype=np.uint8).reshape(-1, 32)


def _positions(keys: np.ndarray, among: np.ndarray) -> np.ndarray:
    """(n,) int64, where each of some keys (n, 32) first stands among others (m, 32); -1 where it does not."""
    found = pc.index_in(_binary(keys), value_set=_binary(among)).fill_null(-1)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)


def _binary(keys: np.ndarray) -> pa.Array:
    return pa.Array.from_buffers(pa.binary(32), len(keys), [None, pa.py_buffer(np.ascontiguousarray(keys))])


def _read_shards(folder: Path, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Keys (n, 32) uint8 and vectors (n, dim) float32 of all shards; a key may be in several."""
    keys, vectors = [np.zeros((0, 32), np.uint8)], [np.zeros((0, dim), np.float32)]
    for shard in sorted(folder.glob("*.npz")):
        try:
            some_keys, some_vectors = _read_shard(shard, dim)
        except (OSError, ValueError, KeyError):
            remove_whatever_it_is(shard)
            continue
        keys.append(some_keys)
        vectors.append(some_vectors)
    return np.concatenate(keys), vectors[1] if len(vectors) == 2 else np.concatenate(vectors)


def _read_shard(shard: Path, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Keys (n, 32) uint8 and vectors (n, dim) float32; the archive's CRC detects flipped bits."""
    archive = read_npz(shard)
    keys, vectors = archive["keys"], archive["vectors"]
    fits = keys.shape == (len(vectors), 32) and keys.dtype == np.uint8
    if not (fits and vectors.shape[1:] == (dim,) and vectors.dtype == np.float32 and np.isfinite(vectors).all()):
        raise ValueError(f"{shard} is not a shard of {dim} columns")
    return keys, vectors


def _add_shard(folder: Path, keys: np.ndarray, vectors: np.ndarray) -> None:
    """Write a shard of keys (n, 32) uint8 and vectors (n, dim) float32; if there are many already, one that replaces them all."""
    old = sorted(folder.glob("*.npz"))
    if len(old) >= MAX_SHARDS:
        known_keys, known = _read_shards(folder, vectors.shape[1])
        keys, vectors = np.concatenate([keys, known_keys]), np.concatenate([vectors, known])
        firsts = _positions(keys, keys) == np.arange(len(keys))
        keys, vectors = keys[firsts], vectors[firsts]
    else:
        old = []
    with atomic_file(folder / f"{uuid.uuid4().hex}.npz") as stream:
        np.savez(stream, keys=keys, vectors=vectors)
    for shard in old:
        shard.unlink(missing_ok=True)
