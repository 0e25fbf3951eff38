"""The pictures of a shop's products: found, decoded by two processes, and stored."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import pandas as pd

from engine.catalogue.images import CUT_OFF, is_cut_off, store_image
from engine.core.errors import ImageError
from engine.core.progress import Progress
from engine.core.storage import fsync_directory, make_folders
from engine.core.workspace import Workspace
from engine.ingest.pictures.archive import list_pictures, opened
from engine.ingest.pictures.by_name import Ambiguous
from engine.ingest.pictures.matching import match_pictures
from engine.ingest.report import FileReport, Problem, ProblemLog

__all__ = ["STEP", "Outcome", "cells_of", "move_pictures", "report_fault", "store_files", "store_pictures"]

STEP = "Reading the pictures"
# Pictures that a process decodes at a time; more than one such portion is worth a second process.
_CHUNK = 64


@dataclass(frozen=True)
class Outcome:
    """A picture's content hash, or why it has none; with both it was read though it is damaged."""

    image: str | None
    message: str = ""


def store_pictures(
    workspace: Workspace,
    staging: Workspace,
    source: Path,
    items: pd.DataFrame,
    rows: pd.Series | None,
    items_file: str,
    problems: ProblemLog,
    progress: Progress,
    aliases: Mapping[str, Iterable[str]] | None = None,
    elsewhere: Collection[int] = (),
) -> tuple[pd.Series, FileReport]:
    """The content hash of every product's picture, aligned with `items`; null where it has none.

    A picture is found by what `items["image"]` says (a path, a name, an address, several of them), else by the product's
    id, or one of its `aliases`, in the name of the file or folder. Pictures that the workspace lacks are stored in
    `staging`. Problems are reported, and those products loaded without a picture; positions in `elsewhere` may have one
    that is not in `source`, and their lack of one is no problem.
    Raises `ImageError` when `source` is neither a folder nor a readable zip, or a zip exceeds its caps.
    """
    paths = list_pictures(source, problems)
    item_ids = [str(item_id) for item_id in items["item_id"]]
    named = cells_of(items)
    matching = match_pictures(paths, item_ids, named, aliases)
    outcomes = store_files(workspace, staging, source, matching.paths, progress)
    for position, path in enumerate(matching.paths):
        row = None if rows is None else int(rows.iloc[position])
        about = Problem(items_file, row, "image", "", "", item_ids[position])
        if path is not None:
            report_fault(about, path, outcomes[path], problems)
        elif position not in elsewhere:
            about = replace(about, value=named[position] or item_ids[position])
            problems.add(_no_picture(about, source.name, matching.refused.get(position)))
    stored = sum(outcome.image is not None for outcome in outcomes.values())
    unused = len(paths) - len(outcomes)
    notes = [f"{unused:,} pictures belong to no product and were not read"] if unused else []
    report = FileReport(
        source.name, "pictures", len(paths), stored, len(outcomes) - stored, notes=[*matching.notes, *notes]
    )
    return pd.Series([outcomes[path].image if path else None for path in matching.paths], dtype="str"), report


def cells_of(items: pd.DataFrame) -> list[str | None]:
    """What the products file says of every product's picture."""
    if "image" not in items:
        return [None] * len(items)
    return [cell if isinstance(cell, str) else None for cell in items["image"]]


def report_fault(about: Problem, name: str, outcome: Outcome, problems: ProblemLog) -> None:
    """Add what is wrong with the picture of this `name`, if anything is."""
    if outcome.message:
        kind = "damaged_picture" if outcome.image else "unreadable_picture"
        problems.add(replace(about, kind=kind, message=f"{name}: {outcome.message}"))


def _no_picture(about: Problem, source: str, refused: Ambiguous | None) -> Problem:
    """The problem of a product whose picture cannot be told from others, or is missing."""
    if refused is None:
        message = f"{source} contains no picture of this product; the product was loaded without one. Add one, or ignore this."
        return replace(about, kind="missing_picture", message=message)
    listed = ", ".join(refused.fits) + (", ..." if refused.count > len(refused.fits) else "")
    if refused.products:
        message = (
            f"the picture {refused.what} would fit {refused.count:,} products ({listed}); none of them got it by its name."
            " Write each product's own picture with its folder, or name the file by the product's id."
        )
    else:
        message = (
            f"{refused.what} would fit {refused.count:,} pictures ({listed}); the product was loaded without one. Write the"
            " picture's folder too, or name one file by the product's id."
        )
    return replace(about, kind="ambiguous_picture", message=message)


def move_pictures(staging: Workspace, workspace: Workspace) -> None:
    """Move stored pictures into the workspace, thumbnails first; pictures that it has already are not replaced.

    When this returns they are durable under their names: a snapshot that names them may follow.
    """
    for source, target in ((staging.thumbnails, workspace.thumbnails), (staging.images, workspace.images)):
        filled: set[Path] = set()
        for path in sorted(source.glob("*/*.jpg")):
            destination = target / path.parent.name / path.name
            if not destination.exists():
                make_folders(destination.parent)
                os.replace(path, destination)
                filled.add(destination.parent)
        for folder in filled:
            fsync_directory(folder)
        shutil.rmtree(source, ignore_errors=True)


def store_files(
    workspace: Workspace, staging: Workspace, source: Path, chosen: Iterable[str | None], progress: Progress
) -> dict[str, Outcome]:
    """Path -> what came of it, for all paths in `source` that were chosen; two processes if there are many."""
    paths = list(dict.fromkeys(path for path in chosen if path is not None))
    jobs = [(workspace.root, staging.root, source, paths[i : i + _CHUNK]) for i in range(0, len(paths), _CHUNK)]
    outcomes: list[Outcome] = []
    # Spawned, not forked: the caller may have threads (Streamlit, DuckDB) whose locks a fork would copy.
    pool = ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn")) if len(jobs) > 1 else None
    try:
        for chunk in pool.map(_store_chunk, jobs) if pool else map(_store_chunk, jobs):
            outcomes += chunk
            progress(STEP, len(outcomes) / len(paths), f"{len(outcomes):,} of {len(paths):,}")
    except BrokenProcessPool as exc:
        raise ImageError(
            "a process that decodes pictures was killed, most likely because memory ran out. Free some and try again.",
            file=source.name,
        ) from exc
    finally:
        if pool:
            pool.shutdown(cancel_futures=True)
    return dict(zip(paths, outcomes, strict=True))


def _store_chunk(job: tuple[Path, Path, Path, list[str]]) -> list[Outcome]:
    root, staging, source, paths = job
    with opened(source) as read:
        return [_store_one(Workspace(root), Workspace(staging), read, path) for path in paths]


def _store_one(workspace: Workspace, staging: Workspace, read: Callable[[str], bytes], path: str) -> Outcome:
    try:
        data = read(path)
        image = store_image(staging, data, name=path, known=workspace)
        return Outcome(image, CUT_OFF if is_cut_off(data) else "")
    except ImageError as exc:
        return Outcome(None, exc.message)
