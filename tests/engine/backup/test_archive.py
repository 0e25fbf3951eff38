"""A backup that is damaged, cut off or made by somebody with bad intentions is refused before anything is touched."""

from __future__ import annotations

import hashlib
import io
import json
import random
import tarfile
from pathlib import Path

import pyarrow as pa
import pytest

from engine.backup.create import back_up
from engine.backup.manifest import MANIFEST_NAME, BackupManifest, FileEntry
from engine.backup.restore import restore
from engine.core.errors import BackupError, LongtailError
from engine.core.settings import load_settings
from tests.support.compared_folders import files_of

EMPTY = {
    "format": 1,
    "created_at": "2026-01-01T00:00:00+00:00",
    "longtail": "1",
    "schema_version": "",
    "shop": None,
    "snapshot": None,
}


@pytest.fixture
def backup(filled, tmp_path) -> Path:
    back_up(filled, load_settings(filled.root), tmp_path / "backup.tar")
    return tmp_path / "backup.tar"


def entry(path: str, **fields: object) -> FileEntry:
    data = b"hello"
    return FileEntry.model_construct(
        **{"path": path, "bytes": 5, "sha256": _sha(data), "member": None, "same_as": None} | fields
    )


def forged(target: Path, files: list[FileEntry], members: list[tarfile.TarInfo] | None = None) -> Path:
    """An archive whose manifest is right in itself, with members as somebody wrote them."""
    manifest = BackupManifest.model_construct(**EMPTY, release=None, tables={}, files=tuple(files), notes=())
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as archive:
        data = manifest.to_bytes()
        head = tarfile.TarInfo(MANIFEST_NAME)
        head.size = len(data)
        archive.addfile(head, io.BytesIO(data))
        for info in members if members is not None else [_member(one.name, one.bytes) for one in files]:
            archive.addfile(info, io.BytesIO(b"hello"[: info.size]) if info.isreg() else None)
    return target


@pytest.mark.parametrize(
    "path",
    ["../outside.txt", "/etc/passwd", "shop/../../outside.txt", "shop//current", "shop/./current", "releases", "longtail.db",
     "runs/x/status.json", "images/a\x00b", "images\\..\\x", "settings.toml/x", ".restore.json", f"images/{'x' * 256}"],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_refused(workspace, tmp_path, path):
    with pytest.raises(BackupError, match=r"no place in a workspace|cannot be in an archive"):
        restore(workspace, forged(tmp_path / "forged.tar", [entry(path)]))
    assert not workspace.root.exists()
    assert {file.name for file in tmp_path.iterdir()} == {"forged.tar"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE,
                                  tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_SPARSE])  # fmt: skip
def test_what_is_no_plain_file_is_refused(workspace, tmp_path, kind):
    info = tarfile.TarInfo("settings.toml")
    info.type, info.linkname = kind, "/etc/passwd"
    with pytest.raises(BackupError, match="no plain file"):
        restore(workspace, forged(tmp_path / "forged.tar", [entry("settings.toml")], [info]))
    assert not list(workspace.root.iterdir())


def test_files_that_are_said_twice_or_of_a_file_that_is_not_there_are_refused(workspace, tmp_path):
    twice = [entry("settings.toml"), entry("settings.toml")]
    nowhere = [entry("shop/current", same_as="shop/other")]
    both = [entry("shop/a"), entry("shop/a/b")]
    for number, files in enumerate([twice, nowhere, both]):
        with pytest.raises(BackupError, match="Nothing was changed"):
            restore(workspace, forged(tmp_path / f"{number}.tar", files))


def test_a_file_of_another_size_than_said_is_refused(workspace, tmp_path):
    with pytest.raises(BackupError, match="not where the list of files has it"):
        restore(workspace, forged(tmp_path / "b.tar", [entry("settings.toml", bytes=4)], [_member("settings.toml", 5)]))


def test_a_bomb_is_refused_before_it_unpacks(workspace, tmp_path):
    """A petabyte in a small file: its size stands in the list, and the disk is asked first."""
    with pytest.raises(BackupError, match="GB left"):
        restore(
            workspace, forged(tmp_path / "b.tar", [entry("settings.toml", bytes=10**15)], [_member("settings.toml", 0)])
        )


def test_a_list_of_files_that_unpacks_to_far_more_than_the_backup_is_not_read(workspace, tmp_path):
    data = b" " * 30_000_000
    head = tarfile.TarInfo(MANIFEST_NAME)
    head.size = len(data)
    bomb = tmp_path / "b.tar.zst"
    with pa.CompressedOutputStream(str(bomb), "zstd") as stream:
        stream.write(head.tobuf(tarfile.GNU_FORMAT) + data)
    with pytest.raises(BackupError, match="far more than the whole backup"):
        restore(workspace, bomb)


