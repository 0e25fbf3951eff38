"""Screens: every figure of them; written to results/screens.json.

    python -m benchmarks.screens [--only PART ...] [--folder FOLDER] [--products 10000 100000] [--dry]

Shops are made by `benchmarks.made_release`, in FOLDER, where they stay for the next run.
"""

from __future__ import annotations

from benchmarks.parts import add_shop_options, measure_parts

if __name__ == "__main__":
    measure_parts("screens", __doc__, lambda parser: add_shop_options(parser, "screens", (10_000, 100_000)))
