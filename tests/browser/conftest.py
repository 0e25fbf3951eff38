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
from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, expect, sync_playwright

from tests.conftest import REPOSITORY, skip_or_fail

# How long to wait for what must happen; a machine that does other things too is slow. What is there is never waited for.
START_SECONDS = 180
PATIENCE_MS = 60_000
REST_SECONDS = 1.0
LONG_MS = 90_000
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
        port = free_port()
        servers.append(serve(workspace, port))
        return f"http://localhost:{port}"

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


def serve(workspace: Path, port: int, **variables: str) -> subprocess.Popen[bytes]:
    """`streamlit run app.py` on a workspace, with variables of its own, once it answers; the caller ends it."""
    log = workspace.parent / f"server-{port}.log"
    with log.open("ab") as stream:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
            cwd=REPOSITORY,
            env={**os.environ, "LONGTAIL_WORKSPACE": str(workspace), "OPENBLAS_NUM_THREADS": "1", **variables},
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    deadline = time.monotonic() + START_SECONDS
    while not _healthy(f"http://localhost:{port}"):
        if server.poll() is not None or time.monotonic() > deadline:
            server.kill()
            pytest.fail(f"the dashboard did not start:\n{log.read_text('utf-8', 'replace')[-2000:]}")
        time.sleep(0.1)
    return server


def at_rest(page: Page) -> None:
    """Wait until the page has run to its end and begins no other run.

    A file that is given in the moment in which a run begins is lost: Streamlit 1.67 drops the address to send it to
    with everything else that the run before had to say.
    """
    app = page.locator("[data-testid=stApp]")
    expect(app).to_have_attribute("data-test-connection-state", "CONNECTED")
    deadline = time.monotonic() + PATIENCE_MS / 1000
    still_since = None
    while still_since is None or time.monotonic() - still_since < REST_SECONDS:
        assert time.monotonic() < deadline, "the page never comes to rest"
        if app.get_attribute("data-test-script-state") != "notRunning":
            still_since = None
        elif still_since is None:
            still_since = time.monotonic()
        page.wait_for_timeout(50)


def take_focus(locator: Locator) -> None:
    """Put the focus on something once it is shown: while the first paint hides the page nothing can have it, and no error says so."""
    expect(locator).to_be_visible()
    locator.focus()
    expect(locator).to_be_focused()


def until(page: Page, condition: Callable[[], bool]) -> None:
    """Wait until something is so that the page itself does not show."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not condition():
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def _healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
