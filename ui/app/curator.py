"""The name that people give themselves where nobody signs in: asked once, kept in a cookie for reloads and pasted links.

This is a name, not a proof of identity; where people sign in it counts for nothing (`ui.app.person`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import quote, unquote

import streamlit as st

__all__ = ["COOKIE", "MAX_LENGTH", "clean_name", "cookie_name", "given_name", "keep_cookie", "name_form", "set_name"]

COOKIE = "longtail_curator"
MAX_LENGTH = 60
_SESSION_KEY = "curator_name"
_UNWRITTEN_KEY = "curator_cookie_unwritten"

_cookie = st.components.v2.component(
    "longtail_cookie",
    js="""
    export default ({ data }) => {
      const secure = location.protocol === "https:" ? "; Secure" : "";
      document.cookie = `${data.name}=${data.value}; Path=${data.path}; Max-Age=31536000; SameSite=Lax${secure}`;
    };
    """,
)


def given_name() -> str | None:
    """The name given in this session, or in an earlier one by this browser."""
    if _SESSION_KEY not in st.session_state:
        st.session_state[_SESSION_KEY] = cookie_name(st.context.cookies.to_dict())
    return st.session_state[_SESSION_KEY] or None


def cookie_name(cookies: Mapping[str, str]) -> str | None:
    """The name in a browser's cookies."""
    return clean_name(unquote(cookies.get(COOKIE, ""))) or None


def set_name(name: str) -> bool:
    """Take a name, for this session and the browser's next ones; False where nothing of it is left when cleaned."""
    cleaned = clean_name(name)
    if cleaned:
        st.session_state[_SESSION_KEY] = cleaned
        st.session_state[_UNWRITTEN_KEY] = True
    return bool(cleaned)


def keep_cookie() -> None:
    """Have the browser remember a name that was given in this session.

    In every run from then on: a run that is overtaken by the next one may never have reached the browser.
    """
    if st.session_state.get(_UNWRITTEN_KEY, False):
        path = (st.get_option("server.baseUrlPath") or "").strip("/")
        value = quote(st.session_state[_SESSION_KEY], safe="")
        _cookie(key="curator_cookie", data={"name": COOKIE, "value": value, "path": f"/{path}"}, height=1)


def name_form(key: str, *, button: str) -> bool:
    """Ask for the name; True in the run in which a usable one was given."""
    with st.form(key, border=False):
        name = st.text_input(
            "Your name",
            value=given_name() or "",
            max_chars=MAX_LENGTH,
            placeholder="e.g. Ada",
            help="Shown next to your judgements so that colleagues can tell whose they are. Saved in this browser.",
        )
        if st.form_submit_button(button, type="primary"):
            if set_name(name):
                return True
            st.error("Your name needs at least one letter or number.")
    return False


def clean_name(name: str) -> str:
    """One line, no control characters, at most `MAX_LENGTH` long; empty where no letter or digit is in it."""
    visible = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in name)
    cleaned = re.sub(r"\s+", " ", unicodedata.normalize("NFC", visible)).strip()[:MAX_LENGTH].strip()
    return cleaned if any(char.isalnum() for char in cleaned) else ""
