"""How many files a change touches, counted on a real commit: small patches that are applied, committed and proved to work.

house_changes/NAME.patch is the change, house_changes/NAME.py the proof, run in a clone of this repository with the change
in it: it ends with an error where the change does not work. Counted are the files of code; tests and documents are not.
A patch that no longer applies is made anew: make the change in a clone and write `git diff` into the file.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.support import ROOT, run_child

__all__ = ["CHANGES", "files_touched"]

# The change -> the most files it may touch.
CHANGES = {
    "event_weight": 1,
    "encoder": 3,
    "channel": 2,
    "page": 2,
    "command": 3,
    "judgement_reason": 1,
    "export_format": 1,
    "dialect_query": 1,
}
PATCHES = ROOT / "benchmarks" / "house_changes"
NOT_CODE = ("tests/", "docs/", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")


def files_touched(names: list[str]) -> dict[str, dict[str, Any]]:
    """Figures of the results file for these changes; `RuntimeError` where one does not apply or does not work."""
    return {f"files_to_touch_{name}": _counted(name) for name in names}


def _counted(name: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="longtail-change-") as folder:
        clone = Path(folder) / "longtail"
        _git(ROOT, "clone", "--quiet", "--shared", str(ROOT), str(clone))
        _git(clone, "apply", "--index", str(PATCHES / f"{name}.patch"))
        _git(clone, "-c", "user.name=Longtail", "-c", "user.email=longtail@localhost", "commit", "--quiet", "-m", name)
        run_child([sys.executable, "-m", f"benchmarks.house_changes.{name}"], folder=clone)
        rows = [line.split("\t") for line in _git(clone, "diff", "--numstat", "HEAD~1").splitlines()]
    touched = {file: int(added) + int(removed) for added, removed, file in rows if not file.startswith(NOT_CODE)}
    return {
        "value": len(touched),
        "target": f"<= {CHANGES[name]}",
        "met": len(touched) <= CHANGES[name],
        "command": f"python -m benchmarks.house --changes {name}",
        "files": sorted(touched),
        "lines": sum(touched.values()),
    }


def _git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"git {' '.join(arguments)} failed in {repository}:\n{done.stderr}")
    return done.stdout
