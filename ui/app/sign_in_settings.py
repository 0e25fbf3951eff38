"""Which of the three ways people sign in, and whether it is set up so that it holds: what is half set up lets nobody in."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import streamlit as st
from streamlit.auth_util import get_redirect_uri, get_secrets_auth_section
from streamlit.runtime.secrets import AttrDict, secrets_singleton
from streamlit.web.server.server_util import get_cookie_secret

from engine.core.errors import SettingsError
from engine.core.settings import AuthSettings

__all__ = ["Method", "providers", "sign_in_method"]

SHORTEST_SECRET = 32
CALLBACK = "/oauth2callback"


class Method(StrEnum):
    """How people sign in; the values stand in the audit."""

    OIDC = "sign-in"
    PROXY = "proxy"
    OPEN = "open"


def sign_in_method(auth: AuthSettings) -> Method:
    """The way that is configured. Raises `SettingsError` saying what is wrong with it."""
    section = _oidc_section()
    if section is not None and auth.header is not None:
        raise SettingsError(
            "People sign in either with OpenID Connect ([auth] in .streamlit/secrets.toml) or through a reverse proxy (auth.header), "
            "not both. Remove one."
        )
    if section is not None:
        _check_oidc(section)
        return Method.OIDC
    if auth.header is None:
        return Method.OPEN
    if auth.header_secret is None and not auth.proxies:
        raise SettingsError(
            "auth.header is set, but anybody can send a header. Set auth.header_secret or auth.proxies too, so that the proxy's alone counts."
        )
    return Method.PROXY


def providers() -> dict[str, str]:
    """Names of the OpenID Connect providers for `st.login` -> what they are called on screen; "" stands for the one without a name."""
    section = _oidc_section()
    if section is None:
        return {}
    named = {
        name: name.replace("-", " ").title()
        for name, value in section.items()
        if isinstance(value, AttrDict) and "client_id" in value
    }
    return {**({"": ""} if "client_id" in section else {}), **named}


def _oidc_section() -> AttrDict | None:
    """[auth] of secrets.toml; None where there is none. A file that cannot be read is an error: it may have held one."""
    try:
        loaded = secrets_singleton.load_if_toml_exists()
        there = any(Path(file).exists() for file in st.get_option("secrets.files"))
    except OSError as exc:
        raise SettingsError(f"The secrets cannot be read: {exc.strerror}.") from exc
    if not loaded and there:
        raise SettingsError("secrets.toml cannot be read: it is not valid TOML. The log says where.")
    section = get_secrets_auth_section()
    return section if section else None


def _check_oidc(section: AttrDict) -> None:
    if len(get_cookie_secret() or "") < SHORTEST_SECRET:
        raise SettingsError(
            f"auth.cookie_secret in secrets.toml has fewer than {SHORTEST_SECRET} characters: whoever guesses it can be anybody. Make one "
            'with `python -c "import secrets; print(secrets.token_hex(32))"`.'
        )
    if not (get_redirect_uri(section) or "").endswith(CALLBACK):
        raise SettingsError(
            f"auth.redirect_uri in secrets.toml must be this dashboard's own address followed by {CALLBACK}, e.g. "
            f"https://longtail.example.com{CALLBACK}."
        )
    if not any(True for _ in _clients(section)):
        raise SettingsError(
            "[auth] in secrets.toml names no provider: it needs client_id, client_secret and server_metadata_url."
        )


def _clients(section: AttrDict) -> list[AttrDict]:
    return [one for one in (section, *section.values()) if isinstance(one, AttrDict) and "client_id" in one]
