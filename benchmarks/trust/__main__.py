"""Trust: every figure of it; written to results/trust.json.

    python -m benchmarks.trust [--only roles attackers] [--minutes 30] [--kills 200] [--artefacts 10000] [--dry]

Each part is a module of this package with `measure(arguments)`, whose docstring says what it measures. Without the options
every part takes as long as its figure asks for; with smaller ones they show quickly that they work.
"""

from __future__ import annotations

import argparse

from benchmarks.parts import measure_parts

OPTIONS = {"minutes": float, "kills": int, "artefacts": int, "replicas": int, "payloads": int}


def _add_options(parser: argparse.ArgumentParser) -> None:
    for name, kind in OPTIONS.items():
        parser.add_argument(f"--{name}", type=kind, help="of the parts that know it; as its figure asks unless given")


if __name__ == "__main__":
    measure_parts("trust", __doc__, _add_options)
