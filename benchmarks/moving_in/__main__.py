"""A real shop moves in: every figure of it; written to results/moving_in.json.

    python -m benchmarks.moving_in [--only cases numbers_and_times] [--rows 10000000] [--dry]

Each part is a module of this package with `measure(arguments)`, whose docstring says what it measures.
"""

from __future__ import annotations

import argparse

from benchmarks.parts import measure_parts

ROWS = 10_000_000


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=ROWS, help="events in the parts that measure size and time")


if __name__ == "__main__":
    measure_parts("moving_in", __doc__, _add_options)
