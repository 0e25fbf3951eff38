from __future__ import annotations

import asyncio

import pytest

from engine.core.settings_limits import LimitSettings
from tests.support.own_loop import run_alone
from ui.app.fair_shares.client import Client
from ui.app.fair_shares.refused import RefusedError
from ui.app.fair_shares.tabs import TRY_LATER, Tabs

LIMITS = LimitSettings(tabs=3, all_tabs=6, people_per_address=4)
EVE, ADA = Client("9.9.9.9", "eve"), Client("10.0.0.1", "ada")


def test_one_person_opens_so_many_tabs_and_others_theirs():
    tabs = Tabs(LIMITS)
    opened = [tabs.open(EVE) for _ in range(3)]
    with pytest.raises(RefusedError):
        tabs.open(EVE)
    assert tabs.open(ADA).client == ADA
    tabs.close(opened[0])
    assert tabs.open(EVE).client == EVE


def test_when_all_are_taken_whoever_has_the_most_gives_one_up():
    tabs = Tabs(LIMITS)
    many = [tabs.open(Client("9.9.9.9", f"invented {number}")) for number in range(6)]
    ada = tabs.open(ADA)
    assert [tab.given_up.is_set() for tab in many] == [False] * 5 + [True]
    assert not ada.given_up.is_set()
    with pytest.raises(RefusedError):
        tabs.open(Client("9.9.9.9", "another"))


def test_a_tab_that_is_given_up_is_closed_and_said_to_be_gone():
    async def run() -> None:
        sent = []

        async def never() -> dict:
            await asyncio.sleep(60)
            return {}

        async def send(message: dict) -> None:
            sent.append(message)

        tab = Tabs(LIMITS).open(EVE)
        asyncio.get_running_loop().call_later(0.01, tab.given_up.set)
        message = await tab.receive(never, send)
        assert message == {"type": "websocket.disconnect", "code": TRY_LATER}
        assert sent == [{"type": "websocket.close", "code": TRY_LATER}]

    run_alone(run())
