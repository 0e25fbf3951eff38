"""The server behind `tests.support.disk_shim`: an order a line on standard input, how its child ended a line on standard output."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.support import shimmed_work

__all__: list[str] = []


def main() -> None:
    """Serve until standard input ends."""
    shim = ctypes.CDLL(None)
    for line in sys.stdin:
        print(json.dumps(_done(json.loads(line), shim)), flush=True)


def _done(order: dict[str, Any], shim: Any) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="longtail-shim-") as folder:
        said, count = Path(folder) / "said", Path(folder) / "count"
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            _work(order, shim, said, count)
        timer = (
            threading.Timer(order["kill_after"], os.killpg, (child, signal.SIGKILL)) if order["kill_after"] else None
        )
        if timer is not None:
            timer.start()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if timer is not None:
            timer.cancel()
        if status < 0:
            _end_group(child)
        changes = int(count.read_text()) if count.exists() else 0
        return {"status": status, "said": said.read_text("utf-8", "replace"), "changes": changes}


def _end_group(group: int) -> None:
    """What the child had started dies with it."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _work(order: dict[str, Any], shim: Any, said: Path, count: Path) -> None:
    """Never returns."""
    status = 1
    try:
        output = os.open(said, os.O_WRONLY | os.O_CREAT)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.environ.update(order["shim"], SHIM_COUNT=str(count))
        shim.shim_begin()
        status = getattr(shimmed_work, order["work"])(*order["arguments"]) or 0
        shim.shim_end()
    except BaseException as exc:
        shim.shim_end()
        shimmed_work.tell(exc)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
