"""Ways to hold a release of 100,000 products in memory: what each costs, and whether truncating its files ends the process.

    python -m benchmarks.trust --only mapped_files

mapped        np.load(mmap_mode="r"), Annoy on the file: what a truncated file ends
read          np.load into memory of the process's own; Annoy has to have a file
unlinked      a copy on the disk that has no name any more, mapped
private_copy  memory that the kernel seals (`engine.core.private_copies`): what Longtail does; the second process and the third
              take part in what the first one copied

Copies are checked against SHA-256 while they are made; the mapped form is checked before, as it was.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from annoy import AnnoyIndex

from benchmarks.trust import Figures
from engine.core.private_copies import PrivateCopy, private_copy
from engine.core.storage import file_sha256

N_ITEMS, TREES, QUERIES = 100_000, 10, 300
WIDTHS = {"als": 64, "hybrid": 128, "content": 256, "profiles": 64}
FORMS = ("mapped", "read", "unlinked", "private_copy")
Opened = tuple[dict[str, np.ndarray], AnnoyIndex, list[Any]]


def measure(arguments: argparse.Namespace) -> Figures:
    """Open seconds, MB, and milliseconds a query of every form, with one process and with three; and who survives."""
    with tempfile.TemporaryDirectory(prefix="longtail-mapped-") as name:
        folder = Path(name)
        _write(folder)
        forms = {form: _measured(form, folder) for form in FORMS}
    ours, mapped = forms["private_copy"], forms["mapped"]
    return {
        "mapped_files_open_seconds": (ours["open_s"], "-", {"forms": forms}),
        "mapped_files_open_seconds_second_process": (ours["open_s_third"], "<= 1"),
        "mapped_files_private_mb_second_process": (ours["private_mb_third"], "-"),
        "mapped_files_query_times_mapped": (round(ours["query_ms"] / mapped["query_ms"], 2), "<= 1.1"),
        "mapped_files_survive_truncation": (float(ours["survives"]), "1"),
    }


def _write(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for name, width in WIDTHS.items():
        np.save(folder / f"{name}.npy", rng.normal(size=(N_ITEMS, width)).astype(np.float32))
    index = AnnoyIndex(WIDTHS["als"], "angular")
    index.set_seed(1)
    for row, vector in enumerate(np.load(folder / "als.npy")):
        index.add_item(row, vector.tolist())
    index.build(TREES, n_jobs=1)
    index.save(str(folder / "als.ann"))
    digests = {file.name: file_sha256(file) for file in folder.iterdir()}
    (folder / "digests.json").write_text(json.dumps(digests))


def _measured(form: str, folder: Path) -> dict[str, Any]:
    alone = _Child(form, folder)
    two_more = [_Child(form, folder) for _ in range(2)]
    facts = {f"{name}_of_three": value for name, value in alone.ask("memory").items()}
    third = two_more[-1]
    facts |= {"open_s_third": third.facts["open_s"], "private_mb_third": third.ask("memory")["private_mb"]}
    for child in two_more:
        child.end()
    backup = {file.name: file.read_bytes() for file in folder.iterdir()}
    for file in folder.glob("*.n*"):
        os.truncate(file, 0)
    os.truncate(folder / "als.ann", 0)
    survives = alone.answers()
    for name, content in backup.items():
        (folder / name).write_bytes(content)
    return {**alone.facts, **facts, "survives": survives}


class _Child:
    """A process that holds the release in one form, and says what that takes."""

    def __init__(self, form: str, folder: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.trust.mapped_files", form, str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.facts = self._line()

    def ask(self, what: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        return self._line()

    def answers(self) -> bool:
        """Whether it still answers queries; it ends."""
        try:
            self.ask("queries")
        except (BrokenPipeError, json.JSONDecodeError):
            self._process.wait()
            return False
        self.end()
        return True

    def end(self) -> None:
        self._process.communicate()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        return dict(json.loads(self._process.stdout.readline()))


def _serve(form: str, folder: Path) -> None:
    before = _memory()
    began = time.perf_counter()
    vectors, index, _held = OPENERS[form](folder, json.loads((folder / "digests.json").read_text()))
    seconds = time.perf_counter() - began
    facts = {"open_s": round(seconds, 3), "query_ms": _queries(vectors, index), **_more_than(before)}
    print(json.dumps(facts), flush=True)
    for line in sys.stdin:
        answer = _more_than(before) if line.strip() == "memory" else {"query_ms": _queries(vectors, index)}
        print(json.dumps(answer), flush=True)


def _queries(vectors: dict[str, np.ndarray], index: AnnoyIndex) -> float:
    """Milliseconds of one query: what Annoy finds, put in order by exact cosines of every kind of vector; all pages are read."""
    for array in vectors.values():
        array.sum()
    rng = np.random.default_rng(2)
    began = time.perf_counter()
    for row in rng.integers(0, N_ITEMS, QUERIES):
        found = np.array(index.get_nns_by_vector(vectors["als"][row].tolist(), 200, 4000))
        for array in vectors.values():
            np.argsort(-(np.asarray(array[found]) @ np.asarray(array[row])))
    return round((time.perf_counter() - began) / QUERIES * 1000, 3)


def _memory() -> dict[str, float]:
    """Of this process in MB: its own, what it maps at all, and its share of what processes map together."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    private = kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]
    return {"private_mb": private / 1024, "rss_mb": kilobytes["Rss"] / 1024, "pss_mb": kilobytes["Pss"] / 1024}


