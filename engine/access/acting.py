"""Who is acting: named where a request or command comes in, asked wherever something is written.

In a server nobody acts unless a request says who (`acting`) or the provider knows (`resolve_with`): code that forgot to say it
is refused. In a process that no provider was given to (a command, a script), the person who runs it acts; whoever can run one
in the workspace can also write its files.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache

from engine.access.roles import NEEDED, Action, Role, may
from engine.core.errors import NotAllowedError

__all__ = ["Actor", "acting", "current_actor", "require", "resolve_with"]

Provider = Callable[[], "Actor | None"]


@dataclass(frozen=True)
class Actor:
    """A person who acts.

    Parameters
    ----------
    name : as sign-in gives it, or as people gave it themselves where nobody signs in.
    via : how the name is known: "sign-in", "proxy", "open" (a name that nobody checked), "command", or "run" (a run that a page
        started).
    """

    name: str
    role: Role
    via: str

    def may(self, action: Action) -> bool:
        """Whether this person may do this."""
        return may(self.role, action)


_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)
_providers: list[Provider] = []


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """What is done in the block is done by this person."""
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)


def resolve_with(provider: Provider | None) -> None:
    """From now on nobody acts in this process but those whom `acting` names or the provider knows; None takes that back."""
    _providers[:] = [] if provider is None else [provider]


def current_actor() -> Actor:
    """Who acts here; raises `NotAllowedError` where nobody is known."""
    actor = _acting.get()
    if actor is None and _providers:
        actor = _providers[-1]()
    elif actor is None:
        actor = _operator()
    if actor is None:
        raise NotAllowedError("Sign in first.")
    return actor


def require(action: Action) -> Actor:
    """Who acts here, if they may do this; raises `NotAllowedError` saying who may."""
    actor = current_actor()
    if not actor.may(action):
        least = NEEDED[action]
        who = " or ".join(dict.fromkeys([_one(least), _one(Role.ADMIN)]))
        raise NotAllowedError(
            f"Only {who} may {action.words}. You are here as {actor.name}, {_one(actor.role)}; an admin can change that on the "
            "People page."
        )
    return actor


def _one(role: Role) -> str:
    return f"{'an' if role is Role.ADMIN else 'a'} {role}"


@cache
def _operator() -> Actor:
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user may have no name
        name = f"user {os.getuid()}"
    return Actor(name, Role.ADMIN, "command")
