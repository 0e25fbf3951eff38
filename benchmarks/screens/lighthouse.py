"""Lighthouse's accessibility score of the pages that people open most; the lowest of them, and what each page loses. axe-core looks at every page.

Lighthouse comes from npm and is part of nothing but this measurement: `npm install --prefix FOLDER lighthouse`, and FOLDER/node_modules/.bin on the PATH.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.screens.shops import SMALL, addresses, dashboard, made_workspace
from benchmarks.support import BROWSER_ARGUMENTS, chromium

PAGES = ("today", "similar_items", "product", "compare", "review")
PATIENCE_SECONDS, LOAD_MS = 300, 120_000


def measure(arguments: argparse.Namespace) -> dict[str, tuple[Any, ...]]:
    """Ask Lighthouse about each, in a window of a desk."""
    command = shutil.which("lighthouse")
    if command is None:
        raise FileNotFoundError(f"There is no lighthouse. {(__doc__ or '').splitlines()[2]}")
    workspace = made_workspace(arguments.folder, SMALL)
    scores: dict[str, int] = {}
    lost: dict[str, list[str]] = {}
    with dashboard(workspace) as address:
        paths = addresses(workspace)
        for name in PAGES:
            scores[name], lost[name] = _asked(command, f"{address}/{paths[name]}")
            print(f"   {name:16} {scores[name]:3} {lost[name]}", flush=True)
    return {
        "lighthouse_accessibility": (
            min(scores.values()), ">= 95", {"pages": scores, "lost": {name: rules for name, rules in lost.items() if rules}},
        )
    }  # fmt: skip


def _asked(command: str, url: str) -> tuple[int, list[str]]:
    """The score of a page, 0 to 100, and the rules that it breaks."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        subprocess.run(
            [
                command, url, "--only-categories=accessibility", "--output=json", f"--output-path={report}", "--quiet",
                f"--chrome-flags=--headless=new {' '.join(BROWSER_ARGUMENTS)}", f"--max-wait-for-load={LOAD_MS}",
                "--throttling-method=provided", "--form-factor=desktop", "--screenEmulation.disabled",
            ],
            env=os.environ | {"CHROME_PATH": chromium()}, check=True, timeout=PATIENCE_SECONDS,
        )  # fmt: skip
        said = json.loads(report.read_text("utf-8"))
    broken = [
        rule for rule, audit in said["audits"].items() if audit["score"] == 0 and audit["scoreDisplayMode"] == "binary"
    ]
    return round(100 * said["categories"]["accessibility"]["score"]), broken
