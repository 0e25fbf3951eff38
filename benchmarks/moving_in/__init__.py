"""How a shop's own files are read, and how long moving in takes: the parts of `python -m benchmarks.moving_in`."""

from __future__ import annotations

from typing import Any

__all__ = ["Figures"]

Figures = dict[str, tuple[float, str] | tuple[float, str, dict[str, Any]]]
"""Name -> value, target ("-" where the figure is for information), and what else stands beside it."""
