"""The pictures in README.md: every page in light, dark and at phone width, taken in headless Chromium.

    python -m benchmarks.screenshots --workspace workspace [--out docs/screenshots]

The workspace must hold a published release; without one the demo shop's first run is what is seen.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from engine.core.errors import LongtailError
from engine.core.settings import workspace_path
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
from ui.app.navigation import NAVIGATION

REPOSITORY = Path(__file__).resolve().parent.parent
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
LOOKS = {
    "light": {"viewport": {"width": 1360, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1360, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 320, "height": 700}, "color_scheme": "light"},
}
SETTLED_MS = 1_500
COLOURS, MOST_BYTES = 256, 300_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, default=workspace_path())
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "screenshots")
    parser.add_argument("--looks", nargs="*", choices=list(LOOKS), default=list(LOOKS))
    parser.add_argument("--pages", nargs="*", help="only these")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with serve(arguments.workspace) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        for name, path in shots(Workspace(arguments.workspace)).items():
            if arguments.pages and name not in arguments.pages:
                continue
            for look in arguments.looks:
                file = arguments.out / f"{name}-{look}.png"
                with opened(browser, look) as page:
                    shoot(page, f"{address}/{path}", file)
                print(file)
        browser.close()


def shots(workspace: Workspace) -> dict[str, str]:
    """Name -> address of everything worth a picture, with a long-tail product as the example."""
    pages = {entry.module: entry.module for group in NAVIGATION.values() for entry in group}
    try:
        items = Recommender.open(workspace).items
    except LongtailError:
        return pages
    few = items[(items["interaction_count"] >= 3) & items["image"].notna()].sort_values("interaction_count")
    return pages | {"product": f"similar_items?item={few['item_id'].iloc[0]}"} if len(few) else pages


@contextmanager
def opened(browser: Browser, look: str) -> Iterator[Page]:
    """A page with the look's window and colours."""
    context = browser.new_context(**LOOKS[look])
    try:
        yield context.new_page()
    finally:
        context.close()


def shoot(page: Page, address: str, file: Path) -> None:
    """Open the address, wait until Streamlit and the pictures are still, and save what is seen."""
    page.goto(address)
    page.locator("[data-testid='stAppViewContainer']").wait_for(timeout=60_000)
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state') === 'notRunning'",
        timeout=60_000,
    )
    page.wait_for_timeout(SETTLED_MS)
    if (tour := page.get_by_role("button", name="Skip the tour")).is_visible():
        tour.click()
        page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=file)
    if file.stat().st_size > MOST_BYTES:  # a palette is enough for a page, and a third of the size
        with Image.open(file) as image:
            image.convert("RGB").quantize(COLOURS, kmeans=3).save(file, optimize=True)


@contextmanager
def serve(workspace: Path) -> Iterator[str]:
    """The dashboard on a free port, its address; stopped on leaving."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
        cwd=REPOSITORY,
        env=os.environ | {"LONGTAIL_WORKSPACE": str(workspace.absolute()), "LONGTAIL_SERVING__TOUR": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://localhost:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1)
                break
            except (URLError, OSError):
                time.sleep(0.25)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)


if __name__ == "__main__":
    main()
