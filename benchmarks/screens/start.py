"""From the start of a process to its first page, beside an app of Streamlit's that shows one word: nobody who builds on it starts sooner than that.

The figure is what the process computes until then: a start is one thing after the other, so on a machine at rest it is the time on the clock, and on one
that others use it can still be compared. The clock's times stand beside it, and so do all starts.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.screens.shops import made_workspace
from benchmarks.screens.speed import computed_ms
from benchmarks.streamlit_session import StreamlitSession
from benchmarks.support import ROOT, free_port, serve_app, wait_for

STARTS = 5


def measure(arguments: argparse.Namespace) -> dict[str, tuple[Any, ...]]:
    """Five starts of each, in turn; the quickest counts."""
    products = min(arguments.products)
    workspace = made_workspace(arguments.folder, products)
    ours, empty = [], []
    with tempfile.TemporaryDirectory() as folder:
        word = Path(folder) / "word.py"
        word.write_text("import streamlit as st\n\nst.write('Here')\n", "utf-8")
        for _ in range(STARTS):
            ours.append(_first_page(workspace, ROOT / "app.py"))
            empty.append(_first_page(workspace, word))
    computed, seconds, torch = zip(*ours, strict=True)
    least, clock, _ = zip(*empty, strict=True)
    return {
        "first_page_after_start_s": (
            min(computed),
            "<= 3",
            {"each": computed, "clock_s": seconds, "products": products},
        ),
        "first_page_of_an_empty_app_s": (min(least), "-", {"each": least, "clock_s": clock}),
        "first_page_imports_torch": (int(any(torch)), "0"),
    }


def _first_page(workspace: Path, app: Path) -> tuple[float, float, bool]:
    """Seconds from the start of a process until its first page has run, computed and on the clock; whether torch was loaded."""
    port = free_port()
    began = time.monotonic()
    with serve_app(app, workspace, port, workspace / "dashboard.log") as process:
        wait_for(f"http://localhost:{port}")
        with StreamlitSession(f"http://localhost:{port}") as tab:
            tab.open()
        seconds, server = time.monotonic() - began, psutil.Process(process.pid)
        torch = any("libtorch" in mapped.path for mapped in server.memory_maps())
        return round(computed_ms(server) / 1000, 2), round(seconds, 2), torch
