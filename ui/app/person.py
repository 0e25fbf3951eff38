"""Who is at the other end, and what they may do: the one answer for pages, callbacks, routes and the engine.

Roles are looked up again every few seconds, so one that is taken away is gone at once, and so are sessions that were signed out.
"""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

import streamlit as st
from starlette.requests import HTTPConnection
from streamlit.runtime.scriptrunner import get_script_run_ctx

from engine.access.acting import Actor, acting, require
from engine.access.people import People, Person
from engine.access.roles import Action, Role
from engine.core.errors import NotAllowedError
from engine.core.settings import AuthSettings
from engine.store import database_url
from ui.app.curator import cookie_name, given_name
from ui.app.identity import SEALED_NAME, Identity, identify, unseal
from ui.app.resources import database, settings, workspace
from ui.app.sign_in_settings import Method, sign_in_method
from ui.widgets.formatting import plain

__all__ = [
    "NOBODY",
    "UNNAMED",
    "Visitor",
    "allowed",
    "curator_name",
    "end_sessions_of",
    "forget_roles",
    "only",
    "person",
    "role_of",
    "sign_out_everywhere",
    "signs_in",
    "visitor",
    "visitor_of",
]

UNNAMED = "Someone at this computer"
"""Who acts where nobody signs in and no name was given."""
LOOK_AGAIN_SECONDS = 3
_SINCE = "signed_in_since"


@dataclass(frozen=True)
class Visitor:
    """What is known of whoever asks.

    Attributes
    ----------
    identity : None where nobody has signed in, or nobody does.
    actor : None where they may do nothing, not even look.
    ended : whether they did sign in, and that is over.
    signed_out_at : when they last signed out, in seconds; 0 where they never did.
    """

    identity: Identity | None = None
    actor: Actor | None = None
    ended: bool = False
    signed_out_at: float = 0.0


NOBODY = Visitor()


def person() -> Actor | None:
    """Who this session is of; None where nobody has signed in, or outside a session. Raises `SettingsError` and `StoreError`."""
    return visitor().actor


def allowed(action: Action) -> bool:
    """Whether whoever is there may do this; for what a page offers. The engine asks again."""
    actor = person()
    return actor is not None and actor.may(action)


def only(action: Action, **otherwise: Any) -> dict[str, Any]:
    """Arguments for a button: as they would be otherwise, but it is closed and says why where whoever is there may not do this."""
    actor = person()
    if actor is None:
        return {**otherwise, "disabled": True, "help": "Sign in first."}
    try:
        with acting(actor):
            require(action)
    except NotAllowedError as exc:
        return {**otherwise, "disabled": True, "help": plain(exc)}
    return otherwise


def curator_name() -> str | None:
    """The name that judgements bear; None where nobody signs in and no name was given yet."""
    if not signs_in():
        return given_name()
    actor = person()
    return actor.name if actor else None


def signs_in() -> bool:
    """Whether people sign in here; where not, they say who they are, and nobody checks."""
    return sign_in_method(settings().auth) is not Method.OPEN


def visitor() -> Visitor:
    """What is known of the person of this session."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return NOBODY
    auth = settings().auth
    told = st.user.get(SEALED_NAME)
    if sign_in_method(auth) is Method.OPEN:
        # Who came while people signed in is not let in by settings that no longer say so: a file that is just being written is empty.
        return _open(auth, given_name()) if told is None else Visitor(ended=True)
    identity = unseal(told)
    # Somebody who signs out is gone from `st.user` before the browser is.
    if identity is None or (identity.via == Method.OIDC and not st.user.get("is_logged_in")):
        return NOBODY
    return _look_up(identity, auth, st.session_state.setdefault(_SINCE, time.time()))


def visitor_of(scope: MutableMapping[str, Any]) -> Visitor:
    """What is known of the sender of an HTTP request. Raises `SettingsError` and `StoreError`."""
    auth = settings().auth
    if sign_in_method(auth) is Method.OPEN:
        return _open(auth, cookie_name(HTTPConnection(scope).cookies))
    identity = identify(scope, auth)
    return NOBODY if identity is None else _look_up(identity, auth, time.time())


def role_of(identity: Identity, auth: AuthSettings, known: Person | None) -> Role | None:
    """What they are here: what sign-in and the settings say, else what an admin gave them, else `auth.default_role`."""
    if (claimed := identity.claimed(auth)) is not None:
        return claimed
    if known is not None and known.role is not None:
        return known.role
    return None if auth.default_role == "none" else Role(auth.default_role)


def sign_out_everywhere(name: str) -> None:
    """End every session that this person has now, in all browsers."""
    People(database()).sign_out(name)
    forget_roles()


def end_sessions_of(name: str) -> None:
    """End every session of somebody else; raises `NotAllowedError`."""
    People(database()).end_sessions(name)
    forget_roles()


def forget_roles() -> None:
    """Look everybody up again; for whoever changed something."""
    _known.clear()


def _open(auth: AuthSettings, name: str | None) -> Visitor:
    return Visitor(actor=Actor(name or UNNAMED, Role(auth.open_role), Method.OPEN))


def _look_up(identity: Identity, auth: AuthSettings, connected: float) -> Visitor:
    """`connected`: when the session or the request began, which is when a proxy vouched for it."""
    if identity.problem is not None:
        return Visitor(identity)
    since = connected if identity.since is None else identity.since
    known = _known(database_url(workspace(), settings()), identity.name)
    signed_out_at = known.signed_out_at.timestamp() if known is not None and known.signed_out_at is not None else 0.0
    if since <= signed_out_at or since + auth.session_hours * 3600 < time.time():
        return Visitor(identity, ended=True)
    role = role_of(identity, auth, known)
    actor = None if role is None else Actor(identity.name, role, identity.via)
    return Visitor(identity, actor, signed_out_at=signed_out_at)


@st.cache_resource(show_spinner=False, ttl=LOOK_AGAIN_SECONDS, max_entries=2_000)
def _known(url: str, name: str) -> Person | None:
    return People(database()).get(name)
