"""Screens: every figure of them; written to results/screens.json.

    python -m benchmarks.screens [--only PART ...] [--folder FOLDER] [--products 10000 100000] [--pictures FOLDER] [--dry]

Shops are made by `benchmarks.made_release`, in FOLDER, where they stay for the next run.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.parts import add_shop_options, measure_parts


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_shop_options(parser, "screens", (10_000, 100_000))
    parser.add_argument("--pictures", type=Path, help="where parts that look at pages keep pictures of them")


if __name__ == "__main__":
    measure_parts("screens", __doc__, _add_options)
