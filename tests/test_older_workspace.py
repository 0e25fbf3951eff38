"""A workspace that version 0.1.0 wrote: its release is refused in a sentence, everything else in it is kept."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.core.errors import ReleaseFormatError
from engine.core.workspace import Workspace
from engine.curation.campaigns import campaigns
from engine.curation.judgements import JudgementStore
from engine.edits.changes.store import ChangeStore
from engine.edits.drafts.store import DraftStore
from engine.recommend.recommender import Recommender
from engine.release.publish import list_releases
from engine.store import Database
from engine.training.pipeline import train
from tests.conftest import REPOSITORY
from tests.engine.training.test_pipeline import settings
from tests.support.dashboard import open_shell

WRITTEN_BY_0_1_0 = REPOSITORY / "tests" / "fixtures" / "workspace-0.1.0.tar.xz"
SENTENCE = (
    "Release 1 was written by another version of Longtail (release format 1; this version reads 5). "
    "Train again; everything else in the workspace is kept."
)


@pytest.fixture
def older(tmp_path: Path) -> Workspace:
    with tarfile.open(WRITTEN_BY_0_1_0) as archive:
        archive.extractall(tmp_path, filter="data")
    return Workspace(tmp_path / "workspace")


def kept(workspace: Workspace) -> dict[str, object]:
    """Everything that people gave."""
    database = Database(workspace.database_url)
    try:
        return {
            "judgements": JudgementStore(database).log().drop(columns="created_at").to_dict("records"),
            "drafts": [(one.id, one.title, one.pictures) for one in DraftStore(database, workspace).all(STATES)],
            "changes": [(one.item_id, one.after, one.changed_by) for one in ChangeStore(database, workspace).all()],
            "campaigns": sorted(one.name for one in campaigns(database)),
            "pictures": sorted(path.name for path in workspace.images.rglob("*.jpg")),
        }
    finally:
        database.close()


STATES = ("draft", "approved", "taken_in")


def test_its_release_is_refused_in_one_sentence(older: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ReleaseFormatError) as refused:
        Recommender.open(older)
    assert str(refused.value) == SENTENCE
    assert main(["--workspace", str(older.root), "verify"]) == 2
    assert SENTENCE in capsys.readouterr().err
    assert [(one.outdated, one.damage) for one in list_releases(older)] == [
        (True, "written by another version of Longtail")
    ]


def test_the_dashboard_offers_to_train_again(older: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(older.root))
    page = open_shell()
    assert not page.exception
    assert page.title[0].value == "Train again"
    assert [SENTENCE.split(" (")[0] in one.value for one in page.info] == [True]
    assert "Train" in [button.label for button in page.button]


def test_nothing_is_appended_to_a_shop_of_which_nobody_noted_how_it_was_loaded(
    older: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "day.csv").write_text("user_id,item_id\nu1,i1\n")
    command = ["--workspace", str(older.root), "ingest", "--append", "--interactions", str(tmp_path / "day.csv")]
    assert main(command) == 2
    assert "Load it whole once more with `ingest`" in capsys.readouterr().err


def test_nothing_else_is_lost_by_the_next_training(older: Workspace) -> None:
    before = kept(older)
    assert len(before["judgements"]) == 20
    assert [(one[0], one[1]) for one in before["drafts"]] == [
        ("draft-2", "An approved dress"),
        ("draft-1", "A draft dress"),
    ]
    assert len(before["changes"]) == 1
    assert len(before["campaigns"]) == 2
    assert before["pictures"]
    result = train(older, settings())
    assert (result.release_id, result.published) == ("r0002", True)
    taken_in = [(one[0], one[1]) for one in kept(older)["drafts"]]
    assert sorted(taken_in) == [("draft-1", "A draft dress"), ("draft-2", "An approved dress")]
    assert {**kept(older), "drafts": []} == {**before, "drafts": []}
    served = Recommender.open(older)
    assert "draft-2" in served
    assert "draft-1" not in served
    assert served.product("f0-00").title == "A changed title"
