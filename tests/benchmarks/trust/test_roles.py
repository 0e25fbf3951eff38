"""Commands ask for a role before they do anything."""

from __future__ import annotations

import pytest

from benchmarks.trust.roles import COMMANDS, Command, refused_by_command
from engine.access.roles import NEEDED, Role
from engine.core.workspace import Workspace
from tests.support.writes import WritableShop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> WritableShop:
    return WritableShop.of(Workspace(tmp_path_factory.mktemp("commands") / "shop"))


@pytest.mark.parametrize("command", COMMANDS, ids=[command.name for command in COMMANDS])
def test_a_command_is_refused_to_the_role_below_and_done_for_the_least(shop: WritableShop, command: Command) -> None:
    least = NEEDED[command.action]
    below = list(Role)[list(Role).index(least) - 1]
    assert refused_by_command(shop, command, below)
    assert not refused_by_command(shop, command, least)