def test_every_cut_and_every_changed_byte_is_noticed(backup, workspace, tmp_path):
    data, rng, damaged = backup.read_bytes(), random.Random(0), tmp_path / "damaged.tar"
    padding = _padding(backup)
    for _ in range(15):
        cut = rng.randrange(len(data) - 1)
        damaged.write_bytes(data[:cut])
        with pytest.raises(BackupError, match="Nothing was changed"):
            restore(workspace, damaged)
    for _ in range(15):
        place = rng.choice([p for p in (rng.randrange(len(data)) for _ in range(20)) if p not in padding])
        damaged.write_bytes(data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :])
        with pytest.raises(BackupError, match="Nothing was changed"):
            restore(workspace, damaged)
    assert not list(workspace.root.glob("*"))
    restore(workspace, backup)


@pytest.mark.parametrize(
    "content", [b"", b"x" * 5000, b"\x28\xb5\x2f\xfd" + b"x" * 5000, b"\0" * 20_000, b"PK\x03\x04"]
)
def test_what_is_no_backup_is_refused(workspace, tmp_path, content):
    (tmp_path / "b.tar").write_bytes(content)
    with pytest.raises(BackupError, match=r"b\.tar is damaged or no backup"):
        restore(workspace, tmp_path / "b.tar")


def test_a_file_that_is_not_there_and_a_folder_are_refused(workspace, tmp_path):
    for place in (tmp_path / "nothing.tar", tmp_path):
        with pytest.raises(BackupError, match="cannot be opened"):
            restore(workspace, place)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"format": 99}, "another version of Longtail"), ({"files": 5}, "files"), ({"extra": 1}, "extra"),
     ({"tables": {"people": "x"}}, "tables")],
)  # fmt: skip
def test_a_list_of_files_that_is_none_is_refused(workspace, tmp_path, changes, words):
    content = {**EMPTY, "release": None, "tables": {}, "files": [], "notes": []} | changes
    data = json.dumps({**content, "manifest_sha256": _digest_of(content)}).encode()
    with tarfile.open(tmp_path / "b.tar", "w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(_member(MANIFEST_NAME, len(data)), io.BytesIO(data))
    with pytest.raises(BackupError, match=words):
        restore(workspace, tmp_path / "b.tar")


def test_rows_that_are_none_of_the_table_restore_nothing(filled, workspace, tmp_path):
    for number, line in enumerate(['{"name": 1}', "[]", "{", '{"name":"a","role":"x","set_by":[]}']):
        target = tmp_path / f"{number}.tar"
        back_up(filled, load_settings(filled.root), target)
        _replace_member(target, "database/people.jsonl", line.encode() + b"\n")
        with pytest.raises(LongtailError):
            restore(workspace, target)
        assert not list(workspace.root.glob("*")) + list(workspace.root.glob(".*"))


def test_a_backup_of_other_tables_is_refused(filled, workspace, tmp_path):
    target = tmp_path / "other.tar"
    back_up(filled, load_settings(filled.root), target)
    _change_manifest(target, schema_version="0001")
    with pytest.raises(BackupError, match=r"whose tables are of another version \(0001"):
        restore(workspace, target)
    assert files_of(filled.root)


def _member(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    return info


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _digest_of(content: dict) -> str:
    return _sha(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())


def _padding(file: Path) -> set[int]:
    """Bytes of a tar that mean nothing: behind a member's end, and the owner, time and the like in a header."""
    meaningless: set[int] = set()
    with tarfile.open(file) as archive:
        for info in archive:
            end = info.offset_data + info.size
            meaningless |= set(range(end, -(-end // 512) * 512))
    return meaningless


def _replace_member(file: Path, name: str, data: bytes) -> None:
    """The same backup with one file of other content, and a manifest that says so."""
    members = _members(file)
    members[name] = data
    manifest = BackupManifest.from_bytes(members[MANIFEST_NAME], file.name)
    files = tuple(
        one.model_copy(update={"bytes": len(data), "sha256": _sha(data)}) if one.path == name else one
        for one in manifest.files
    )
    members[MANIFEST_NAME] = manifest.model_copy(update={"files": files}).to_bytes()
    _write(file, members)


def _change_manifest(file: Path, **changes: object) -> None:
    members = _members(file)
    manifest = BackupManifest.from_bytes(members[MANIFEST_NAME], file.name)
    members[MANIFEST_NAME] = manifest.model_copy(update=changes).to_bytes()
    _write(file, members)


def _members(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as archive:
        return {info.name: archive.extractfile(info).read() for info in archive}


def _write(file: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(file, "w", format=tarfile.GNU_FORMAT) as archive:
        for name, data in members.items():
            archive.addfile(_member(name, len(data)), io.BytesIO(data))
