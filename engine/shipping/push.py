"""Copying a release to where other machines take it from, with the shop data and the pictures that it shows."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from engine.access.acting import require
from engine.access.audit import deed
from engine.access.roles import Action
from engine.backup.inventory import pictures_in
from engine.core.errors import NoReleaseError, ReleaseError
from engine.core.progress import Progress, silent
from engine.core.workspace import Workspace
from engine.release.manifest import MANIFEST_FILE, Manifest
from engine.release.publish import current_release_id, verify_release
from engine.shipping.elsewhere import Elsewhere

__all__ = ["AT_ONCE", "CURRENT", "Pushed", "push"]

CURRENT = "releases/current"
AT_ONCE = 8
"""Files that are on their way together: pictures are many and small."""
STEP = "Sending the release"


@dataclass(frozen=True)
class Pushed:
    """The release, and how many files and bytes were sent: what lay there already was not."""

    release_id: str
    files: int
    bytes: int


def push(workspace: Workspace, address: str, release_id: str | None = None, progress: Progress = silent) -> Pushed:
    """Copy a release, the one that is served unless named, and point to it there.

    Files are there before the manifest, and the manifest before the pointer, so nobody finds a release half there. Raises `NoReleaseError` where none is
    served, `ReleaseError` where it is damaged or another of its name lies there, `InputError` where the store refuses,
    `NotAllowedError` where who acts may not publish.
    """
    release_id = release_id or current_release_id(workspace)
    if not release_id:
        raise NoReleaseError(f"No release is published in {workspace.root}. Train one with `train`.")
    require(Action.PUBLISH)
    there = Elsewhere(address)
    progress(STEP, 0.0, "checking every file")
    manifest = verify_release(workspace, release_id)
    with deed(Action.PUBLISH, f"{release_id} to {there.address}", workspace=workspace):
        return _pushed(workspace, there, manifest, progress)


def _pushed(workspace: Workspace, there: Elsewhere, manifest: Manifest, progress: Progress) -> Pushed:
    release_id = manifest.release_id
    _refuse_another(there, manifest, workspace.releases / release_id / MANIFEST_FILE)
    lying = _lying(there, manifest)
    sizes = {name: file.stat().st_size for name, file in _files(workspace, manifest)}
    missing = [name for name, size in sizes.items() if lying.get(name) != size]
    total, sent = sum(sizes[name] for name in missing), 0

    def send(name: str) -> int:
        there.send(name, workspace.root / name)
        return sizes[name]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for size in pool.map(send, missing):
            sent += size
            progress(STEP, sent / max(total, 1), f"{sent / 1e6:,.0f} of {total / 1e6:,.0f} MB")
    there.send(f"releases/{release_id}/{MANIFEST_FILE}", workspace.releases / release_id / MANIFEST_FILE)
    there.point(CURRENT, release_id)
    progress(STEP, 1.0, release_id)
    return Pushed(release_id, len(missing), total)


def _lying(there: Elsewhere, manifest: Manifest) -> dict[str, int]:
    """Path -> size of what is there already; of the release only what was sent of this one, so that a send that broke off goes on."""
    folders = ["shop", "images", "thumbnails"]
    release, begun = f"releases/{manifest.release_id}", f"releases/{manifest.release_id}.begun"
    if there.pointer(begun) == manifest.digest:
        folders.append(release)
    else:
        there.point(begun, manifest.digest)
    return {f"{folder}/{name}": one.size for folder in folders for name, one in there.objects(folder).items()}


def _files(workspace: Workspace, manifest: Manifest) -> Iterator[tuple[str, Path]]:
    """Path in the workspace and file, of all but the manifest."""
    release = workspace.releases / manifest.release_id
    snapshot = workspace.snapshots / manifest.snapshot_id
    if not (snapshot / "shop.json").is_file():
        raise ReleaseError(f"The shop data {snapshot.name} of {manifest.release_id} is missing. Train again.")
    paths = [path for path in sorted(snapshot.rglob("*")) if path.is_file()]
    for image in pictures_in(snapshot / "items.parquet"):
        paths += [one for one in (workspace.image_file(image), workspace.thumbnail_file(image)) if one.is_file()]
    paths += [release / name for name in manifest.files]
    for path in paths:
        yield path.relative_to(workspace.root).as_posix(), path


def _refuse_another(there: Elsewhere, manifest: Manifest, file: Path) -> None:
    """Raise `ReleaseError` where a release of the same name lies there that is another one."""
    lying = there.objects(f"releases/{manifest.release_id}").get(MANIFEST_FILE)
    if lying is not None and there.read(lying) != file.read_bytes():
        raise ReleaseError(
            f"{there.address} has another release called {manifest.release_id}. Send to a folder of its own for every workspace that trains."
        )
