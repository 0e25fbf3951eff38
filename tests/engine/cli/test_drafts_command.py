"""`drafts`: a sheet and a folder of pictures become drafts; the rows to mend are written; approve and discard."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from engine.cli.main import main
from engine.core.workspace import Workspace
from tests.support.tiny_release import build_tiny_release


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Path:
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("cli") / "shop"), 36).workspace.root


def run(capsys, workspace: Path, *words: str) -> tuple[int, dict]:
    code = main(["--json", "--workspace", str(workspace), *words])
    out = capsys.readouterr().out.strip().splitlines()
    return code, json.loads(out[-1]) if out else {}


def test_a_sheet_becomes_drafts_that_are_approved_and_discarded(capsys, workspace, tmp_path):
    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (60, 80), "navy").save(tmp_path / "pictures" / "a-1.png")
    (tmp_path / "new.csv").write_text("id,title,price\na-1,Navy dress,40\na-2,Bad,dear\n", "utf-8")
    code, said = run(
        capsys, workspace, "drafts", "add", "--sheet", str(tmp_path / "new.csv"),
        "--pictures", str(tmp_path / "pictures"), "--mend", str(tmp_path / "mend.csv"),
    )  # fmt: skip
    assert (code, said["saved"], said["to_mend"]) == (0, ["a-1"], 1)
    assert pd.read_csv(tmp_path / "mend.csv")["row"].tolist() == [2]
    assert run(capsys, workspace, "drafts", "approve", "a-1")[1]["approved"] == ["a-1"]
    (listed,) = run(capsys, workspace, "drafts", "list")[1]["drafts"]
    assert listed == {"id": "a-1", "state": "approved", "title": "Navy dress", "pictures": 1}
    assert run(capsys, workspace, "drafts", "discard", "a-1")[0] == 0
    assert run(capsys, workspace, "drafts", "list")[1]["drafts"] == []
    assert run(capsys, workspace, "drafts", "approve", "a-1")[0] == 2


def test_what_is_missing_is_named(capsys, workspace):
    assert main(["--workspace", str(workspace), "drafts", "add"]) == 2
    assert "--sheet" in capsys.readouterr().err
