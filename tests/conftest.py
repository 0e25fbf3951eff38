"""Fixtures that every test folder shares."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from engine.core.workspace import Workspace
from tests.support.postgres import PostgresServer

REPOSITORY = Path(__file__).resolve().parent.parent
# What `make test-fast` leaves out beside browsers and PostgreSQL: folders and modules whose tests train, start processes
# or run whole pages.
SLOW = (
    "tests/browser/",
    "tests/engine/backup/test_restore.py",
    "tests/engine/cluster/test_cluster.py",
    "tests/engine/cli/test_commands.py",
    "tests/engine/curation/rates/test_weighted.py",
    "tests/engine/curation/test_judgements",
    "tests/engine/curation/test_queue.py",
    "tests/engine/curation/test_training_judgements.py",
    "tests/engine/demo/test_build.py",
    "tests/engine/edits/",
    "tests/engine/evaluation/test_report.py",
    "tests/engine/ingest/locations/test_object_store.py",
    "tests/engine/jobs/test_control.py",
    "tests/engine/models/encoders/test_image.py",
    "tests/engine/models/encoders/test_text.py",
    "tests/engine/recommend/test_unseen.py",
    "tests/engine/reliability/",
    "tests/engine/release/test_publish.py",
    "tests/engine/serving/",
    "tests/engine/shipping/",
    "tests/engine/training/",
    "tests/engine/untrusted/test_uploads.py",
    "tests/pages/",
    "tests/teams/",
    "tests/test_deploy.py",
    "tests/test_extending.py",
    "tests/ui/",
)

# Whoever visits a workspace first is shown around; tests that are about something else are regulars.
os.environ["LONGTAIL_SERVING__TOUR"] = "false"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow by where it lies."""
    for item in items:
        if item.path.relative_to(REPOSITORY).as_posix().startswith(SLOW):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test logged may hold halves of surrogate pairs, which no worker could send."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode("utf-8")) for name, text in report.sections
    ]
    return report


def skip_or_fail(reason: str) -> None:
    """Skip, but where LONGTAIL_NO_SKIPS is set (CI) fail: there everything a test needs has been installed."""
    if os.environ.get("LONGTAIL_NO_SKIPS") == "1":
        pytest.fail(f"{reason} (LONGTAIL_NO_SKIPS=1 allows no skip)")
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Streamlit's AppTest leaves its script as `__main__`; processes that a later test spawns would run it."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets; tests that need one skip where it is absent."""
    folder = Path(os.environ.get("LONGTAIL_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        skip_or_fail(f"real data is not at {folder}; set LONGTAIL_SHARED_DATA")
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return Workspace(tmp_path / "workspace")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A throwaway PostgreSQL server."""
    try:
        server = PostgresServer()
    except FileNotFoundError as exc:
        skip_or_fail(str(exc))
    yield server
    server.remove()


@pytest.fixture(scope="session")
def postgres_server(postgres: PostgresServer) -> str:
    """Its URL without the name of a database."""
    return postgres.url


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """An empty database of its own for each test."""
    return postgres.make_database()
