"""`python -m engine`: the command line. Commands are read in `engine.cli.arguments` and done beside it."""

from __future__ import annotations

import os
import sys

# Read when NumPy is first imported: implicit crawls when BLAS spawns threads under its own.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from engine.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
