"""Speed and scale: every figure of them; written to results/scale.json.

    python -m benchmarks.scale [--only PART ...] [--products 10000 100000 1000000] [--folder FOLDER] [--rounds 3] [--seed 0] [--drawn-texts] [--trained] [--workers 2 1] [--dry]

Wherever there is a peer, a figure is a ratio to it in the same run, so that it says the same on any machine. Shops are made by
`benchmarks.scale.shop`, in FOLDER, where they stay for the next run.
"""

from __future__ import annotations

import argparse

from benchmarks.parts import add_shop_options, measure_parts


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_shop_options(parser, "scale", (10_000,))
    parser.add_argument("--rounds", type=int, default=3, help="of figures that are medians")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--drawn-texts", action="store_true", help="of days: texts get drawn vectors and are not read")
    parser.add_argument("--workers", nargs="+", type=int, default=[2, 1], help="of cluster, for shops of --products")
    parser.add_argument("--trained", action="store_true", help="of pages: shops that days trained, not made releases")


if __name__ == "__main__":
    measure_parts("scale", __doc__, _add_options)
