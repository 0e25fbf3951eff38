"""Taking a release from where `push` sent it, and serving it: for machines that train nothing themselves."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engine.access.acting import require
from engine.access.roles import Action
from engine.backup.inventory import pictures_in
from engine.core.errors import InputError, NotFoundError, ReleaseError, StorageError, WorkspaceBusyError
from engine.core.progress import Progress, silent
from engine.core.storage import atomic_directory, fsync_directory, fsync_tree
from engine.core.workspace import SNAPSHOT_ID, Workspace
from engine.ingest.locations.objects import StoredObject
from engine.release.manifest import MANIFEST_FILE, Manifest, read_manifest, verify_files
from engine.release.publish import current_release_id, list_releases, publish, release_directory
from engine.shipping.elsewhere import Elsewhere
from engine.shipping.push import AT_ONCE, CURRENT

__all__ = ["Pulled", "pull"]

STEP = "Fetching the release"
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Pulled:
    """The release, the bytes that came and those that older releases had already, and whether it is served now and was not before."""

    release_id: str
    bytes: int
    shared_bytes: int
    published: bool


def pull(
    workspace: Workspace,
    address: str,
    release_id: str | None = None,
    progress: Progress = silent,
    *,
    serve: bool = True,
) -> Pulled:
    """Fetch a release, the one that the address points to unless named, and serve it once every file of it was checked.

    Files that another release here has are not fetched; what broke off goes on. Raises `NotFoundError` where nothing was sent there, `ReleaseError` where what came is not what was
    sent or another release of that name is here, `InputError` where the store refuses, `StorageError` where the disk is too small, `WorkspaceBusyError` while somebody else fetches, else as `publish`.
    """
    require(Action.PUBLISH)
    there = Elsewhere(address)
    release_id = release_id or there.pointer(CURRENT)
    if release_id is None:
        raise NotFoundError(f"{there.address} has no release. Send one there with `push`.")
    directory = release_directory(workspace, release_id)
    with _alone(workspace):
        progress(STEP, 0.0, release_id)
        fetched, shared = _release(workspace, there, directory, progress)
        snapshot_id = read_manifest(directory).snapshot_id
        fetched += _shop(workspace, there, snapshot_id)
        fetched += _pictures(workspace, there, workspace.snapshots / snapshot_id / "items.parquet", progress)
        if serve or workspace.snapshot_in_use() is None:
            workspace.use_snapshot(snapshot_id)
    published = serve and current_release_id(workspace) != release_id
    if published:
        publish(workspace, release_id)
    progress(STEP, 1.0, release_id)
    return Pulled(release_id, fetched, shared, published)


def _release(workspace: Workspace, there: Elsewhere, directory: Path, progress: Progress) -> tuple[int, int]:
    """Bytes fetched, and bytes that were here; the release is in its place afterwards, whole."""
    objects = there.objects(f"releases/{directory.name}")
    if MANIFEST_FILE not in objects:
        raise NotFoundError(f"{there.address} has no release {directory.name}.")
    if directory.exists():
        if there.read(objects[MANIFEST_FILE]) != (directory / MANIFEST_FILE).read_bytes():
            raise ReleaseError(
                f"This workspace has another release called {directory.name}. Fetch into a workspace that trains nothing itself."
            )
        return 0, 0
    beside = directory.with_name(f".{directory.name}.part")
    part = beside / directory.name
    try:
        try:
            fetched, shared = _filled(workspace, there, objects, part, progress)
        except ReleaseError:
            if not any(file.stat().st_nlink > 1 for file in part.rglob("*") if file.is_file()):
                raise
            # What is here may be damaged, and not what was sent.
            shutil.rmtree(beside, ignore_errors=True)
            fetched, shared = _filled(None, there, objects, part, progress)
    except ReleaseError as exc:
        shutil.rmtree(beside, ignore_errors=True)
        raise ReleaseError(f"What {there.address} has as {directory.name} is damaged ({exc}). Send it again.") from exc
    fsync_tree(part)
    part.rename(directory)
    fsync_directory(directory.parent)
    shutil.rmtree(beside, ignore_errors=True)
    return fetched, shared


def _filled(
    lends: Workspace | None, there: Elsewhere, objects: Mapping[str, StoredObject], part: Path, progress: Progress
) -> tuple[int, int]:
    """Bytes fetched, and bytes of files that releases in `lends` have; every file is in `part` afterwards and was checked."""
    (part / MANIFEST_FILE).unlink(missing_ok=True)
    there.fetch(objects[MANIFEST_FILE], part / MANIFEST_FILE)
    manifest = read_manifest(part)
    if not SNAPSHOT_ID.fullmatch(manifest.snapshot_id):
        raise ReleaseError(f"it names the shop data {manifest.snapshot_id[:40]!r}, which is no name for it")
    shared = _linked(lends, manifest, part) if lends is not None else 0
    fetched = _fetched(there, objects, manifest, part, progress)
    progress(STEP, 1.0, "checking every file")
    verify_files(part, manifest)
    return fetched, shared


def _linked(workspace: Workspace, manifest: Manifest, part: Path) -> int:
    """Take files from releases that are here; their bytes. Releases never change, so both may have the same file."""
    lying = {
        facts["sha256"]: workspace.releases / one.release_id / name
        for one in list_releases(workspace, verify=False)
        for name, facts in one.files.items()
    }
    shared = 0
    for name, facts in manifest.files.items():
        file = lying.get(facts["sha256"])
        if file is None or (part / name).exists():
            continue
        (part / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file, part / name)
        except OSError:  # a disk without links, or the file is gone
            continue
        shared += facts["bytes"]
    return shared


def _fetched(
    there: Elsewhere, objects: Mapping[str, StoredObject], manifest: Manifest, part: Path, progress: Progress
) -> int:
    """Download what is not there yet; its bytes."""
    wanted = {
        name: facts["bytes"]
        for name, facts in manifest.files.items()
        if not (part / name).is_file() or (part / name).stat().st_size != facts["bytes"]
    }
    if lacking := [name for name, size in wanted.items() if name not in objects or objects[name].size != size]:
        raise ReleaseError(f"{lacking[0]} is missing")
    total, before = sum(int(size) for size in wanted.values()), 0
    _require_room(part, total)
    for name, size in wanted.items():
        there.fetch(objects[name], part / name, partial(_tell, progress, before, total))
        before += size
    return total


def _tell(progress: Progress, before: int, total: int, done: int) -> None:
    progress(STEP, (before + done) / max(total, 1), f"{(before + done) / 1e6:,.0f} of {total / 1e6:,.0f} MB")


def _shop(workspace: Workspace, there: Elsewhere, snapshot_id: str) -> int:
    """The shop data that the release shows; the bytes that came."""
    target = workspace.snapshots / snapshot_id
    if (target / "shop.json").is_file():
        return 0
    objects = there.objects(f"shop/{snapshot_id}")
    if "shop.json" not in objects:
        raise InputError(f"The shop data {snapshot_id} is missing. Send the release again.", file=there.address)
    total = sum(one.size for one in objects.values())
    _require_room(workspace.root, total)
    with atomic_directory(target) as folder:
        for name, one in objects.items():
            there.fetch(one, folder / name)
    return total


def _pictures(workspace: Workspace, there: Elsewhere, items: Path, progress: Progress) -> int:
    """The products' pictures that are not here yet; their bytes. One that was not sent is left out: its product shows words."""
    named = [image for image in pictures_in(items) if _HASH.fullmatch(image)]
    wanted = [
        (place.parent.parent.name, place.relative_to(place.parent.parent).as_posix(), place)
        for image in named
        for place in (workspace.image_file(image), workspace.thumbnail_file(image))
        if not place.is_file()
    ]
    if not wanted:
        return 0
    lying = {folder: there.objects(folder) for folder in {folder for folder, _, _ in wanted}}
    coming = [(lying[folder][name], place) for folder, name, place in wanted if name in lying[folder]]
    total, came = sum(one.size for one, _ in coming), 0
    _require_room(workspace.root, total)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for (one, _), _ in zip(coming, pool.map(lambda pair: there.fetch(*pair), coming), strict=True):
            came += one.size
            progress(STEP, came / max(total, 1), f"pictures: {came / 1e6:,.0f} of {total / 1e6:,.0f} MB")
    return total


def _require_room(folder: Path, needed: int) -> None:
    """`StorageError` where the disk has less than is to come."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise StorageError(
            f"The release needs {needed / 1e9:.1f} GB, and the workspace's disk has {free / 1e9:.1f} GB left. Free some."
        )


@contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """One at a time in a workspace; the operating system forgets whoever dies."""
    workspace.releases.mkdir(parents=True, exist_ok=True)
    handle = os.open(workspace.releases / ".fetching", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise WorkspaceBusyError(
                "Somebody else is fetching a release into this workspace. Wait until that is done."
            ) from exc
        yield
    finally:
        os.close(handle)
