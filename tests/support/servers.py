"""The dashboard as it is really served, `streamlit run app.py`, on a port of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 120


@dataclass(frozen=True)
class Server:
    """A dashboard that answers. `log` is what it wrote to stdout and stderr."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        """What it wrote so far."""
        return self.log.read_text("utf-8", "replace")


@contextmanager
def serving(workspace: Path, log: Path, **environment: str) -> Iterator[Server]:
    """A dashboard on this workspace, once it lives; it is killed when the block ends.

    Parameters
    ----------
    log : the file that gets its output.
    environment : variables it has beside this process's own.
    """
    server = start(workspace, log, **environment)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _lives(server.url):
            assert server.process.poll() is None, server.said()[-3000:]
            assert time.monotonic() < deadline, server.said()[-3000:]
            time.sleep(0.05)
        yield server
    finally:
        server.process.kill()
        server.process.wait()


def start(workspace: Path, log: Path, **environment: str) -> Server:
    """The same without waiting for anything; the caller ends it."""
    port = _free_port()
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
            cwd=ROOT,
            env={**os.environ, "LONGTAIL_WORKSPACE": str(workspace), "OPENBLAS_NUM_THREADS": "1", **environment},
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    return Server(f"http://127.0.0.1:{port}", process, log)


def _lives(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/live", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])
