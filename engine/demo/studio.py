"""The photo studio: draws all dresses in worker processes and files each picture and thumbnail as it is made.

Workers load this module and what it needs to draw, nothing of the rest of the shop, so that they start quickly.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import threading
from collections.abc import Sequence
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

    The pictures depend on `seed` and a dress's place alone, never on how many processes drew them. As everywhere, the
    hash is the SHA-256 of the bytes the shop gave, which here are the bytes stored: they need no second encoding.
    Raises `JobError` when a drawing process is killed.
    """
    batches = [range(first, min(first + BATCH, len(dresses))) for first in range(0, len(dresses), BATCH)]
    images: dict[int, str] = {}

    def hand_in(batch: range, made: list[str]) -> None:
        images.update(zip(batch, made, strict=True))
        progress(step, len(images) / len(dresses), f"{len(images):,} of {len(dresses):,}")

    progress(step, 0.0, f"0 of {len(dresses):,}")
    if processes <= 1:
        for batch in batches:
            hand_in(batch, _draw_batch(workspace, _named(dresses, batch), seed))
        return [images[place] for place in range(len(dresses))]
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=_end_with_parent)
    try:
        waiting = {pool.submit(_draw_batch, workspace, _named(dresses, batch), seed): batch for batch in batches}
        for future in as_completed(waiting):
            hand_in(waiting[future], future.result())
    except BrokenProcessPool as exc:
        raise JobError(
            f"A drawing process was killed after {len(images):,} of {len(dresses):,} dresses, most likely because "
            "memory ran out. Close other programs and build the demo shop again."
        ) from exc
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return [images[place] for place in range(len(dresses))]


def _named(dresses: Sequence[Dress], batch: range) -> list[tuple[int, Dress]]:
    return [(place, dresses[place]) for place in batch]


def _draw_batch(workspace: Workspace, batch: list[tuple[int, Dress]], seed: int) -> list[str]:
    return [_store(workspace, draw_dress(dress, np.random.default_rng([seed, 4, place]))) for place, dress in batch]


def _store(workspace: Workspace, picture: Image.Image) -> str:
    data = jpeg(picture)
    digest = hashlib.sha256(data).hexdigest()
    thumbnail = picture.copy()
    thumbnail.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BICUBIC)
    # The thumbnail comes first: a picture that is there promises that its thumbnail is there.
    _write(workspace.thumbnail_file(digest), jpeg(thumbnail, quality=85))
    _write(workspace.image_file(digest), data)
    return digest


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, and without waiting for the disk: building the shop again mends what a power cut took."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever; this ends it instead."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
