"""A digest of what a computation is made from: equal digests mean equal inputs, bit by bit, read by the same code."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from pydantic import BaseModel
from scipy import sparse
from typing_extensions import Buffer

from engine.core.graphics_card import graphics_card

__all__ = ["digest_of"]

_PACKAGES = ("annoy", "implicit", "numpy", "openTSNE", "scikit-learn", "scipy", "torch")
"""Another version of these may compute something else from the same numbers."""


class _Hash(Protocol):
    def update(self, data: Buffer, /) -> None: ...


def digest_of(*values: Any) -> str:
    """Hex SHA-256 of values, and of this version of Longtail and of what it computes with: libraries, and a graphics card where it uses one.

    Values are arrays, sparse matrices by rows, settings, dataclasses, mappings (their order counts), sequences, and what JSON knows.
    Raises `TypeError` for anything else.
    """
    hashed = hashlib.sha256(f"{_code()} {graphics_card()}".encode())
    _add(hashed, list(values))
    return hashed.hexdigest()


def _add(hashed: _Hash, value: Any) -> None:
    if isinstance(value, sparse.csr_matrix):
        _add(hashed, [value.shape, value.indptr.astype(np.int64), value.indices.astype(np.int64), value.data])
    elif isinstance(value, np.ndarray) and value.dtype != object:
        hashed.update(f"{value.dtype.str}{value.shape}".encode())
        hashed.update(np.ascontiguousarray(value).data if value.size else b"")
    elif isinstance(value, BaseModel):
        hashed.update(value.model_dump_json().encode())
    elif dataclasses.is_dataclass(value):
        _add(hashed, {one.name: getattr(value, one.name) for one in dataclasses.fields(value)})
    elif isinstance(value, Mapping):
        _add(hashed, [part for pair in value.items() for part in pair])
    elif isinstance(value, str | bool | int | float | None):
        hashed.update(json.dumps(value).encode() + b"\0")
    elif isinstance(value, Sequence | np.ndarray):
        hashed.update(f"[{len(value)}".encode())
        for part in value:
            _add(hashed, part)
    else:
        raise TypeError(f"There is no digest of {type(value).__name__}.")


@cache
def _code() -> str:
    """Of the source of the engine, and the versions of the packages that results depend on."""
    engine = Path(__file__).parent.parent
    hashed = hashlib.sha256()
    for file in sorted(engine.rglob("*.py")):
        hashed.update(file.relative_to(engine).as_posix().encode() + b"\0" + file.read_bytes())
    for package in _PACKAGES:
        try:
            hashed.update(f"{package} {version(package)}\n".encode())
        except PackageNotFoundError:
            continue
    return hashed.hexdigest()
