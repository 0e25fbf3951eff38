from __future__ import annotations

from pathlib import Path

import pytest

from engine.catalogue.snapshot import read_shop
from engine.core.workspace import Workspace
from tests.engine.cli.conftest import Command
from tests.support.picture_server import picture, picture_server, send


@pytest.fixture
def arguments(tmp_path: Path) -> list[str | Path]:
    (tmp_path / "events.csv").write_text("user_id,sku\n" + "".join(f"u{n % 4},s{n % 3}\n" for n in range(12)))
    return ["ingest", "--items", tmp_path / "items.csv", "--interactions", tmp_path / "events.csv"]


def test_pictures_are_fetched_from_hosts_that_are_allowed(
    command: Command, arguments: list[str | Path], workspace: Workspace, tmp_path: Path
) -> None:
    with picture_server() as server:
        server.answers |= {f"/{n}.png": send(picture(n)) for n in range(3)}
        rows = [f"s{n},Hat {n},{server.address(f'/{n}.png')}" for n in range(3)]
        (tmp_path / "items.csv").write_text("\n".join(["sku,title,image_url", *rows]) + "\n")
        refused = command(*arguments, "--fetch-pictures")
        assert refused.code == 0
        assert "Allow it with --allow-host 127.0.0.1" in refused.err
        assert not server.asked
        allowed = command(*arguments, "--fetch-pictures", "--allow-host", "127.0.0.1")
        assert allowed.code == 0, allowed.err
    assert "web addresses: 3 " in allowed.err
    assert read_shop(workspace).items["image"].notna().all()


def test_a_host_is_allowed_only_where_pictures_are_fetched(command: Command, arguments: list[str | Path]) -> None:
    outcome = command(*arguments, "--allow-host", "shop.example")
    assert outcome.code == 2
    assert "Add --fetch-pictures" in outcome.err
