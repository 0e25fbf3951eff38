"""The photo studio: draws all dresses in worker processes, and stores each picture and thumbnail at once.

Workers import this module and the drawing code, but nothing else of the shop, so they start quickly.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
from PIL import Image

from engine.catalogue.images import THUMBNAIL_SIDE
from engine.core.errors import JobError
from engine.core.progress import Progress, silent
from engine.core.workspace import Workspace
from engine.demo.drawing import draw_dress, jpeg
from engine.demo.families import Dress

__all__ = ["photograph"]

BATCH = 10


def photograph(
    workspace: Workspace,
    dresses: Sequence[Dress],
    seed: int,
    processes: int,
    step: str = "",
    progress: Progress = silent,
) -> list[str]:
    """Draw and store every dress; returns the pictures' content hashes in the order of `dresses`.

    The pictures depend only on `seed` and a dress's position, never on the number of processes. The content hash is the
    SHA-256 of the bytes the shop was given, as for every picture; here these are the stored bytes, which need no second
    encoding. Raises `JobError` if a drawing process is killed.
    """
    batches = [range(first, min(first + BATCH, len(dresses))) for first in range(0, len(dresses), BATCH)]
    draw_all = _drawn_here if processes <= 1 else _drawn_by_workers
    images: dict[int, str] = {}
    progress(step, 0.0, f"0 of {len(dresses):,}")
    try:
        for batch, made in draw_all(workspace, dresses, seed, batches, processes):
            images.update(zip(batch, made, strict=True))
            progress(step, len(images) / len(dresses), f"{len(images):,} of {len(dresses):,}")
    except BrokenProcessPool as exc:
        raise JobError(
            f"A drawing process was killed after {len(images):,} of {len(dresses):,} dresses, most likely because "
            "memory ran out. Close other programs and build the demo shop again."
        ) from exc
    return [images[position] for position in range(len(dresses))]


Drawn = Iterator[tuple[range, list[str]]]


def _drawn_here(
    workspace: Workspace, dresses: Sequence[Dress], seed: int, batches: list[range], processes: int
) -> Drawn:
    for batch in batches:
        yield batch, _draw_batch(workspace, _numbered(dresses, batch), seed)


def _drawn_by_workers(
    workspace: Workspace, dresses: Sequence[Dress], seed: int, batches: list[range], processes: int
) -> Drawn:
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=_end_with_parent)
    try:
        waiting = {pool.submit(_draw_batch, workspace, _numbered(dresses, batch), seed): batch for batch in batches}
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _numbered(dresses: Sequence[Dress], batch: range) -> list[tuple[int, Dress]]:
    return [(position, dresses[position]) for position in batch]


def _draw_batch(workspace: Workspace, batch: list[tuple[int, Dress]], seed: int) -> list[str]:
    return [
        _store(workspace, draw_dress(dress, np.random.default_rng([seed, 4, position]))) for position, dress in batch
    ]


def _store(workspace: Workspace, picture: Image.Image) -> str:
    data = jpeg(picture)
    digest = hashlib.sha256(data).hexdigest()
    thumbnail = picture.copy()
    thumbnail.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BICUBIC)
    # The thumbnail comes first: a stored picture promises a stored thumbnail.
    _write(workspace.thumbnail_file(digest), jpeg(thumbnail, quality=85))
    _write(workspace.image_file(digest), data)
    return digest


def _write(path: Path, data: bytes) -> None:
    """Write whole or not at all, without waiting for the disk: `build` waits once, before anything names the pictures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def _end_with_parent() -> None:
    """End this worker when its parent is killed; otherwise it would wait for work forever."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
