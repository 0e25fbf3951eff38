"""`backup` and `restore` as commands."""

from __future__ import annotations

import pytest

from engine.core.occupancy import alone_in
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender


def test_a_shop_goes_to_a_file_and_back(command, tiny, workspace, tmp_path):
    made = command("--json", "backup", tmp_path / "b.tar.zst", workspace=tiny.workspace)
    assert made.code == 0
    assert (made.result["release"], made.result["notes"]) == (tiny.release_id, [])
    assert "keep it where only you can read it" in made.out
    restored = command("restore", tmp_path / "b.tar.zst")
    assert (restored.code, restored.out.startswith(f"{workspace.root} is as it was on ")) == (0, True)
    before, after = Recommender.open(tiny.workspace), Recommender.open(workspace)
    item = tiny.with_clicks(0)
    assert after.neighbours(item, "hybrid", 5) == before.neighbours(item, "hybrid", 5)


def test_a_workspace_with_data_needs_replace(command, tiny, tmp_path):
    command("backup", tmp_path / "b.tar", workspace=tiny.workspace)
    command("restore", tmp_path / "b.tar")
    refused = command("restore", tmp_path / "b.tar")
    assert (refused.code, "add --replace" in refused.err) == (2, True)
    replaced = command("restore", tmp_path / "b.tar", "--replace")
    assert replaced.code == 0
    assert replaced.err.count("What was there before is in") == 2


def test_the_next_command_finishes_or_undoes_a_restore_that_was_killed(command, workspace):
    workspace.root.mkdir()
    (workspace.root / ".restore.json.part").write_text("{")
    assert command("releases").code == 0
    assert not list(workspace.root.iterdir())


@pytest.mark.parametrize("arguments", [("releases",), ("settings",), ("drafts", "list"), ("backup", "b.tar")])
def test_no_command_opens_a_workspace_that_is_being_restored(command, workspace: Workspace, arguments):
    workspace.root.mkdir()
    with alone_in(workspace.root):
        refused = command(*arguments)
    assert (refused.code, "A backup is being restored to it" in refused.err) == (2, True)
