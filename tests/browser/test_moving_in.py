"""Exports of five shop systems, loaded through the page as somebody would who sees it for the first time."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from engine.core.workspace import Workspace
from engine.jobs import list_runs
from tests.browser.conftest import LONG_MS, at_rest
from tests.browser.system_exports import EXPORTS, Export

# Streamlit 1.67 loses an upload that is given in the moment in which a run begins (see `at_rest`): once more, then.
pytestmark = [pytest.mark.browser, pytest.mark.flaky(reruns=2)]

UPLOADERS = ("items", "interactions", "images")


@pytest.fixture(scope="module")
def moving_in(tmp_path_factory, start_server) -> tuple[Workspace, str]:
    workspace = Workspace(tmp_path_factory.mktemp("moving-in") / "workspace")
    return workspace, str(start_server(workspace.root))


def give_files(page: Page, files: dict[str, Path]) -> None:
    """Give each file to its uploader, in the order in which they are on the page."""
    for position, role in enumerate(UPLOADERS):
        if role in files:
            at_rest(page)
            page.locator("input[type=file]").nth(position).set_input_files(files[role])
            expect(page.get_by_text(files[role].name).first).to_be_visible()
    at_rest(page)


def test_the_first_visit_leads_to_loading_ones_own(moving_in: tuple[Workspace, str], page: Page):
    page.goto(moving_in[1])
    expect(page.get_by_role("button", name="Try the demo shop")).to_be_visible()
    page.get_by_role("button", name="Load your own shop").click()
    expect(page.get_by_text("Load your shop")).to_be_visible()
    assert not moving_in[0].runs.exists()


def test_a_running_demo_gives_way_to_ones_own_shop(tmp_path: Path, start_server, page: Page):
    workspace = Workspace(tmp_path / "workspace")
    address = start_server(workspace.root)
    page.goto(address)
    page.get_by_role("button", name="Try the demo shop").click()
    expect(page.get_by_text("Building the demo shop")).to_be_visible()
    page.get_by_text("Load your own shop instead").click()
    expect(page.locator("input[type=file]").first).to_be_attached()
    files = EXPORTS["BigCommerce"].write(tmp_path)
    for position, role in enumerate(("items", "interactions")):
        # The page never rests while it follows the run.
        page.locator("input[type=file]").nth(position).set_input_files(files[role])
        expect(page.get_by_text(files[role].name).nth(1)).to_be_visible()
    page.get_by_role("button", name="Stop the demo shop, and load").click()
    expect(page.get_by_role("button", name="Train")).to_be_visible(timeout=LONG_MS)
    assert [(run.kind, run.state) for run in list_runs(workspace)] == [("ingest", "done"), ("demo", "cancelled")]
    items = pd.read_parquet(workspace.current_snapshot() / "items.parquet")
    assert len(items) == EXPORTS["BigCommerce"].n_products


@pytest.mark.parametrize("system", list(EXPORTS))
def test_an_export_is_recognised_and_loaded_as_expected(
    moving_in: tuple[Workspace, str], page: Page, tmp_path: Path, system: str
):
    workspace, address = moving_in
    export: Export = EXPORTS[system]
    before = set(workspace.snapshots.glob("*/shop.json"))
    page.goto(f"{address}/data")
    expect(page.locator("input[type=file]").first).to_be_attached()
    give_files(page, export.write(tmp_path))
    expect(page.get_by_text(f"this looks like {export.looks_like}").first).to_be_visible()
    page.get_by_label("Shop name").fill(system)
    page.get_by_label("Shop name").press("Enter")
    at_rest(page)
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.get_by_role("heading", name=system)).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_role("button", name="Train")).to_be_visible()
    assert len(set(workspace.snapshots.glob("*/shop.json")) - before) == 1

    snapshot = workspace.current_snapshot()
    items = pd.read_parquet(snapshot / "items.parquet").set_index("item_id", drop=False)
    assert len(items) == export.n_products
    first = items.loc[export.first["item_id"]]
    assert {name: first[name] for name in export.first} == export.first
    assert items["price"].notna().all()
    assert "images" not in export.files or items["image"].notna().all()
    assert len(pd.read_parquet(snapshot / "interactions.parquet")) == export.n_events
