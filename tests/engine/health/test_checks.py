from __future__ import annotations

import json
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.cli.main import main
from engine.core.workspace import Workspace
from engine.health import checks
from engine.health.checks import Check, Outcome, check_all, disk_check, release_check, stops_start, writable_check
from engine.store import Database
from tests.conftest import REPOSITORY
from tests.support.tiny_release import build_tiny_release


def by_name(workspace: Workspace) -> dict[str, Check]:
    return {check.name: check for check in check_all(workspace)}


@pytest.fixture
def made(workspace: Workspace) -> Workspace:
    workspace.root.mkdir(parents=True)
    return workspace


def test_a_workspace_that_does_not_exist_yet_is_fit_and_stays_unmade(workspace: Workspace) -> None:
    assert {check.outcome for check in check_all(workspace)} == {Outcome.OK}
    assert not workspace.root.exists()


def test_a_shop_that_is_served_is_fit(workspace: Workspace) -> None:
    build_tiny_release(workspace, 72)
    Database(workspace.database_url).close()
    found = by_name(workspace)
    assert {check.outcome for check in found.values()} == {Outcome.OK}
    assert found["Release"].sentence == "Release r0001 is whole."
    assert "up to date" in found["Database"].sentence


def test_a_setting_that_is_none_stops_the_start_with_its_name(made: Workspace) -> None:
    made.settings_file.write_text("[als]\nfactors = -1\n")
    found = by_name(made)
    assert stops_start(found["Settings"])
    assert "als.factors" in found["Settings"].sentence
    assert "Database" not in found


def test_a_workspace_that_is_no_folder_stops_the_start(made: Workspace) -> None:
    file = made.root / "file"
    file.touch()
    assert stops_start(writable_check(file))


def test_a_database_that_is_damaged_stops_the_start_and_an_older_one_is_migrated(made: Workspace) -> None:
    made.judgements_file.write_bytes(b"no database " * 1000)
    assert stops_start(by_name(made)["Database"])
    made.judgements_file.unlink()
    sqlite3.connect(made.judgements_file).close()
    assert by_name(made)["Database"].outcome is Outcome.OK
    with sqlite3.connect(made.judgements_file) as connection:
        assert connection.execute("SELECT count(*) FROM judgements").fetchone() == (0,)


def test_a_database_that_a_newer_version_wrote_stops_the_start(made: Workspace) -> None:
    Database(made.database_url).close()
    with sqlite3.connect(made.judgements_file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    found = by_name(made)["Database"]
    assert stops_start(found)
    assert "newer version" in found.sentence


def test_a_password_of_the_database_is_in_no_sentence(made: Workspace) -> None:
    made.settings_file.write_text('database_url = "postgresql://ann:s3cret@127.0.0.1:1/shop?connect_timeout=1"\n')
    found = by_name(made)
    assert stops_start(found["Database"])
    assert "s3cret" not in str(found)


@pytest.mark.parametrize(("free", "outcome"), [(2e9, Outcome.OK), (0.5e9, Outcome.WARNING), (1e6, Outcome.FAILED)])
def test_little_space_warns_and_none_fails(made: Workspace, monkeypatch, free: float, outcome: Outcome) -> None:
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _path: SimpleNamespace(free=free))
    assert disk_check(made.root).outcome is outcome


def test_a_clock_before_what_was_stored_warns(made: Workspace) -> None:
    database = Database(made.database_url)
    ahead = datetime.now(UTC) + timedelta(hours=3)
    run = made.runs / f"{ahead:%Y%m%d-%H%M%S}000-train-abcd" / "status.json"
    run.parent.mkdir(parents=True)
    record = {"run_id": run.parent.name, "kind": "train", "state": "done", "message": "", "release_id": None}
    times = {"started_at": ahead.isoformat(), "ended_at": ahead.isoformat(), "updated_at": 0}
    run.write_text(json.dumps(record | times | {"steps": []}))
    database.close()
    clock = by_name(made)["Clock"]
    assert clock.outcome is Outcome.WARNING
    assert f"{ahead:%Y-%m-%d %H:%M}" in clock.sentence


@pytest.fixture
def few_files() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_too_few_open_files_warn(made: Workspace, few_files: None) -> None:
    assert by_name(made)["Open files"].outcome is Outcome.WARNING


def test_a_damaged_release_warns_and_names_what_is_served_instead(workspace: Workspace) -> None:
    build_tiny_release(workspace, 72)
    second = build_tiny_release(workspace, 72)
    largest = max((workspace.releases / second.release_id).iterdir(), key=lambda file: file.stat().st_size)
    with largest.open("r+b") as stream:
        stream.write(b"\xff\x00\xff\x00")
    found = release_check(workspace)
    assert found.outcome is Outcome.WARNING
    assert "showing release 1" in found.sentence
    assert not stops_start(found)


def test_the_command_lists_the_checks_and_ends_as_a_start_would(made: Workspace, capsys) -> None:
    assert main(["-w", str(made.root), "--json", "check"]) == 0
    listed = json.loads(capsys.readouterr().out)["checks"]
    assert [check["name"] for check in listed][:4] == ["Settings", "Workspace", "Disk", "Database"]
    made.settings_file.write_text("nonsense = 1\n")
    assert main(["-w", str(made.root), "check"]) == 2
    printed = capsys.readouterr()
    assert "failed   Settings" in printed.out
    assert "does not start like this: Settings." in printed.err


CHECK_AS_NOBODY = """
import os, sys
from pathlib import Path
from engine.health.checks import check_all, stops_start
from engine.core.workspace import Workspace
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
print([check.name for check in check_all(Workspace(Path(sys.argv[1]))) if stops_start(check)])
"""


def test_a_workspace_of_somebody_else_stops_the_start(tmp_path: Path) -> None:
    outer = tmp_path
    while outer != Path("/tmp") and outer != outer.parent:  # pytest's folders are its user's alone
        outer.chmod(0o755)
        outer = outer.parent
    workspace = tmp_path / "workspace"
    workspace.mkdir(mode=0o555)
    command = [sys.executable, "-c", CHECK_AS_NOBODY, str(workspace)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "['Workspace']", done.stderr
