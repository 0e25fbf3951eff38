"""`python -m engine`: the command line. Commands are read in `engine.cli.arguments` and done beside it."""

from __future__ import annotations

import os
import sys

# Read when NumPy and torch are first imported, here and in child processes. A training raises torch's number to the cores
# that are free (`engine.models.threads`).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from engine.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
