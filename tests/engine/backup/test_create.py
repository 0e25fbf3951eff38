"""What goes into a backup, what does not, and when none is made."""

from __future__ import annotations

import os
import tarfile

import pytest

from engine.access.acting import Actor, acting
from engine.access.roles import Role
from engine.backup import create
from engine.backup.create import back_up
from engine.core.errors import BackupError, NoDataError, NotAllowedError, StoreError
from engine.core.settings import Settings, load_settings
from engine.core.workspace import Workspace
from engine.release.publish import publish
from tests.support.compared_folders import files_of
from tests.support.small_workspace import add_release


def test_releases_that_were_never_published_are_taken_along_when_asked_for(filled, tmp_path):
    add_release(filled)
    back_up(filled, Settings(), tmp_path / "usual.tar")
    back_up(filled, Settings(), tmp_path / "all.tar", all_releases=True)
    assert _releases(tmp_path / "usual.tar") == {"r0001", "r0002"}
    assert _releases(tmp_path / "all.tar") == {"r0001", "r0002", "r0003"}


def test_a_damaged_release_is_left_out_and_named(filled, tmp_path):
    (filled.releases / "r0001" / "hybrid.npy").write_bytes(b"x")
    made = back_up(filled, Settings(), tmp_path / "b.tar")
    assert _releases(tmp_path / "b.tar") == {"r0002"}
    assert made.notes[0].startswith("r0001 was left out: Release 1 is damaged")


def test_pictures_that_are_not_stored_are_counted(filled, tmp_path):
    os.remove(next(filled.images.rglob("*.jpg")))
    made = back_up(filled, Settings(), tmp_path / "b.tar")
    assert made.notes in ((), ("1 pictures or thumbnails that products name are not stored, and were left out.",))


def test_files_that_are_one_file_are_held_once(filled, tmp_path):
    """Snapshots share their events by hard links; a restore makes them again."""
    snapshot = filled.current_snapshot()
    (twin := filled.snapshots / "20260101T000000-abcdef").mkdir()
    for file in snapshot.iterdir():
        os.link(file, twin / file.name)
    filled.use_snapshot(twin.name)
    made = back_up(filled, Settings(), tmp_path / "b.tar")
    shared = [one for one in made.files if one.same_as is not None]
    assert {one.path.split("/")[0] for one in shared} == {"shop"}
    assert len(shared) == len(list(twin.iterdir()))


def test_a_workspace_without_a_database_has_none_in_its_backup(filled, tmp_path):
    filled.judgements_file.unlink()
    made = back_up(filled, Settings(), tmp_path / "b.tar")
    assert (made.tables, made.schema_version) == ({}, "")
    assert not filled.judgements_file.exists()


def test_nothing_is_overwritten_and_nothing_stays_of_a_backup_that_failed(filled, tmp_path):
    target = tmp_path / "here" / "b.tar"
    target.parent.mkdir()
    target.write_text("mine")
    with pytest.raises(BackupError, match="exists already"):
        back_up(filled, Settings(), target)
    filled.judgements_file.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="damaged"):
        back_up(filled, Settings(), target.with_name("c.tar"))
    assert [file.name for file in target.parent.iterdir()] == ["b.tar"]
    assert target.read_text() == "mine"


def test_a_backup_changes_nothing(filled, tmp_path):
    before = files_of(filled.root)
    back_up(filled, load_settings(filled.root), tmp_path / "b.tar")
    assert files_of(filled.root) == before


@pytest.mark.parametrize("name", ["b.zip", "b", "b.tar.gz"])
def test_a_name_of_another_form_is_refused(filled, tmp_path, name):
    with pytest.raises(BackupError, match=r"ends in \.tar or \.tar\.zst"):
        back_up(filled, Settings(), tmp_path / name)


def test_there_is_no_backup_of_nothing(tmp_path):
    with pytest.raises(NoDataError, match="no workspace"):
        back_up(Workspace(tmp_path / "none"), Settings(), tmp_path / "b.tar")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoDataError, match="nothing to back up"):
        back_up(Workspace(tmp_path / "empty"), Settings(), tmp_path / "b.tar")
    assert not (tmp_path / "b.tar").exists()


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_only_an_admin_backs_up(filled, tmp_path, role):
    with acting(Actor("Ada", role, "sign-in")), pytest.raises(NotAllowedError, match="Only an admin may back up"):
        back_up(filled, Settings(), tmp_path / "b.tar")


def test_the_pointer_and_the_tables_are_read_again_where_somebody_published_meanwhile(filled, tmp_path, monkeypatch):
    dumped = []

    def dump(url, folder):
        dumped.append(url)
        if len(dumped) == 1:
            publish(filled, "r0001")
        return real(url, folder)

    real = create.dump_tables
    monkeypatch.setattr(create, "dump_tables", dump)
    assert back_up(filled, Settings(), tmp_path / "b.tar").release == "r0001"
    assert len(dumped) == 2


def _releases(file) -> set[str]:
    with tarfile.open(file) as archive:
        return {name.split("/")[1] for name in archive.getnames() if name.startswith("releases/r")}
