"""Who is acting, and that nobody acts unasked in a server."""

from __future__ import annotations

import os
import pwd
import threading
from collections.abc import Iterator

import pytest

from engine.access.acting import Actor, acting, current_actor, require, resolve_with
from engine.access.roles import Action, Role
from engine.core.errors import NotAllowedError

ADA = Actor("Ada", Role.CURATOR, "sign-in")


@pytest.fixture
def server() -> Iterator[None]:
    resolve_with(lambda: None)
    yield
    resolve_with(None)


def test_a_command_acts_for_whoever_runs_it() -> None:
    assert current_actor() == Actor(pwd.getpwuid(os.getuid()).pw_name, Role.ADMIN, "command")


def test_in_a_server_nobody_acts_unless_it_is_said(server: None) -> None:
    with pytest.raises(NotAllowedError, match="Sign in first"):
        require(Action.BROWSE)
    with acting(ADA):
        assert require(Action.JUDGE) == ADA
    with pytest.raises(NotAllowedError):
        current_actor()


def test_a_thread_of_a_server_does_not_inherit_who_acts(server: None) -> None:
    seen: list[object] = []

    def look() -> None:
        try:
            seen.append(current_actor())
        except NotAllowedError as exc:
            seen.append(exc)

    with acting(ADA):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert isinstance(seen[0], NotAllowedError)


def test_the_provider_is_asked_where_nothing_was_said() -> None:
    resolve_with(lambda: ADA)
    try:
        assert current_actor() == ADA
        with acting(Actor("Bo", Role.LEAD, "sign-in")):
            assert current_actor().name == "Bo"
    finally:
        resolve_with(None)


def test_a_refusal_says_who_may_and_who_one_is() -> None:
    with (
        acting(ADA),
        pytest.raises(NotAllowedError, match=r"Only a lead or an admin may choose .* as Ada, a curator"),
    ):
        require(Action.PUBLISH)
    with acting(ADA), pytest.raises(NotAllowedError, match=r"Only an admin may load another shop"):
        require(Action.LOAD_SHOP)
