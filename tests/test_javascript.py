"""The scripts of assets/ have tests of their own, which node runs: what the browser keeps, sends and sends again."""

from __future__ import annotations

import shutil
import subprocess

from tests.conftest import REPOSITORY, skip_or_fail


def test_the_scripts_keep_what_they_promise():
    node = shutil.which("node") or shutil.which("nodejs")
    if node is None:
        skip_or_fail("no node to run the scripts with; install the nodejs package")
    files = sorted(map(str, (REPOSITORY / "tests" / "js").glob("*.test.mjs")))
    assert files
    done = subprocess.run([node, "--test", *files], cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
