from __future__ import annotations

from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.store import Database, database_url, has_database


def test_sqlite_in_the_workspace_exists_once_somebody_has_opened_it(tmp_path):
    workspace = Workspace(tmp_path)
    assert database_url(workspace, Settings()) == workspace.database_url
    assert not has_database(workspace, Settings())
    Database(database_url(workspace, Settings())).close()
    assert has_database(workspace, Settings())


def test_a_database_that_the_settings_name_is_always_there(tmp_path):
    settings = Settings.model_validate({"database_url": "postgresql+psycopg://shop@db/longtail"})
    assert database_url(Workspace(tmp_path), settings) == settings.database_url
    assert has_database(Workspace(tmp_path), settings)
