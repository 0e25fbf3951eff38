"""The engine as one archive that Python imports from: what a worker runs is what the driver runs."""

from __future__ import annotations

import zipfile
from pathlib import Path

import engine

__all__ = ["write_engine"]


def write_engine(target: Path) -> Path:
    """Write every module of the engine, and the tables that lie beside them, to a zip file; its path."""
    home = Path(engine.__file__).parent
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(home.rglob("*")):
            if file.suffix in (".py", ".toml"):
                archive.write(file, Path("engine") / file.relative_to(home))
    return target
