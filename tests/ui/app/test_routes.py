from __future__ import annotations

import hashlib
import io

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from engine.catalogue.images import store_image
from engine.core.workspace import Workspace
from engine.jobs import upload_folder
from tests.support.sign_in import gated
from ui.app.routes import lifespan, routes
from ui.widgets import map, scripts
from ui.widgets.addresses import picture_url, thumb_url
from ui.widgets.scripts import served_component


@pytest.fixture
def client(workspace: Workspace, monkeypatch) -> TestClient:
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    return gated()


@pytest.fixture
def image(workspace: Workspace) -> str:
    stream = io.BytesIO()
    Image.new("RGB", (600, 800), "teal").save(stream, "PNG")
    return store_image(workspace, stream.getvalue(), name="teal.png")


@pytest.mark.parametrize(("url", "longest"), [(thumb_url, 320), (picture_url, 640)])
def test_pictures_are_served_once_and_kept_for_ever(client, image, url, longest):
    answer = client.get(url(image))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert "immutable" in answer.headers["cache-control"]
    assert max(Image.open(io.BytesIO(answer.content)).size) == longest


@pytest.mark.parametrize(
    "name",
    [
        "0" * 64,
        "0" * 63,
        "A" * 64,
        "0" * 64 + ".jpg",
        "0" * 62 + "%0a0",
    ],
)
def test_anything_but_a_stored_hash_is_a_placeholder_that_is_not_kept(client, image, name):
    answer = client.get(f"/thumb/{name}")
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.text.startswith("<svg")


def test_nothing_outside_the_pictures_can_be_reached(client, workspace, image):
    workspace.settings_file.write_text("seed = 1")
    for name in ("..%2f..%2fsettings.toml", "../settings.toml", "%2e%2e/settings.toml", "..%5csettings.toml"):
        assert client.get(f"/thumb/{name}").status_code == 404


def test_pictures_cannot_be_written(client, image):
    assert client.post(thumb_url(image)).status_code == 405


def test_a_dashboard_that_starts_removes_what_killed_processes_left(workspace: Workspace, monkeypatch) -> None:
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    left = [workspace.root / ".ingest-left", workspace.runs / ".upload-left"]
    for folder in left:
        folder.mkdir(parents=True)
        (folder / "half").touch()
    mine = upload_folder(workspace)
    with TestClient(Starlette(routes=routes, lifespan=lifespan)):
        assert not any(folder.exists() for folder in left)
        assert mine.is_dir()


def test_a_components_script_is_kept_for_ever_and_an_unknown_one_is_not(client):
    served_component("longtail_map", map.SCRIPTS, "map.css", map.LOADING)
    text = next(iter(scripts._scripts.values()))
    digest = hashlib.sha256(text.encode()).hexdigest()
    answer = client.get(f"/script/{digest}.js")
    assert (answer.status_code, answer.text) == (200, text)
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    missing = client.get(f"/script/{'0' * 64}.js")
    assert (missing.status_code, missing.headers["cache-control"]) == (404, "no-store")


def test_today_by_its_name_is_the_first_page(client):
    answer = client.get("/today?line=hubs", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/?line=hubs")
    assert client.get("/today", follow_redirects=False).headers["location"] == "/"