def _more_than(before: dict[str, float]) -> dict[str, float]:
    return {name: round(value - before[name], 1) for name, value in _memory().items()}


def _open_mapped(folder: Path, digests: dict[str, str]) -> Opened:
    for name, digest in digests.items():
        assert file_sha256(folder / name) == digest
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in WIDTHS}
    return arrays, _index(folder / "als.ann"), []


def _open_read(folder: Path, digests: dict[str, str]) -> Opened:
    for name, digest in digests.items():
        assert file_sha256(folder / name) == digest
    return {name: np.load(folder / f"{name}.npy") for name in WIDTHS}, _index(folder / "als.ann"), []


def _open_unlinked(folder: Path, digests: dict[str, str]) -> Opened:
    """Each file copied to another one in the same folder, which loses its name at once."""
    held, paths = [], {}
    for name, wanted in digests.items():
        handle = os.open(folder, os.O_TMPFILE | os.O_RDWR)
        digest = hashlib.sha256()
        with (folder / name).open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
                os.write(handle, block)
        assert digest.hexdigest() == wanted
        held.append(handle)
        paths[name] = Path(f"/proc/self/fd/{handle}")
    arrays = {name: np.load(paths[f"{name}.npy"], mmap_mode="r") for name in WIDTHS}
    return arrays, _index(paths["als.ann"]), held


def _open_private_copy(folder: Path, digests: dict[str, str]) -> Opened:
    copies: dict[str, PrivateCopy] = {}
    for name, digest in digests.items():
        copies[name] = private_copy(folder / name, (folder / name).stat().st_size, digest)
        copies[name].offer()
    arrays = {name: np.load(copies[f"{name}.npy"].path, mmap_mode="r") for name in WIDTHS}
    return arrays, _index(copies["als.ann"].path), list(copies.values())


def _index(path: Path) -> AnnoyIndex:
    index = AnnoyIndex(WIDTHS["als"], "angular")
    index.load(str(path))
    return index


OPENERS: dict[str, Callable[[Path, dict[str, str]], Opened]] = {
    "mapped": _open_mapped, "read": _open_read, "unlinked": _open_unlinked, "private_copy": _open_private_copy,
}  # fmt: skip


if __name__ == "__main__":
    _serve(sys.argv[1], Path(sys.argv[2]))
