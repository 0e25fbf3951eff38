"""What the benchmark scripts share: results files, timed children with their peak memory, a dashboard and a browser."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.write_docs import RESULTS, ROOT, write_docs
from engine.core.storage import atomic_write_json

__all__ = [
    "BROWSER_ARGUMENTS",
    "RESULTS",
    "ROOT",
    "Child",
    "chromium",
    "copy_workspace",
    "engine",
    "free_port",
    "launch_browser",
    "launch_browser_async",
    "merge_results",
    "run_child",
    "serve_app",
    "serve_dashboard",
    "shared_data",
    "tree_bytes",
    "wait_for",
]

SECONDS_BETWEEN_LOOKS = 0.1
LOOKS_TAKE = (
    50  # a pause is so many times as long: the process waits while it is looked at, the longer the more it holds
)
# No sandbox in a container, and nothing that talks to the network by itself.
BROWSER_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@dataclass(frozen=True)
class Child:
    """A finished command: seconds on the clock, and the largest memory that it and its children held together."""

    seconds: float
    peak_bytes: int
    output: str

    @property
    def peak_gib(self) -> float:
        return self.peak_bytes / 2**30


def merge_results(name: str, figures: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write figures into results/<name>.json beside those measured before, and into the docs; returns the file."""
    file = RESULTS / f"{name}.json"
    before = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    atomic_write_json(file, before | {key: dict(value) for key, value in figures.items()})
    write_docs()
    return file


def run_child(command: Sequence[str | Path], *, timeout: float = 1800.0, folder: Path = ROOT) -> Child:
    """Run a command in the repository, or another folder, to its end; `RuntimeError` with the end of its output if it fails."""
    began = time.monotonic()
    process = subprocess.Popen(
        [str(part) for part in command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout or ()), daemon=True)
    reader.start()
    peak = 0
    while process.poll() is None:
        looked = time.monotonic()
        peak = max(peak, tree_bytes(process.pid))
        if time.monotonic() - began > timeout:
            process.kill()
        time.sleep(max(SECONDS_BETWEEN_LOOKS, LOOKS_TAKE * (time.monotonic() - looked)))
    reader.join(timeout=5)
    output = "".join(lines)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{output[-2000:]}")
    return Child(time.monotonic() - began, peak, output)


def tree_bytes(pid: int) -> int:
    """Memory of a process and all its descendants; pages they share are counted once where the system tells (PSS)."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with suppress(psutil.Error):
                memory = process.memory_full_info()
                total += getattr(memory, "pss", 0) or memory.rss
    return total


def engine(workspace: Path, *arguments: str | Path) -> list[str | Path]:
    """The command line of `python -m engine` for a workspace."""
    return [sys.executable, "-m", "engine", "--workspace", workspace, *arguments]


def shared_data() -> Path:
    """The folder of real data sets; `FileNotFoundError` saying how to name it where it is not."""
    folder = Path(os.environ.get("LONGTAIL_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        raise FileNotFoundError(f"Real data is not at {folder}. Set LONGTAIL_SHARED_DATA.")
    return folder


def free_port() -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def copy_workspace(workspace: Path, copy: Path, *, without: Sequence[str] = ()) -> Path:
    """The workspace as it stands, for a script that writes into it; `without` these top-level names, and without runs."""
    if not (workspace / "shop" / "current").is_file():
        raise FileNotFoundError(f"There is no shop in {workspace}. Build one with `python -m engine demo --train`.")
    left_out = {"runs", *without}
    return Path(
        shutil.copytree(workspace, copy, ignore=lambda folder, _names: left_out if Path(folder) == workspace else set())
    )


@contextmanager
def serve_dashboard(
    workspace: Path, port: int, log: Path, *, own_group: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """The dashboard as `make run` starts it, until the block ends; in a process group of its own where it is to be killed."""
    with serve_app(ROOT / "app.py", workspace, port, log, own_group=own_group) as process:
        yield process


@contextmanager
def serve_app(
    app: Path, workspace: Path, port: int, log: Path, *, own_group: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """Any Streamlit app in the dashboard's place."""
    variables = {**os.environ, "LONGTAIL_WORKSPACE": str(workspace), "OPENBLAS_NUM_THREADS": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(app), "--server.port", str(port)],
            cwd=ROOT,
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=own_group,
        )
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        if process.poll() is None:
            process.kill()


def wait_for(address: str) -> None:
    """Until the dashboard answers, a minute at most; the browser's own patience does the rest."""
    for _ in range(300):
        with suppress(OSError):
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1)
            return
        time.sleep(0.2)


@contextmanager
def launch_browser() -> Iterator[Any]:
    """A headless Chromium (playwright's `Browser`); the system's own, since none is downloaded."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(BROWSER_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@asynccontextmanager
async def launch_browser_async() -> AsyncIterator[Any]:
    """`launch_browser` for scripts in which several people use the dashboard at once."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=list(BROWSER_ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()


def chromium() -> str:
    """The machine's own Chromium; `FileNotFoundError` where there is none."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        raise FileNotFoundError("There is no Chromium. Install it, e.g. `apt-get install chromium`.")
    return executable
