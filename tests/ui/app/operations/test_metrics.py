from __future__ import annotations

import logging
import re

import pytest
import streamlit as st
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from engine.core.settings import describe_settings, load_settings
from engine.core.workspace import Workspace
from engine.curation.campaigns import everyday_campaign
from engine.jobs.recording import recorded_run
from engine.recommend.recommender import Recommender
from engine.store import Database
from tests.support.tiny_release import build_tiny_release
from ui.app.operations.metrics import RecordCounter, route_of
from ui.app.operations.requests import RequestMiddleware
from ui.app.operations.reruns import rerun
from ui.app.operations.shop_figures import ShopFigures
from ui.app.routes import routes

TOKEN = "a-token-of-enough-length"


@pytest.fixture
def served(workspace: Workspace, monkeypatch) -> Workspace:
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    st.cache_resource.clear()
    yield workspace
    st.cache_resource.clear()


def client(host: str = "127.0.0.1") -> TestClient:
    app = Starlette(routes=routes, middleware=[Middleware(RequestMiddleware)])
    return TestClient(app, base_url="http://localhost:8501", client=(host, 50000))


def figures(text: str) -> dict[str, float]:
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {f"{one.name}{sorted(one.labels.values()) or ''}": one.value for one in samples}


def shop_figures() -> dict[str, float]:
    return {one.name: one.samples[0].value for one in ShopFigures().collect()}


def test_requests_page_runs_and_records_are_counted(served: Workspace) -> None:
    browser, logger = client(), logging.getLogger("tests")
    before = figures(browser.get("/metrics").text)
    logger.addHandler(counter := RecordCounter())
    logger.error("one")
    logger.removeHandler(counter)
    with rerun("review"):
        pass
    assert browser.get("/thumb/nothing").status_code == 404
    after = figures(browser.get("/metrics").text)

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert grown("longtail_requests_total['/thumb', '404']") == 1
    assert grown("longtail_requests_total['/metrics', '200']") == 1
    assert grown("longtail_request_seconds_count['/thumb']") == 1
    assert grown("longtail_rerun_seconds_count['review']") == 1
    assert grown("longtail_log_records_total['error']") == 1
    assert after["process_open_fds"] > 0


def test_the_shop_is_in_the_figures(served: Workspace) -> None:
    tiny = build_tiny_release(served, 72)
    database = Database(served.database_url)
    everyday_campaign(database, Recommender.open(served))
    database.close()
    with recorded_run(served, "train") as run:
        run.message = "Trained."
    found = shop_figures()
    assert found["longtail_release_number"] == float(tiny.release_id[1:])
    assert 0 <= found["longtail_release_age_seconds"] < 3600 * 24 * 365
    assert found["longtail_release_damaged"] == 0
    assert found["longtail_database_up"] == 1
    assert (found["longtail_judgements"], found["longtail_leases"]) == (0, 0)
    assert 0 < found["longtail_queue_products"] <= 72
    assert (found["longtail_training_running"], found["longtail_training_last_succeeded"]) == (0, 1)


def test_a_database_that_is_gone_is_a_figure_and_no_failure(served: Workspace) -> None:
    served.root.mkdir(parents=True)
    served.judgements_file.write_bytes(b"nonsense" * 1000)
    found = shop_figures()
    assert found["longtail_database_up"] == 0
    assert "longtail_judgements" not in found


def test_addresses_of_strangers_make_no_labels() -> None:
    assert {route_of(path) for path in ("/", "/x", "/metricsx", "/../thumb/1", "/\ud800")} == {"other"}
    assert route_of("/thumb/abc") == "/thumb"


@pytest.mark.parametrize(
    ("host", "headers", "settings", "status"),
    [
        ("127.0.0.1", {}, "", 200),
        ("::1", {}, "", 200),
        ("10.0.0.9", {}, "", 403),
        ("testclient", {}, "", 403),
        ("127.0.0.1", {"x-forwarded-for": "127.0.0.1"}, "", 403),
        ("127.0.0.1", {"host": "a-name-that-points-here.example.com"}, "", 403),
        ("127.0.0.1", {}, '[access]\nhosts = ["shop.example.com"]\n', 403),
        ("127.0.0.1", {"authorization": f"Bearer {TOKEN}"}, '[access]\nhosts = ["shop.example.com"]\n', 403),
        ("127.0.0.1", {}, f'[metrics]\ntoken = "{TOKEN}"\n', 403),
        ("127.0.0.1", {"authorization": "Bearer "}, f'[metrics]\ntoken = "{TOKEN}"\n', 403),
        ("127.0.0.1", {"authorization": f"Bearer {TOKEN}x"}, f'[metrics]\ntoken = "{TOKEN}"\n', 403),
        ("10.0.0.9", {"authorization": f"Bearer {TOKEN}"}, f'[metrics]\ntoken = "{TOKEN}"\n', 200),
        ("127.0.0.1", {}, "nonsense", 403),
    ],
)
def test_figures_are_for_this_machine_or_for_whoever_has_the_token(
    served: Workspace, host: str, headers: dict[str, str], settings: str, status: int
) -> None:
    served.root.mkdir(parents=True)
    served.settings_file.write_text(settings)
    answer = client(host).get("/metrics", headers=headers)
    assert answer.status_code == status
    assert (re.search("longtail_", answer.text) is not None) is (status == 200)


def test_the_token_is_in_no_list_of_settings(served: Workspace) -> None:
    served.root.mkdir(parents=True)
    served.settings_file.write_text(f'[metrics]\ntoken = "{TOKEN}"\n')
    lines = describe_settings(load_settings(served.root))
    assert next(line.value for line in lines if line.name == "metrics.token") == '"**********"'
    assert TOKEN not in str(lines)
