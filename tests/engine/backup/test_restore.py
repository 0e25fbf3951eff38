"""A restored workspace is the one that was backed up, file by file and row by row; what was there before is kept."""

from __future__ import annotations

import os
import shutil
import stat
import threading
import uuid
from contextlib import closing
from pathlib import Path

import pytest

from engine.backup.create import back_up
from engine.backup.journal import end_interrupted
from engine.backup.restore import restore
from engine.catalogue.snapshot import read_shop
from engine.core.errors import BackupError, StoreError, WorkspaceBusyError
from engine.core.occupancy import alone_in, open_together, opened
from engine.core.settings import Settings, load_settings
from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.curation.votes import Judgement
from engine.release.publish import publish
from engine.store import Database
from tests.support.compared_folders import files_of
from tests.support.filled_database import all_rows, fill_every_table
from tests.support.forked import count_events, killed_at

# What is no part of a backup: the database as a file, and what is made again.
NOT_HELD = ("longtail.db", "runs", "features", "fetched")


@pytest.fixture
def backup(filled, tmp_path):
    target = tmp_path / "backups" / "monday.tar"
    back_up(filled, load_settings(filled.root), target)
    return target


@pytest.mark.parametrize("ending", [".tar", ".tar.zst"])
def test_every_file_and_every_row_comes_back(filled, workspace, tmp_path, ending):
    target = tmp_path / f"backup{ending}"
    back_up(filled, load_settings(filled.root), target)
    restored = restore(workspace, target)
    held = files_of(filled.root, without=NOT_HELD)
    found = files_of(workspace.root, without=NOT_HELD)
    assert found.items() <= held.items()
    # Left behind are pictures that no product has, and marks that the next training makes again.
    pictures = set(read_shop(filled).items["image"])
    assert all(
        Path(path).name.startswith(".") or (path.startswith(("images/", "thumb")) and Path(path).stem not in pictures)
        for path in held.keys() - found.keys()
    )
    before, after = all_rows(filled.database_url), all_rows(workspace.database_url)
    assert after["audit"][:-1] == before["audit"]
    assert {name: rows for name, rows in after.items() if name != "audit"} == {
        name: rows for name, rows in before.items() if name != "audit"
    }
    assert restored.manifest.tables == {name: len(rows) for name, rows in before.items()}
    assert not list(workspace.root.glob(".restore*"))


def test_keys_stay_for_their_owner_alone_and_so_does_the_backup(backup, workspace):
    restore(workspace, backup)
    for file in (backup, workspace.shopper_key, workspace.root / "review.key"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_who_restored_what_stands_in_the_audit(backup, workspace):
    restore(workspace, backup)
    newest = all_rows(workspace.database_url)["audit"][-1]
    assert {"restore", "monday.tar", "done"} <= set(map(str, newest[:-2]))


@pytest.mark.postgres
@pytest.mark.parametrize("source", ["sqlite", "postgres"])
def test_a_backup_restores_on_either_database(filled, workspace, tmp_path, postgres_url, source):
    if source == "postgres":
        fill_every_table(postgres_url)
        filled.settings_file.write_text(f'database_url = "{postgres_url}"\n', "utf-8")
    before = all_rows(postgres_url if source == "postgres" else filled.database_url, without=("audit",))
    target = tmp_path / "backup.tar"
    back_up(filled, load_settings(filled.root), target)
    other = workspace.database_url if source == "postgres" else postgres_url
    restore(workspace, target, to_database=other)
    settings = load_settings(workspace.root)
    assert settings.database_url == other
    assert all_rows(other, without=("audit",)) == before
    # The database goes on numbering after the highest row.
    fresh = _judge(other)
    assert fresh > max(row[0] for row in before["judgements"])


@pytest.mark.postgres
def test_a_server_that_holds_data_is_moved_aside_whole(backup, workspace, postgres_url):
    fill_every_table(postgres_url)
    held = all_rows(postgres_url)
    with pytest.raises(BackupError, match="holds data"):
        restore(workspace, backup, to_database=postgres_url)
    assert all_rows(postgres_url) == held
    restored = restore(workspace, backup, to_database=postgres_url, replace_data=True)
    (aside,) = [kept.removeprefix("the schema ") for kept in restored.kept]
    assert all_rows(postgres_url, schema=aside) == held
    with (
        closing(Database(postgres_url)) as database,
        pytest.raises(StoreError, match="refused"),
        database.transaction() as session,
    ):
        session.connection().exec_driver_sql("DELETE FROM audit")


def test_a_workspace_with_data_is_refused_and_stays_as_it_was(backup, filled):
    before = files_of(filled.root)
    with pytest.raises(BackupError, match=r"has data: settings.toml, shop, images.*--replace"):
        restore(filled, backup)
    assert files_of(filled.root) == before


def test_what_was_there_is_moved_aside_and_never_deleted(backup, filled):
    publish(filled, "r0001")
    filled.settings_file.write_text("[als]\nfactors = 16\n", "utf-8")
    before, rows = files_of(filled.root, without=(*NOT_HELD, "releases")), all_rows(filled.database_url)
    restored = restore(filled, backup, replace_data=True)
    aside, database = restored.kept
    assert files_of(filled.root / aside, without=("releases",)) == before
    assert all_rows(f"sqlite:///{database}") == rows
    assert load_settings(filled.root).als.factors == 32
    assert (filled.releases / "current").read_text().strip() == "r0002"


def test_a_second_restore_finds_what_the_first_one_left(backup, filled):
    restore(filled, backup, replace_data=True)
    kept = set(filled.root.glob("before-restore-*"))
    restore(filled, backup, replace_data=True)
    assert kept < set(filled.root.glob("before-restore-*"))


def test_nobody_restores_while_somebody_has_the_workspace_open(backup, filled):
    with open_together(filled.root), pytest.raises(WorkspaceBusyError, match="Stop that first"):
        restore(filled, backup, replace_data=True)


def test_nobody_opens_a_workspace_that_is_being_restored(workspace):
    workspace.root.mkdir()
    with (
        alone_in(workspace.root),
        pytest.raises(WorkspaceBusyError, match="being restored"),
        opened(workspace.root, end_interrupted),
    ):
        pass


def test_a_backup_that_is_too_large_for_the_disk_is_refused_first(backup, workspace, monkeypatch):
    usage = shutil.disk_usage(backup.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=1000))
    with pytest.raises(BackupError, match=r"needs 0\.1 GB, but"):
        restore(workspace, backup)
    assert not list(workspace.root.iterdir())


