"""Speed and scale: every figure of them; written to results/scale.json.

    python -m benchmarks.scale [--only PART ...] [--products 10000 100000 1000000] [--folder FOLDER] [--rounds 3] [--seed 0] [--dry]

Wherever there is a peer, a figure is a ratio to it in the same run, so that it says the same on any machine. Shops are made by
`benchmarks.scale.shop`, in FOLDER, where they stay for the next run.
"""

from __future__ import annotations

from benchmarks.parts import measure_parts

if __name__ == "__main__":
    measure_parts("scale", __doc__, (10_000,))
