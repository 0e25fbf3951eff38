"""A dashboard on a port of its own, and headless Chromium to look at it with."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from tests.conftest import REPOSITORY, skip_or_fail

START_SECONDS = 60
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def start_server() -> Iterator[Callable[[Path], str]]:
    """Start `streamlit run app.py` on a workspace and return its address; all are stopped at the end."""
    servers: list[subprocess.Popen[bytes]] = []

    def start(workspace: Path) -> str:
        port = _free_port()
        log = workspace.parent / f"server-{port}.log"
        environment = {**os.environ, "LONGTAIL_WORKSPACE": str(workspace), "OPENBLAS_NUM_THREADS": "1"}
        with log.open("wb") as stream:
            server = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
                cwd=REPOSITORY,
                env=environment,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        servers.append(server)
        address = f"http://localhost:{port}"
        deadline = time.monotonic() + START_SECONDS
        while not _healthy(address):
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the dashboard did not start:\n{log.read_text('utf-8', 'replace')[-2000:]}")
            time.sleep(0.2)
        return address

    yield start
    for server in servers:
        server.terminate()
    for server in servers:
        with suppress(subprocess.TimeoutExpired):
            server.wait(10)
        server.kill()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium: the system's, or the one that playwright installed."""
    system = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=system, args=CHROMIUM_FLAGS)
        except Error as exc:
            skip_or_fail(f"no Chromium to drive ({str(exc).splitlines()[0]}); install the chromium package")
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without a past: no cookies, nothing cached."""
    context = browser.new_context(viewport={"width": 1360, "height": 860})
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty tab."""
    return context.new_page()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def _healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
