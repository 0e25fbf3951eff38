"""Two dashboards of one workspace on one PostgreSQL database, as docs/teams.md sets them up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.teams import SETTINGS, Dashboard, Proxy
from engine.access.people import People
from engine.access.roles import Role
from engine.core.workspace import Workspace
from engine.release.publish import publish
from engine.store import Database
from tests.conftest import skip_or_fail
from tests.support.postgres import PostgresServer
from tests.support.tiny_release import build_tiny_release

CURATORS = ("Ada", "Bo", "Cy", "Dee")


@dataclass
class Team:
    """The workspace with releases r0001, which is served, and r0002; its database; its dashboards."""

    workspace: Workspace
    url: str
    database: Database
    dashboards: list[Dashboard]

    def dashboard(self, said: str) -> Dashboard:
        """The one of which a proxy said that it answered: by its name, or by its address."""
        return next(one for name, one in zip("ab", self.dashboards, strict=True) if said in {name, one.address[7:]})

    @property
    def ports(self) -> list[int]:
        return [dashboard.port for dashboard in self.dashboards]


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[Team]:
    folder: Path = tmp_path_factory.mktemp("team")
    workspace = build_tiny_release(Workspace(folder / "workspace"), 72).workspace
    build_tiny_release(workspace, 72, publish_it=False)
    publish(workspace, "r0001")
    workspace.settings_file.write_text(SETTINGS, "utf-8")
    url = postgres.make_database()
    with closing(Database(url)) as database:
        for name in CURATORS:
            People(database).set_role(name, Role.CURATOR)
        dashboards = [
            Dashboard(workspace.root, folder / f"{name}.log", {"LONGTAIL_DATABASE_URL": url}) for name in "ab"
        ]
        yield Team(workspace, url, database, dashboards)
        for dashboard in dashboards:
            dashboard.stop()


@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def proxy(request: pytest.FixtureRequest, team: Team) -> Iterator[Proxy]:
    try:
        proxy = Proxy(request.param, team.ports)
    except FileNotFoundError as exc:
        skip_or_fail(str(exc))
    with proxy:
        yield proxy
