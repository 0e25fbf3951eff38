"""A release is sent to a store and fetched by another workspace, which shows what the first one shows; nothing is ever half there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.fs
import pytest
from pyarrow.fs import FileType

from engine.backup.inventory import pictures_in
from engine.catalogue.snapshot import read_shop
from engine.cli.main import main
from engine.core.errors import InputError, NotFoundError, ReleaseError, StorageError, WorkspaceBusyError
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
from engine.release.manifest import write_manifest
from engine.release.publish import current_release_id, publish, verify_release
from engine.shipping import pull as pulling
from engine.shipping.elsewhere import Elsewhere
from engine.shipping.pull import pull
from engine.shipping.push import push
from tests.support.tiny_release import build_tiny_release

MANIFEST_FIELDS = ("seed", "settings", "counts", "arms", "dims", "metrics")


@pytest.fixture
def trained(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "trains")
    build_tiny_release(workspace)
    return workspace


@pytest.fixture
def serving(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "serves")


@pytest.fixture
def shared(tmp_path: Path) -> str:
    return str(tmp_path / "shared" / "longtail")


def below(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def the_same(one: Workspace, other: Workspace, release_id: str) -> None:
    assert below(one.releases / release_id) == below(other.releases / release_id)
    assert one.current_snapshot().name == other.current_snapshot().name
    assert below(one.current_snapshot()) == below(other.current_snapshot())
    shown = set(pictures_in(one.current_snapshot() / "items.parquet"))
    assert {Path(name).stem for name in below(other.images)} == shown != set()
    assert below(other.images).items() <= below(one.images).items()
    assert below(other.thumbnails) == {name: below(one.thumbnails)[name] for name in below(other.images)}


def test_a_release_arrives_by_way_of_a_bucket(trained: Workspace, serving: Workspace, s3: pyarrow.fs.FileSystem):
    sent = push(trained, "s3://shop/longtail")
    came = pull(serving, "s3://shop/longtail/")
    assert (came.release_id, came.published, came.bytes, came.shared_bytes) == ("r0001", True, sent.bytes, 0)
    the_same(trained, serving, "r0001")
    with_bucket, here = (Recommender.open(one).neighbours_all("hybrid", 5) for one in (serving, trained))
    assert with_bucket.equals(here)


def test_a_shared_folder_serves_as_well_and_the_next_release_is_fetched_where_it_differs(
    trained: Workspace, serving: Workspace, shared: str
):
    push(trained, shared)
    pull(serving, shared)
    build_tiny_release(trained)
    again = push(trained, shared)
    assert again.release_id == "r0002"
    came = pull(serving, shared)
    assert came.published
    assert current_release_id(serving) == "r0002"
    whole = sum(facts["bytes"] for facts in verify_release(serving, "r0002").files.values())
    assert came.shared_bytes > 0.9 * whole  # the shop is the same, and so are its models
    assert came.bytes + came.shared_bytes == whole
    the_same(trained, serving, "r0002")
    verify_release(serving, "r0001")


def test_what_was_sent_is_not_sent_again_and_what_is_here_is_not_fetched_again(
    trained: Workspace, serving: Workspace, shared: str
):
    push(trained, shared)
    assert push(trained, shared).files == 0
    pull(serving, shared)
    came = pull(serving, shared)
    assert (came.bytes, came.shared_bytes, came.published) == (0, 0, False)


def test_going_back_goes_round_too(trained: Workspace, serving: Workspace, shared: str):
    build_tiny_release(trained)
    push(trained, shared)
    assert pull(serving, shared).release_id == "r0002"
    publish(trained, "r0001")
    push(trained, shared)
    assert pull(serving, shared).published
    assert current_release_id(serving) == "r0001"


def test_a_release_can_be_fetched_without_being_served(trained: Workspace, serving: Workspace, shared: str):
    push(trained, shared)
    pull(serving, shared)
    build_tiny_release(trained)
    push(trained, shared, "r0002")
    (Path(shared) / "shop").rename(Path(shared) / "gone")  # it is here already
    assert not pull(serving, shared, "r0002", serve=False).published
    assert current_release_id(serving) == "r0001"
    publish(serving, "r0002")
    assert current_release_id(serving) == "r0002"


def test_a_release_damaged_on_its_way_is_not_served_and_can_be_sent_again(
    trained: Workspace, serving: Workspace, shared: str
):
    push(trained, shared)
    file = max((Path(shared) / "releases" / "r0001").glob("*.npy"), key=lambda one: one.stat().st_size)
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ReleaseError, match=rf"damaged \({file.name} does not match its checksum\). Send it again"):
        pull(serving, shared)
    assert current_release_id(serving) is None
    assert [path.name for path in serving.releases.iterdir()] == [".fetching"]
    file.write_bytes(whole)
    pull(serving, shared)
    the_same(trained, serving, "r0001")


def test_a_file_that_is_damaged_here_is_fetched(trained: Workspace, serving: Workspace, shared: str):
    push(trained, shared)
    pull(serving, shared)
    build_tiny_release(trained)
    push(trained, shared)
    file = max((serving.releases / "r0001").glob("*.npy"), key=lambda one: one.stat().st_size)
    whole = file.read_bytes()
    file.write_bytes(bytes(len(whole)))
    came = pull(serving, shared)
    assert (came.release_id, came.shared_bytes) == ("r0002", 0)
    verify_release(serving, "r0002")
    assert file.read_bytes() == bytes(len(whole))


def test_a_fetch_that_broke_off_goes_on(
    trained: Workspace, serving: Workspace, shared: str, monkeypatch: pytest.MonkeyPatch
):
    push(trained, shared)
    fetch, asked = Elsewhere.fetch, []

    def breaking(self: Elsewhere, one: Any, target: Path, *more: Any) -> None:
        asked.append(target.name)
        if len(asked) == 4:
            raise InputError("the store cannot be reached.")
        fetch(self, one, target, *more)

    monkeypatch.setattr(Elsewhere, "fetch", breaking)
    with pytest.raises(InputError, match="cannot be reached"):
        pull(serving, shared)
    assert current_release_id(serving) is None
    assert not (serving.releases / "r0001").exists()
    came_before = set(asked[1:3])
    asked[:] = ["counted"] * 4
    pull(serving, shared)
    assert came_before.isdisjoint(asked)
    the_same(trained, serving, "r0001")


def test_a_send_that_broke_off_points_to_nothing(trained: Workspace, serving: Workspace, shared: str, monkeypatch):
    send = Elsewhere.send

    def breaking(self: Elsewhere, name: str, file: Path) -> None:
        if name.endswith("manifest.json"):
            raise InputError("the store cannot be reached.")
        send(self, name, file)

    with monkeypatch.context() as broken:
        broken.setattr(Elsewhere, "send", breaking)
        with pytest.raises(InputError, match="cannot be reached"):
            push(trained, shared)
    with pytest.raises(NotFoundError, match=r"has no release. Send one there with `push`"):
        pull(serving, shared)
    with pytest.raises(NotFoundError, match="has no release r0001"):
        pull(serving, shared, "r0001")
    assert push(trained, shared).files == 0  # but the manifest and the pointer
    pull(serving, shared)


def test_what_another_release_of_the_name_left_there_is_replaced(trained: Workspace, serving: Workspace, shared: str):
    push(trained, shared)
    (Path(shared) / "releases" / "r0001" / "manifest.json").unlink()
    (Path(shared) / "releases" / "r0001.begun").write_text("of another release\n")
    file = max((Path(shared) / "releases" / "r0001").glob("*.npy"), key=lambda one: one.stat().st_size)
    file.write_bytes(bytes(file.stat().st_size))
    push(trained, shared)
    pull(serving, shared)
    the_same(trained, serving, "r0001")


def other_shop(workspace: Workspace) -> None:
    build_tiny_release(workspace, seed=5)


@pytest.mark.parametrize("deed", [push, pull])
def test_another_release_of_the_same_name_is_never_replaced(
    deed: Callable[..., Any], trained: Workspace, tmp_path: Path, shared: str
):
    push(trained, shared)
    another = Workspace(tmp_path / "another")
    other_shop(another)
    before, there = below(another.releases), below(Path(shared))
    with pytest.raises(ReleaseError, match="another release called r0001"):
        deed(another, shared)
    assert below(another.releases) | {".fetching": b""} == before | {".fetching": b""}
    assert below(Path(shared)) == there


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ftp://host/longtail", "Give s3://, gs://, az:// or a folder."),
        ("s3://key:secret@shop/longtail", "credentials do not belong in an address"),
        ("s3://nowhere/longtail", "no such bucket"),
    ],
)
def test_what_a_store_refuses_is_told(address: str, said: str, trained: Workspace, s3: pyarrow.fs.FileSystem):
    with pytest.raises(InputError, match=said):
        push(trained, address)


def test_a_full_disk_is_told_before_anything_is_fetched(
    trained: Workspace, serving: Workspace, shared: str, monkeypatch: pytest.MonkeyPatch
):
    push(trained, shared)
    monkeypatch.setattr(pulling.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 12}))
    with pytest.raises(StorageError, match=r"needs 0.0 GB, and the workspace's disk has 0.0 GB left. Free some."):
        pull(serving, shared)
    assert current_release_id(serving) is None


def test_two_cannot_fetch_into_one_workspace(trained: Workspace, serving: Workspace, shared: str):
    push(trained, shared)
    with pulling._alone(serving), pytest.raises(WorkspaceBusyError, match="Somebody else is fetching"):
        pull(serving, shared)


def test_names_that_lead_out_of_their_folder_are_not_taken(
    trained: Workspace, serving: Workspace, shared: str, monkeypatch: pytest.MonkeyPatch
):
    push(trained, shared)
    manifest = verify_release(trained, "r0001")
    fields = {name: value for name, value in vars(manifest).items() if name in MANIFEST_FIELDS}
    folder = Path(shared) / "releases" / "r0001"
    (folder / "manifest.json").unlink()
    write_manifest(folder, "r0001", fields | {"snapshot_id": "../../escaped"})
    with pytest.raises(ReleaseError, match=r"it names the shop data '\.\./\.\./escaped', which is no name for it"):
        pull(serving, shared)
    assert [path.name for path in serving.releases.iterdir()] == [".fetching"]

    there = Elsewhere(shared)
    names = ("whole.npy", "../../escaped", "sub/whole.npy")
    listing = [
        SimpleNamespace(path=f"{shared}/shop/a/{name}", size=1, mtime_ns=1, type=FileType.File) for name in names
    ]
    monkeypatch.setattr(there, "_store", SimpleNamespace(fs=SimpleNamespace(get_file_info=lambda wanted: listing)))
    with pytest.raises(InputError, match="leads out of its folder"):
        there.objects("shop/a")
    listing.pop(1)
    assert list(there.objects("shop/a")) == ["sub/whole.npy", "whole.npy"]


def test_the_commands_say_what_they_did(trained: Workspace, serving: Workspace, shared: str, capsys):
    assert main(["--workspace", str(trained.root), "push", shared]) == 0
    assert "Release r0001 can be fetched." in capsys.readouterr().out
    assert main(["--workspace", str(serving.root), "pull", shared]) == 0
    assert "Release r0001 is served now." in capsys.readouterr().out
    assert main(["--workspace", str(trained.root), "push", shared]) == 0
    assert "It was there already." in capsys.readouterr().out
    assert len(read_shop(serving).items) == len(read_shop(trained).items)
