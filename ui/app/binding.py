"""What has to be right before the dashboard starts: where nobody signs in it listens on this machine alone."""

from __future__ import annotations

import sys

import streamlit as st

from engine.core.errors import SettingsError
from engine.core.settings import load_settings, workspace_path
from ui.app.proxies import is_loopback
from ui.app.sign_in_settings import Method, sign_in_method

__all__ = ["check_binding"]


def check_binding() -> None:
    """End the process, with a sentence and a status that is not zero, where starting would open the dashboard to strangers.

    Settings that cannot be read are no reason on this machine: every page says what is wrong with them.
    """
    address = st.get_option("server.address")
    at_home = address == "localhost" or is_loopback(address or "")
    try:
        auth = load_settings(workspace_path()).auth
    except SettingsError as exc:
        if not at_home:
            sys.exit(f"Longtail does not start: {exc}")
        return
    try:
        method = sign_in_method(auth)
    except SettingsError as exc:
        sys.exit(f"Longtail does not start: {exc}")
    if method is Method.OPEN and not (auth.open or at_home):
        where = f"server.address is {address}" if address else "server.address is not set, which means everywhere"
        sys.exit(
            f"Longtail does not start: nobody signs in, and {where}. Set server.address to localhost, set up sign-in "
            "(docs/sign-in.md), or write auth.open = true in settings.toml if everybody who can reach it may use it."
        )
