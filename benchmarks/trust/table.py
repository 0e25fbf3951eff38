"""The attack that began this: every row of its table is repeated by tests, and refused.

Each row names the tests that repeat it; a row counts as refused if all of them pass.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.trust import Figures

__all__ = ["ROWS", "measure"]

ROOT = Path(__file__).resolve().parents[2]
ROWS: dict[str, tuple[str, ...]] = {
    "a small file that becomes a large one, on the Data page": ("tests/engine/ingest/test_preview.py",),
    "foreign names and frames": ("tests/ui/app/test_access.py",),
    "passwords on pages and in answers": ("tests/engine/core/test_redaction.py", "tests/ui/app/test_guard.py"),
    "one decision that fails everybody's": (
        "tests/ui/review/test_hostile_requests.py",
        "tests/engine/store/test_write_queue.py",
    ),
    "all cards leased by one person": ("tests/engine/curation/test_queue.py", "tests/ui/review/test_address_leases.py"),
    "Markdown of strangers": ("tests/test_strangers_text.py", "tests/browser/test_strangers_text.py"),
    "release files cut or overwritten while served": (
        "tests/engine/core/test_private_copies.py",
        "tests/engine/recommend/test_current_release.py",
    ),
    "uploads without bound": ("tests/ui/app/fair_shares/test_uploads.py",),
    "folders of killed loads": ("tests/engine/ingest/test_killed.py",),
    "no roles, no record": ("tests/engine/access", "tests/ui/app/test_gate.py", "tests/benchmarks/trust/test_roles.py"),
    "a clock that is set": (
        "tests/engine/curation/test_queue.py",
        "tests/engine/edits/drafts/test_store.py",
        "tests/engine/jobs/test_lease.py",
    ),
    "tracebacks for disks and settings": ("tests/engine/reliability", "tests/engine/core/test_settings.py"),
    "forged archives in a release": ("tests/engine/release/test_forged.py",),
    "deep JSON and long numbers": ("tests/ui/review/test_service.py", "tests/engine/core/test_reading.py"),
    "an empty key that signs": ("tests/ui/review/test_tokens.py",),
    "metrics for everybody": ("tests/ui/app/test_access.py", "tests/ui/app/operations/test_metrics.py"),
    "a locked database": ("tests/engine/store/test_waiting.py",),
    "connections that say nothing": ("tests/ui/app/fair_shares/test_connections.py",),
}


def measure(_arguments: argparse.Namespace) -> Figures:
    """Run the tests of every row."""
    failed = [row for row, tests in ROWS.items() if not _passes(tests)]
    return {"table_rows_refused": (len(ROWS) - len(failed), f"== {len(ROWS)}", {"not refused": failed})}


def _passes(tests: tuple[str, ...]) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    return subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL).returncode == 0
