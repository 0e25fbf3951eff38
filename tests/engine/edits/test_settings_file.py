from __future__ import annotations

from pathlib import Path

import pytest

from engine.access.audit import AuditLog
from engine.core.errors import SettingsError
from engine.core.settings import load_settings, set_elsewhere
from engine.core.workspace import Workspace
from engine.edits.settings_file import change_setting, is_written
from engine.store import Database

TEXT = """# ours
database_url = ""

[serving]
neighbours = 12  # fits the page

[als]
factors = 32
"""


@pytest.fixture
def here(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path)
    workspace.settings_file.write_text(TEXT)
    return workspace


def test_one_value_changes_and_everything_else_stays(here):
    change_setting(here, "serving.neighbours", 8)
    assert here.settings_file.read_text() == TEXT.replace("neighbours = 12", "neighbours = 8")
    change_setting(here, "serving.shop_name", 'Ada\'s "Coats"')
    settings = load_settings(here.root)
    assert (settings.serving.neighbours, settings.serving.shop_name, settings.als.factors) == (8, 'Ada\'s "Coats"', 32)


def test_a_setting_goes_back_to_its_default_and_what_stands_around_it_stays(here):
    change_setting(here, "als.factors", None)
    assert here.settings_file.read_text() == TEXT.replace("factors = 32\n", "")
    change_setting(here, "als.factors", None)  # it is already
    assert load_settings(here.root).als.factors == 64


def test_what_the_file_says_itself_is_told_from_what_holds_by_default(here):
    said = ["serving.neighbours", "als.factors", "database_url"]
    assert [is_written(here, name) for name in said] == [True] * 3
    assert not is_written(here, "serving.shop_name")
    assert not is_written(here, "curation.learn")
    here.settings_file.unlink()
    assert not any(is_written(here, name) for name in said)


def test_a_workspace_without_a_file_gets_one(tmp_path):
    workspace = Workspace(tmp_path)
    change_setting(workspace, "curation.learn", False)
    assert workspace.settings_file.read_text() == "[curation]\nlearn = false\n"


def test_who_may_read_the_file_and_where_it_lies_stay_as_they_are(here, tmp_path_factory):
    real = tmp_path_factory.mktemp("etc") / "longtail.toml"
    here.settings_file.rename(real)
    real.chmod(0o600)
    here.settings_file.symlink_to(real)
    change_setting(here, "serving.neighbours", 8)
    assert here.settings_file.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    assert load_settings(here.root).serving.neighbours == 8


def test_who_changed_what_is_on_record(here):
    change_setting(here, "serving.neighbours", 8)
    entry = AuditLog(Database(here.database_url)).entries()[0]
    assert (entry.action, entry.subject, entry.before, entry.after) == (
        "edit settings",
        "serving.neighbours",
        "12",
        "8",
    )


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("serving.neighbours", 0, "serving.neighbours"),
        ("serving.neighbours", "many", "serving.neighbours"),
        ("serving.nothing", 1, "no setting 'serving.nothing'"),
        ("nothing", 1, "no setting 'nothing'"),
    ],
)
def test_what_is_not_allowed_is_named_and_nothing_is_written(here, name, value, told):
    with pytest.raises(SettingsError, match=told):
        change_setting(here, name, value)
    assert here.settings_file.read_text() == TEXT


def test_a_variable_wins_and_is_named(here, monkeypatch):
    monkeypatch.setenv("LONGTAIL_SERVING__NEIGHBOURS", "9")
    assert set_elsewhere("serving.neighbours") == "LONGTAIL_SERVING__NEIGHBOURS"
    assert set_elsewhere("serving.shop_name") is None
    with pytest.raises(SettingsError, match="LONGTAIL_SERVING__NEIGHBOURS"):
        change_setting(here, "serving.neighbours", 8)
    assert here.settings_file.read_text() == TEXT