def test_the_database_that_the_variables_name_wins_and_is_not_mixed_up(backup, workspace, tmp_path):
    variables = {"LONGTAIL_DATABASE_URL": f"sqlite:///{tmp_path}/by-variable.db"}
    with pytest.raises(BackupError, match="names another database"):
        restore(workspace, backup, to_database=f"sqlite:///{tmp_path}/other.db", environment=variables)
    restore(workspace, backup, environment=variables)
    assert (tmp_path / "by-variable.db").is_file()
    assert not workspace.judgements_file.exists()


def test_a_backup_is_of_one_moment_while_others_judge_and_publish(filled, workspace, tmp_path):
    """A judgement counts once `add` returned; releases are published in turns. No half of either comes back."""
    over, added = threading.Event(), []

    def judge():
        while not over.is_set():
            added.append(_judge(filled.database_url))

    def swap():
        while not over.is_set():
            publish(filled, "r0001")
            publish(filled, "r0002")
            over.wait(0.05)

    writers = [threading.Thread(target=judge), threading.Thread(target=swap)]
    for writer in writers:
        writer.start()
    while len(added) < 5:
        pass
    confirmed = added[-1]
    target = tmp_path / "busy.tar"
    try:
        back_up(filled, Settings(), target)
    finally:
        over.set()
        for writer in writers:
            writer.join()
    restored = restore(workspace, target)
    numbers = [row[0] for row in all_rows(workspace.database_url)["judgements"]]
    assert set(added[: added.index(confirmed) + 1]) <= set(numbers)
    assert numbers == [1, 8, *range(15, numbers[-1] + 1)]  # those that were there, then without a gap
    assert restored.manifest.release in ("r0001", "r0002")
    assert (workspace.releases / "current").read_text().strip() == restored.manifest.release


def test_killed_at_any_point_it_leaves_the_old_or_the_new(backup, filled, tmp_path):
    filled.settings_file.write_text("[als]\nfactors = 16\n", "utf-8")
    _judge(filled.database_url)
    old, aside = _state(filled), 0
    restore(other := Workspace(tmp_path / "other"), backup)
    new, ends = _state(other), set()

    def again(root: Path) -> None:
        restore(Workspace(root), backup, replace_data=True)

    copy = _copy(filled, tmp_path / "whole")
    changes = count_events(lambda: again(copy.root), copy.root)
    assert changes > 150
    # Files that are unpacked are alike; around the journal and the moves every point is tried.
    for count in [1, 2, 40, changes - 60, *range(changes - 30, changes + 1, 4)]:
        copy = _copy(filled, tmp_path / f"killed-{count}")
        assert killed_at(lambda root=copy.root: again(root), copy.root, count)
        with opened(copy.root, end_interrupted):
            state = _state(copy)
        assert state in (old, new)
        ends.add(state == new)
        assert not list(copy.root.glob(".restore*")) + list(copy.root.glob(".longtail.db*"))
        aside = len(list(copy.root.glob("before-restore-*/settings.toml")))
        assert aside == (1 if state == new else 0)
        shutil.rmtree(copy.root)
    assert ends == {True, False}


def _copy(workspace: Workspace, target: Path) -> Workspace:
    return Workspace(Path(shutil.copytree(workspace.root, target, copy_function=os.link)))


def _state(workspace: Workspace):
    files = files_of(workspace.root, without=NOT_HELD)
    mine = {path: digest for path, digest in files.items() if not path.startswith("before-") and "/." not in path}
    return {path: digest for path, digest in mine.items() if not path.startswith("longtail.db")}, all_rows(
        workspace.database_url, without=("audit",)
    )


def _judge(url: str) -> int:
    """The number of a judgement that is stored."""
    made = Judgement(
        client_id=str(uuid.uuid4()), anchor_id="a", neighbour_id="n", verdict="irrelevant", implied=False, rater="Ann",
        source="similar_items", release_id="r1", anchor_count=3, ranks={"als": 1},
    )  # fmt: skip
    with closing(Database(url)) as database:
        store = JudgementStore(database)
        store.add([made])
        return store.last_id()
