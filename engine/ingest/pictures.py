"""A folder or zip of pictures: matched with the products, decoded and stored by two processes.

A zip is never extracted. Its members are read one by one under caps on their number, size and ratio; absolute paths,
"..", links and encrypted members are refused.
"""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path, PurePosixPath

import pandas as pd

from engine.catalogue.images import MAX_BYTES, store_image
from engine.core.errors import ImageError
from engine.core.progress import Progress
from engine.core.workspace import Workspace
from engine.ingest.report import FileReport, Problem, ProblemLog

__all__ = ["STEP", "move_pictures", "store_pictures"]

STEP = "Reading the pictures"
MAX_MEMBERS = 500_000
MAX_TOTAL = 64 * 1024**3
# Members of more than `_FREE_BYTES` must not be packed more than this many times; pictures hardly pack at all.
MAX_RATIO = 100
_FREE_BYTES = 1024 * 1024
_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".webp"})
# Pictures that a process decodes at a time; more than one such portion is worth a second process.
_CHUNK = 64


@dataclass(frozen=True)
class _Outcome:
    """A picture's content hash, or why it has none."""

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
) -> tuple[pd.Series, FileReport]:
    """The content hash of every product's picture, aligned with `items`; null where it has none.

    A picture is found by the path or file name in `items["image"]`, else by the product's id as its file name. Pictures
    that the workspace lacks are stored in `staging`. Problems are reported, and those products loaded without a picture.
    Raises `ImageError` when `source` is neither a folder nor a readable zip, or a zip exceeds its caps.
    """
    index, n_read = _index(source, problems)
    item_ids = items["item_id"].tolist()
    named = items["image"].tolist() if "image" in items else [None] * len(items)
    chosen = [_find(index, item_id, image) for item_id, image in zip(item_ids, named, strict=True)]
    wanted = list(dict.fromkeys(path for path in chosen if path is not None))
    outcomes = dict(zip(wanted, _store_all(workspace, staging, source, wanted, progress), strict=True))
    hashes = [outcomes[path].image if path is not None else None for path in chosen]
    for position, path in enumerate(chosen):
        if hashes[position] is None:
            row = None if rows is None else int(rows.iloc[position])
            fault = f"{path}: {outcomes[path].message}" if path is not None else None
            problems.add(_problem(items_file, row, source.name, fault, item_ids[position], named[position]))
    stored = sum(outcome.image is not None for outcome in outcomes.values())
    unused = n_read - len(wanted)
    notes = [f"{unused:,} pictures belong to no product and were not read"] if unused else []
    report = FileReport(source.name, "pictures", n_read, stored, len(wanted) - stored, notes=notes)
    return pd.Series(hashes, dtype="str"), report


def _problem(file: str, row: int | None, source: str, fault: str | None, item_id: str, named: object) -> Problem:
    """The problem of a product whose picture has a `fault`, or is missing."""
    if fault is not None:
        return Problem(file, row, "image", "unreadable_picture", fault, str(item_id))
    message = (
        f"{source} contains no picture of this product; the product was loaded without one. Add one, or ignore this."
    )
    return Problem(file, row, "image", "missing_picture", message, named if isinstance(named, str) else str(item_id))


def move_pictures(staging: Workspace, workspace: Workspace) -> None:
    """Move stored pictures into the workspace, thumbnails first; pictures that it has already are not replaced."""
    for source, target in ((staging.thumbnails, workspace.thumbnails), (staging.images, workspace.images)):
        for path in sorted(source.glob("*/*.jpg")):
            destination = target / path.parent.name / path.name
            if not destination.exists():
                destination.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, destination)
        shutil.rmtree(source, ignore_errors=True)


def _index(source: Path, problems: ProblemLog) -> tuple[dict[str, str], int]:
    """Keys by which products may name a picture -> its path in the source; and the number of pictures."""
    if source.is_dir():
        paths = list(_folder_members(source))
    elif source.is_file():
        paths = list(_zip_members(source, problems))
    else:
        raise ImageError("there is no such folder or zip of pictures. Check the path.", file=str(source))
    index: dict[str, str] = {}
    # Whole paths win over file names, file names over stems, and the first in order over later ones.
    for key in (_path_key, _name_key, _stem_key):
        for path in paths:
            index.setdefault(key(path), path)
    return index, len(paths)


