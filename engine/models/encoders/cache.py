"""The feature cache: each content is encoded once per encoder.

The folder of an encoder (modality and fingerprint) contains shards: NumPy archives of content keys and vectors. A shard is
written once, atomically, and never changed, so parallel trainings cannot harm each other; many small shards are merged into
one. A shard that cannot be read is deleted, and its contents are encoded again.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from engine.core.arrays import read_npz
from engine.core.large_arrays import zeros
from engine.core.storage import atomic_write, remove_whatever_it_is
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
    keys = [content_key(content) for content in contents]
    known = _read_shards(folder, encoder.dim)
    vectors = zeros((len(contents), encoder.dim))
    for row, key in enumerate(keys):
        if key in known:
            vectors[row] = known[key]
    unknown = [row for row, key in enumerate(keys) if key not in known]
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
        _add_shard(folder, [keys[row] for row in rows], vectors[rows])
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
    _add_shard(_folder(encoder, workspace), [content_key(content) for content in contents], vectors)


def _folder(encoder: ContentEncoder, workspace: Workspace) -> Path:
    return workspace.features / f"{encoder.modality}-{encoder.fingerprint[:32]}"


def _read_shards(folder: Path, dim: int) -> dict[bytes, np.ndarray]:
    known: dict[bytes, np.ndarray] = {}
    for shard in sorted(folder.glob("*.npz")):
        try:
            keys, vectors = _read_shard(shard, dim)
        except (OSError, ValueError, KeyError):
            remove_whatever_it_is(shard)
            continue
        known.update(zip((key.tobytes() for key in keys), vectors, strict=True))
    return known


def _read_shard(shard: Path, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Keys (n, 32) uint8 and vectors (n, dim) float32; the archive's CRC detects flipped bits."""
    archive = read_npz(shard)
    keys, vectors = archive["keys"], archive["vectors"]
    fits = keys.shape == (len(vectors), 32) and keys.dtype == np.uint8
    if not (fits and vectors.shape[1:] == (dim,) and vectors.dtype == np.float32 and np.isfinite(vectors).all()):
        raise ValueError(f"{shard} is not a shard of {dim} columns")
    return keys, vectors


def _add_shard(folder: Path, keys: list[bytes], vectors: np.ndarray) -> None:
    """Write a shard; if there are many already, write one that replaces them all."""
    old = sorted(folder.glob("*.npz"))
    if len(old) >= MAX_SHARDS:
        known = _read_shards(folder, vectors.shape[1]) | dict(zip(keys, vectors, strict=True))
        keys, vectors = list(known), np.stack(list(known.values()))
    else:
        old = []
    stream = io.BytesIO()
    np.savez(stream, keys=np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, 32), vectors=vectors)
    atomic_write(folder / f"{uuid.uuid4().hex}.npz", stream.getvalue())
    for shard in old:
        shard.unlink(missing_ok=True)
