"""The new command answers."""

import subprocess
import sys

done = subprocess.run([sys.executable, "-m", "engine", "greet"], capture_output=True, text=True, check=True)
assert "Hello, world." in done.stdout + done.stderr
