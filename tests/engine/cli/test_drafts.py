"""`drafts`: a sheet and a folder of pictures become drafts; rows that need fixing are written; approve and discard."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from engine.cli.main import main
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
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
        "--pictures", str(tmp_path / "pictures"), "--to-fix", str(tmp_path / "to-fix.csv"),
    )  # fmt: skip
    assert (code, said["saved"], said["need_fixing"]) == (0, ["a-1"], 1)
    assert pd.read_csv(tmp_path / "to-fix.csv")["row"].tolist() == [2]
    assert run(capsys, workspace, "drafts", "approve", "a-1")[1]["approved"] == ["a-1"]
    (listed,) = run(capsys, workspace, "drafts", "list")[1]["drafts"]
    assert listed == {"id": "a-1", "state": "approved", "title": "Navy dress", "pictures": 1}
    assert run(capsys, workspace, "drafts", "discard", "a-1")[0] == 0
    assert run(capsys, workspace, "drafts", "list")[1]["drafts"] == []
    assert run(capsys, workspace, "drafts", "approve", "a-1")[0] == 2


def test_what_is_missing_is_named(capsys, workspace):
    assert main(["--workspace", str(workspace), "drafts", "add"]) == 2
    assert "--sheet" in capsys.readouterr().err


def add(capsys, workspace: Path, tmp_path: Path, *lines: str) -> tuple[dict, list[str]]:
    """The result and the notes of adding a sheet."""
    (tmp_path / "sheet.csv").write_text("\n".join(lines), "utf-8")
    arguments = ["--json", "--workspace", str(workspace), "drafts", "add", "--sheet", str(tmp_path / "sheet.csv")]
    assert main([*arguments, "--pictures", str(tmp_path / "shoot")]) == 0
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return said[-1], [line["message"] for line in said if line["event"] == "note"]


def test_the_same_checks_hold_as_on_the_page(capsys, workspace, tmp_path):
    (tmp_path / "shoot").mkdir()
    for name, colour in (("one.png", "navy"), ("two.png", "navy"), ("three.png", "olive")):
        Image.new("RGB", (60, 80), colour).save(tmp_path / "shoot" / name)
    lines = [
        "id,title,pictures",
        "c-1,Navy wrap dress,one.png",
        "f1-02,An id that is taken,three.png",
        ",Another navy dress,two.png",
    ]
    first, notes = add(capsys, workspace, tmp_path, *lines)
    assert (len(first["saved"]), first["saved"][0]) == (2, "c-1")
    assert (first["saved_before"], first["worth_checking"]) == ([], 2)
    assert "row 2, id: the shop has a product f1-02 already; give the new one another id" in notes
    assert any(note.startswith("row 3, pictures: two.png is also a picture of row 1") for note in notes)
    again, notes = add(capsys, workspace, tmp_path, *lines)
    assert (again["saved"], again["saved_before"]) == ([], first["saved"])
    changed, notes = add(capsys, workspace, tmp_path, "id,title", "c-1,Something else")
    assert (changed["saved"], changed["need_fixing"]) == ([], 1)
    assert notes == ["row 1, id: a draft c-1 with other content exists; edit that one, or use another id"]
    for one in first["saved"]:
        assert run(capsys, workspace, "drafts", "discard", one)[0] == 0


def test_the_templates_example_is_no_new_product(capsys, workspace, tmp_path):
    (tmp_path / "shoot").mkdir()
    example = Recommender.open(Workspace(workspace)).product(1)
    sheet = pd.DataFrame({"title": [example.title], "description": [example.description or ""]})
    result, notes = add(capsys, workspace, tmp_path, *sheet.to_csv(index=False).splitlines())
    assert (result["saved"], notes) == ([], ["row 1, title: this is the template's example. Delete the row."])
