"""A picture that came through the browser: decoded and stored by a child process with little memory and time.

A decoder that a crafted file crashes or blows up takes the child down, not the dashboard.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

from engine.errors import ImageError
from engine.settings import child_environment
from engine.shop.images import MAX_BYTES, store_image
from engine.workspace import Workspace

__all__ = ["store_upload"]

MEMORY_BYTES = 2 * 1024**3
CPU_SECONDS = 20
_ROOT = Path(__file__).resolve().parents[2]


def store_upload(workspace: Workspace, data: bytes, *, name: str) -> str:
    """`store_image` in a child process: the content hash, or `ImageError` saying what is wrong with the file."""
    if len(data) > MAX_BYTES:
        raise ImageError(f"more than {MAX_BYTES / 1e6:.0f} MB is too large. Save it smaller.", file=name)
    try:
        child = subprocess.run(
            [sys.executable, "-m", "engine.shop.uploads", str(workspace.root.absolute())],
            input=data,
            capture_output=True,
            cwd=_ROOT,
            # One thread: every further one reserves address space, which is limited.
            env=child_environment(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1"),
            timeout=3 * CPU_SECONDS,
        )
    except subprocess.TimeoutExpired as exc:
        raise ImageError("decoding the picture took too long. Export it again.", file=name) from exc
    try:
        answer = json.loads(child.stdout.decode("utf-8").splitlines()[-1])
    except (ValueError, IndexError) as exc:
        raise ImageError("the picture cannot be decoded within bounds. Export it again, smaller.", file=name) from exc
    if "image" not in answer:
        raise ImageError(answer["error"], file=name)
    return str(answer["image"])


def _child(root: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = {"image": store_image(Workspace(root), sys.stdin.buffer.read(), name="the picture")}
    except ImageError as exc:
        answer = {"error": exc.message}
    print(json.dumps(answer))


if __name__ == "__main__":
    _child(Path(sys.argv[1]))
