"""The table of speed and scale, figure by figure, each at the size that is asked for: hours; written to results/scale.json.

    python -m benchmarks.scale.table [--largest 100000] [--from PART] [--folder FOLDER] [--list]

Each line of `TABLE` is measured in a process of its own, in this order, because a million products leave no memory to others. A line that fails is told at the
end, and the others are measured all the same; `--from` goes on where somebody stopped. A million products want 24 GiB of memory and some 70 GB of disk.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.support import ROOT

__all__ = ["TABLE", "largest"]

TABLE = (
    "ingest --products 20000 200000",
    "encoding",
    "pictures --rounds 5",
    "als --products 200000 --rounds 1",
    "directions",
    "landmarks",
    "staying",
    "niches",
    "sizes",
    "cluster_stages",
    "card --products 30000",
    "training --products 3000 10000 --rounds 2",
    "lists --products 100000",
    "lookup --products 100000",
    "unseen --products 100000",
    "opening --products 100000",
    "pages --products 100000",
    "profiles --products 60000",
    "days --products 100000 --rounds 1 --drawn-texts",
    "cluster --products 100000 --drawn-texts",
    "lookup --products 1000000 --rounds 2",
    "unseen --products 1000000 --rounds 2",
    "opening --products 1000000 --rounds 1",
    "pages --products 1000000 --rounds 1",
    "days --products 1000000 --rounds 1 --drawn-texts",
    "joined --products 1000000 --rounds 1 --drawn-texts",
    "pages --products 1000000 --rounds 1 --drawn-texts --trained",
    "training_growth",
    "costs",
)
"""Parts with their options, in an order in which each finds what it needs of those before."""
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""As trainings set them for themselves: peers and ours then have equally many."""


def largest(line: str) -> int:
    """The largest shop that a line measures; 0 where its part has sizes of its own."""
    return max((int(word) for word in line.split() if word.isdigit()), default=0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for; the number of lines that failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=1_000_000, help="leave out larger shops")
    parser.add_argument("--from", dest="first", choices=sorted({line.split()[0] for line in TABLE}), metavar="PART")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "longtail-scale")
    parser.add_argument("--list", action="store_true", help="print the commands, and measure nothing")
    given = parser.parse_args(arguments)
    parts = [line.split()[0] for line in TABLE]
    lines = [line for line in TABLE[parts.index(given.first or parts[0]) :] if largest(line) <= given.largest]
    failed = []
    for line in lines:
        print(f"python -m benchmarks.scale --only {line}", flush=True)
        if given.list:
            continue
        began = time.monotonic()
        command = [sys.executable, "-m", "benchmarks.scale", "--folder", str(given.folder), "--only", *line.split()]
        if subprocess.run(command, cwd=ROOT, env=os.environ | ONE_THREAD, check=False).returncode:
            failed.append(line)
        print(f"... {(time.monotonic() - began) / 60:.1f} minutes\n", flush=True)
    for line in failed:
        print(f"Not measured, see above: {line}", file=sys.stderr)
    return len(failed)


if __name__ == "__main__":
    sys.exit(min(main(), 1))