def _find(index: dict[str, str], item_id: str, image: object) -> str | None:
    if isinstance(image, str) and image.strip():
        given = image.strip().replace("\\", "/").split("?", 1)[0]
        for key in (_path_key(given), _name_key(given), _stem_key(given)):
            if key in index:
                return index[key]
    return index.get(f"stem:{item_id.lower()}") or index.get(f"name:{item_id.lower()}")


def _path_key(path: str) -> str:
    return "path:" + path.lower().lstrip("./")


def _name_key(path: str) -> str:
    return "name:" + PurePosixPath(path.lower()).name


def _stem_key(path: str) -> str:
    name = PurePosixPath(path.lower())
    return "stem:" + (name.stem if name.suffix in _SUFFIXES else name.name)


def _folder_members(folder: Path) -> Iterator[str]:
    for directory, names, files in os.walk(folder, followlinks=False):
        names.sort()
        for name in sorted(files):
            path = Path(directory, name)
            if path.suffix.lower() in _SUFFIXES and not path.is_symlink() and not name.startswith("."):
                yield path.relative_to(folder).as_posix()


def _zip_members(source: Path, problems: ProblemLog) -> Iterator[str]:
    for member in sorted(_directory(source), key=lambda member: member.filename):
        if member.is_dir() or member.filename.startswith("__MACOSX/"):
            continue
        path = PurePosixPath(member.filename)
        if refusal := _refusal(member):
            message = f"{refusal}; it was not read."
            problems.add(Problem(source.name, None, None, "refused_file", message, member.filename))
        elif path.suffix.lower() in _SUFFIXES and not path.name.startswith("."):
            yield member.filename


def _directory(source: Path) -> list[zipfile.ZipInfo]:
    """The members of a zip, if there are not too many and they are not too large together."""
    try:
        with zipfile.ZipFile(source) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
        raise ImageError(f"the zip cannot be read ({exc}). Pack the pictures again.", file=source.name) from exc
    if len(members) > MAX_MEMBERS:
        raise ImageError(f"{len(members):,} files are too many (at most {MAX_MEMBERS:,}). Split it.", file=source.name)
    if sum(member.file_size for member in members) > MAX_TOTAL:
        raise ImageError(f"it unpacks to more than {MAX_TOTAL / 1024**3:.0f} GB. Split it.", file=source.name)
    return members


def _refusal(member: zipfile.ZipInfo) -> str | None:
    """Why a member must not be read, judging by its entry in the zip's directory; None for a good one."""
    path = member.filename.replace("\\", "/")
    if path.startswith("/") or ".." in path.split("/") or ":" in path.split("/")[0] or "\x00" in path:
        return "its path leads out of the zip"
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "it is a link or a special file"
    if member.flag_bits & 0x1:
        return "it is encrypted"
    if member.file_size > MAX_BYTES and PurePosixPath(path.lower()).suffix in _SUFFIXES:
        return f"it is larger than {MAX_BYTES / 1e6:.0f} MB"
    if member.file_size > _FREE_BYTES and member.file_size > MAX_RATIO * max(member.compress_size, 1):
        return f"it is packed more than {MAX_RATIO} times"
    return None


def _store_all(
    workspace: Workspace, staging: Workspace, source: Path, paths: list[str], progress: Progress
) -> list[_Outcome]:
    """Outcomes in the order of `paths`; two processes if there are many."""
    jobs = [(workspace.root, staging.root, source, paths[i : i + _CHUNK]) for i in range(0, len(paths), _CHUNK)]
    outcomes: list[_Outcome] = []
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
    return outcomes


def _store_chunk(job: tuple[Path, Path, Path, list[str]]) -> list[_Outcome]:
    root, staging, source, paths = job
    with nullcontext() if source.is_dir() else zipfile.ZipFile(source) as archive:
        return [_store_one(Workspace(root), Workspace(staging), source, archive, path) for path in paths]


def _store_one(
    workspace: Workspace, staging: Workspace, source: Path, archive: zipfile.ZipFile | None, path: str
) -> _Outcome:
    try:
        with archive.open(path) if archive else (source / path).open("rb") as stream:
            # One byte more than a picture may have: the decoder refuses it then.
            data = stream.read(MAX_BYTES + 1)
        return _Outcome(store_image(staging, data, name=path, known=workspace))
    except ImageError as exc:
        return _Outcome(None, exc.message)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, KeyError, RuntimeError, NotImplementedError) as exc:
        return _Outcome(None, f"the file is damaged ({exc}). Pack it again.")
