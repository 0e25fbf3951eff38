"""What people see of signing in: the screen before everything else, and who they are at the top of every page."""

from __future__ import annotations

import base64
import functools
import logging
import time
from pathlib import Path

import streamlit as st

from engine.access.acting import Actor
from engine.access.people import People
from engine.access.roles import Role
from engine.core.errors import StoreError
from ui.app.curator import given_name, name_form
from ui.app.identity import Problem
from ui.app.person import Visitor, sign_out_everywhere, signs_in
from ui.app.resources import database, settings
from ui.app.sign_in_settings import Method, providers, sign_in_method
from ui.widgets.closing import close, closing
from ui.widgets.formatting import html_text, plain

__all__ = ["ROLE_WORDS", "draw_person", "draw_sign_in", "remember_visit"]

LOGO = Path(__file__).resolve().parents[2] / "assets" / "logo.svg"
logger = logging.getLogger(__name__)

ROLE_WORDS = {
    Role.VIEWER: "You can look at everything, and change nothing.",
    Role.CURATOR: "You can judge what is shown beside a product.",
    Role.MERCHANDISER: "You can judge, add products, and change them.",
    Role.LEAD: "You can judge, change products, run campaigns, train and publish.",
    Role.ADMIN: "You can do everything, and say who else may do what.",
}
_PROBLEMS = {
    Problem.NO_NAME: "Your sign-in worked, but it did not say who you are (the claim “{claim}” is missing). Ask whoever looks after "
    "this dashboard to have it sent.",
    Problem.NOT_VERIFIED: "Your sign-in worked, but your e-mail address has not been verified there. Verify it, then sign in again.",
    Problem.NOT_USABLE: "Your sign-in worked, but your name there has characters that cannot be told apart on screen, or is too long. "
    "Ask whoever looks after your account to change it.",
}
_SEEN_KEY = "visit_remembered"
_SEEN_EVERY_SECONDS = 300

_leave = st.components.v2.component(
    "longtail_leave", js="export default ({ data }) => { window.location.assign(data.url); };"
)


def draw_sign_in(visitor: Visitor) -> None:
    """Draw the whole page for somebody who may not even look: how to sign in, or why that was not enough."""
    method = sign_in_method(settings().auth)
    with st.container(key="sign_in"):
        st.html(f'<img class="lt-logo" alt="Longtail" src="data:image/svg+xml;base64,{_logo()}">')
        if visitor.identity is not None and not visitor.ended:
            _draw_not_let_in(visitor)
        else:
            _draw_door(visitor, method)


def draw_person(actor: Actor) -> None:
    """Draw who is here as a menu: what they may do, and the way out; where nobody signs in, the form for a name."""
    known = signs_in()
    name = actor.name if known else given_name()
    with st.popover(
        plain(name) if name else "Who are you?", icon=":material/account_circle:", type="tertiary", key=closing("who")
    ):
        if not known:
            if name_form("top_bar_name", button="Save"):
                close("who")
                st.rerun()
            return
        st.html(
            f'<div class="lt-person"><strong>{html_text(actor.name)}</strong>'
            f"<span>{html_text(actor.role.capitalize())}</span></div>"
        )
        st.caption(ROLE_WORDS[actor.role])
        _draw_sign_out(actor.name, "person")


def remember_visit(visitor: Visitor) -> None:
    """Note that somebody is here, now and then; that it could not be noted keeps nobody out."""
    actor = visitor.actor
    name = given_name() if visitor.identity is None else visitor.identity.name
    if actor is None or name is None:
        return
    claimed = visitor.identity.claimed(settings().auth) if visitor.identity else None
    done, at = st.session_state.get(_SEEN_KEY, (None, 0.0))
    if done == (name, claimed) and time.monotonic() - at < _SEEN_EVERY_SECONDS:
        return
    st.session_state[_SEEN_KEY] = ((name, claimed), time.monotonic())
    try:
        People(database()).seen(name, claimed)
    except StoreError as exc:
        logger.warning("a visit could not be noted: %s (%s)", exc, exc.detail)


@functools.cache
def _logo() -> str:
    """Within the page: no picture has an address before anybody signed in."""
    return base64.b64encode(LOGO.read_bytes()).decode()


def _draw_door(visitor: Visitor, method: Method) -> None:
    st.title("Sign in to Longtail", anchor=False)
    if visitor.ended:
        st.write("You signed out, or your sign-in has expired. Nothing you saved is lost.")
    else:
        st.write("Similar items for your shop: look at them, judge them, improve them.")
    if method is Method.OIDC:
        for name, words in providers().items():
            label = f"Sign in with {plain(words)}" if words else "Sign in"
            if st.button(label, type="primary", width="stretch", key=f"sign_in_{name}"):
                st.login(name or None)
        return
    if visitor.ended:
        st.info("Reload the page to come back.", icon=":material/refresh:")
    else:
        st.info(
            "Your company's sign-in did not say who you are. Open Longtail at the address that your company gave you, not at this "
            "one.",
            icon=":material/lock:",
        )


def _draw_not_let_in(visitor: Visitor) -> None:
    identity = visitor.identity
    assert identity is not None
    if identity.problem is not None:
        st.title("Not signed in yet", anchor=False)
        st.write(_PROBLEMS[identity.problem].format(claim=plain(settings().auth.name_claim)))
    else:
        st.title("You have no role here yet", anchor=False)
        st.write(
            f"You are signed in as **{plain(identity.name)}**. Ask an admin of Longtail to give you a role on the People page; then reload."
        )
    _draw_sign_out(identity.name, "door")


def _draw_sign_out(name: str, key: str) -> None:
    """The button that ends all sessions of this person, here and in every other browser."""
    if not st.button(
        "Sign out everywhere" if name else "Sign out", icon=":material/logout:", key=f"sign_out_{key}", width="stretch",
        help="Ends your sessions in every browser, also on other devices." if name else None,
    ):  # fmt: skip
        return
    if name:
        sign_out_everywhere(name)
    auth = settings().auth
    if sign_in_method(auth) is Method.OIDC:
        st.logout()
    elif auth.sign_out_url:
        _leave(key="leave", data={"url": auth.sign_out_url}, height=1)
    else:
        st.rerun()
