from __future__ import annotations

import asyncio

import pytest

from tests.support.own_loop import run_alone
from ui.app.fair_shares.client import Client
from ui.app.fair_shares.refused import RefusedError
from ui.app.fair_shares.turns import MOST_WAITING, Turns

EVE, ADA, BOB = Client("9.9.9.9", "eve"), Client("10.0.0.1", "ada"), Client("10.0.0.1", "bob")


def order_of(at_once: int, arrivals: list[Client]) -> list[Client]:
    """Who had their turn, in which order, when all come while the first ones work."""

    async def run() -> list[Client]:
        turns, done = Turns(at_once), []

        async def work(client: Client) -> None:
            async with turns.turn(client):
                done.append(client)
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            for client in arrivals:
                group.create_task(work(client))
        return done

    return run_alone(run())


def test_who_sends_a_hundred_things_waits_for_themselves_and_nobody_for_them():
    order = order_of(2, [*[EVE] * 40, ADA, BOB])
    assert len(order) == 42
    assert {order.index(ADA), order.index(BOB)} <= {2, 3, 4, 5}


def test_people_of_one_address_take_turns():
    order = order_of(1, [*[ADA] * 20, BOB])
    assert order.index(BOB) <= 2


def test_too_much_that_waits_is_refused_and_what_waits_is_done():
    async def run() -> None:
        turns = Turns(1)
        release, done = asyncio.Event(), 0

        async def work() -> None:
            nonlocal done
            async with turns.turn(EVE):
                await release.wait()
                done += 1

        tasks = [asyncio.create_task(work()) for _ in range(MOST_WAITING + 1)]
        await asyncio.sleep(0)
        with pytest.raises(RefusedError) as refused:
            async with turns.turn(EVE):
                pass
        assert refused.value.status == 429
        release.set()
        await asyncio.gather(*tasks)
        assert done == MOST_WAITING + 1

    run_alone(run())


def test_a_turn_that_somebody_stopped_waiting_for_is_not_lost():
    async def run() -> None:
        turns = Turns(1)
        async with turns.turn(EVE):
            waiting = asyncio.create_task(turns.turn(ADA).__aenter__())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        async with asyncio.timeout(1), turns.turn(BOB):
            pass

    run_alone(run())


def test_a_turn_that_came_while_its_owner_left_goes_to_the_next():
    async def run() -> None:
        turns = Turns(1)
        async with turns.turn(EVE):
            waiting = asyncio.create_task(turns.turn(ADA).__aenter__())
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        async with asyncio.timeout(1), turns.turn(BOB):
            pass

    run_alone(run())
