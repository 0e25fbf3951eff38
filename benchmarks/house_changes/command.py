"""The new command answers."""

import subprocess
import sys
import tempfile
from pathlib import Path

from engine.core.workspace import Workspace
from tests.support.tiny_release import build_tiny_shop

with tempfile.TemporaryDirectory() as folder:
    build_tiny_shop(Workspace(Path(folder)))
    command = [sys.executable, "-m", "engine", "--workspace", folder, "brands"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "House 0" in said, said
