"""Which browser it is, where nobody signs in and no name was given: a random number in a cookie, which says nothing of anybody.

It only keeps apart what people who gave no name have seen (`engine.access.marks`); deeds are those of `UNNAMED` whichever browser they come from.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, MutableMapping
from typing import Any

import streamlit as st
from starlette.requests import HTTPConnection

from ui.app.person import UNNAMED

__all__ = ["COOKIE", "given_number", "marked_as", "marks_of"]

COOKIE = "longtail_browser"
YEAR = 365 * 86_400
_NUMBER = re.compile(r"[0-9a-f]{32}")


def marks_of(name: str) -> str:
    """Under what this session's marks are kept: somebody's name, and for who gave none also the browser."""
    return marked_as(name, st.context.cookies.to_dict())


def marked_as(name: str, cookies: Mapping[str, str]) -> str:
    """The same, of a browser's cookies. One that keeps none shares with others like it."""
    number = cookies.get(COOKIE, "")
    return f"{name} {number}" if name == UNNAMED and _NUMBER.fullmatch(number) else name


def given_number(scope: MutableMapping[str, Any]) -> list[tuple[bytes, bytes]]:
    """The header that gives a browser a number, where nobody is signed in and it has none."""
    visitor = scope.get("state", {}).get("visitor")
    if visitor is None or visitor.identity is not None or visitor.actor is None:
        return []
    request = HTTPConnection(scope)
    if _NUMBER.fullmatch(request.cookies.get(COOKIE, "")):
        return []
    path = (st.get_option("server.baseUrlPath") or "").strip("/")
    secure = "; Secure" if request.url.scheme == "https" else ""
    value = f"{COOKIE}={secrets.token_hex(16)}; Path=/{path}; Max-Age={YEAR}; SameSite=Lax; HttpOnly{secure}"
    return [(b"set-cookie", value.encode())]
