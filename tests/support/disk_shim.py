"""Work done on a disk that fails, or by a process that dies, at a chosen moment: children of a server that has imported everything.

    with ShimServer() as server:
        server.run("publish", root)                        # tests.support.shimmed_work.publish(root), in a child
        server.run("publish", root, fail=7)                # its 7th write, and every later one, meets a full disk
        server.run("publish", root, kill=7)                # kill -9 before its 7th change
        server.run("publish", root, log=log, store=store)  # for `tests.support.power_loss`

The server and its children run with `disk_shim.c`, compiled once, in LD_PRELOAD.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType

__all__ = ["Ended", "ShimServer", "compiled_shim"]

SOURCE = Path(__file__).with_name("disk_shim.c")
PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit status (minus a signal), what it printed to standard error, the changes it made."""

    status: int
    said: str
    changes: int


@cache
def compiled_shim() -> Path:
    """The shared library; a compiler is there wherever Longtail was installed (annoy needs one)."""
    compiler = next((name for name in ("cc", "gcc", "clang", "c++") if shutil.which(name)), "cc")
    folder = Path(tempfile.mkdtemp(prefix="longtail-shim-"))
    target = folder / "disk_shim.so"
    language = ["-x", "c"] if compiler != "c++" else ["-x", "c", "-std=gnu11"]
    subprocess.run(
        [compiler, *language, "-O1", "-shared", "-fPIC", "-o", target, SOURCE, "-ldl", "-lpthread"],
        check=True,
        timeout=60,
    )
    return target


class ShimServer:
    """A process that forks a child for every piece of work; used as a context manager."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.support.shim_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
            env=os.environ | {"LD_PRELOAD": str(compiled_shim()), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )

    def __enter__(self) -> ShimServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server.stdin is not None and self._server.stdout is not None:
            self._server.stdin.close()
            self._server.wait(30)
            self._server.stdout.close()

    def run(
        self,
        work: str,
        root: Path,
        *arguments: object,
        fail: int | None = None,
        number: int = errno.ENOSPC,
        kill: int | None = None,
        kill_after: float | None = None,
        log: Path | None = None,
        store: Path | None = None,
    ) -> Ended:
        """Do a function of `tests.support.shimmed_work` and wait for its end.

        Parameters
        ----------
        fail, number : which change below `root` is the first to fail, and with what `errno`. kill : which one it does not live to make.
        kill_after : seconds after which it is killed.
        log, store : a file and an empty folder for what `tests.support.power_loss` reads.
        """
        shim = {
            "SHIM_ROOT": root,
            "SHIM_FAIL": fail,
            "SHIM_ERRNO": number,
            "SHIM_KILL": kill,
            "SHIM_LOG": log,
            "SHIM_STORE": store,
        }
        order = {
            "work": work,
            "arguments": [str(root), *map(str, arguments)],
            "shim": {name: str(value) for name, value in shim.items() if value is not None},
            "kill_after": kill_after,
        }
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        return Ended(**json.loads(self._server.stdout.readline()))
