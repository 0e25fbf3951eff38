"""The dashboard does not start where strangers would find it open."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit import config
from streamlit.runtime.secrets import secrets_singleton

from tests.conftest import REPOSITORY
from ui.app.binding import check_binding

PROXY = '[auth]\nheader = "X-User"\n'
SHORT = '[auth]\ncookie_secret = "short"\nclient_id = "x"\n'


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The check that app.py makes, for an address, settings.toml and secrets.toml."""

    def check(address: str, settings: str = "", secrets: str = "") -> None:
        (tmp_path / "settings.toml").write_text(settings)
        if secrets:
            (tmp_path / "secrets.toml").write_text(secrets)
        monkeypatch.setenv("LONGTAIL_WORKSPACE", str(tmp_path))
        options = {"server.address": address or None, "secrets.files": [str(tmp_path / "secrets.toml")]}
        given = config.get_option
        for home in (config, st):
            monkeypatch.setattr(home, "get_option", lambda name: options[name] if name in options else given(name))
        monkeypatch.setattr(secrets_singleton, "_secrets", None)
        check_binding()

    return check


def test_streamlit_itself_ends_with_the_sentence(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address", "0.0.0.0", "--server.port", "0"],
        cwd=REPOSITORY, env={**os.environ, "LONGTAIL_WORKSPACE": str(tmp_path)}, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert ended.returncode != 0
    assert ended.stderr.splitlines()[-1].startswith(
        "Longtail does not start: nobody signs in, and server.address is 0.0.0.0."
    )
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("address", "settings", "secrets", "sentence"),
    [
        ("", "", "", "server.address is not set, which means everywhere"),
        ("10.0.0.5", "[auth\n", "", "settings.toml"),
        ("localhost", PROXY, "", "auth.header_secret or auth.proxies"),
        ("localhost", "", "[auth\n", "secrets.toml cannot be read"),
        ("localhost", "", SHORT, "fewer than 32 characters"),
    ],
    ids=["everywhere", "unreadable", "half-a-proxy", "broken-secrets", "short-secret"],
)
def test_it_does_not_start_open_or_half_set_up(
    start: Callable[..., None], address: str, settings: str, secrets: str, sentence: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        start(address, settings, secrets)
    assert str(ended.value.code).startswith("Longtail does not start: ")
    assert sentence in str(ended.value.code)


@pytest.mark.parametrize(
    ("address", "settings"),
    [("localhost", ""), ("127.0.0.1", "[auth\n"), ("::1", ""), ("0.0.0.0", "[auth]\nopen = true\n")],
    ids=["name", "unreadable", "address", "written-down"],
)
def test_it_starts_on_this_machine_or_where_that_is_written_down(
    start: Callable[..., None], address: str, settings: str
) -> None:
    start(address, settings)
