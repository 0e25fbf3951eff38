"""Who gets in, what is never lost, and what one person can spoil: the parts of `python -m benchmarks.trust`."""

from __future__ import annotations

from typing import Any

__all__ = ["Figures"]

Figures = dict[str, tuple[float, str] | tuple[float, str, dict[str, Any]]]
"""Name -> value, target ("-" where the figure is for information), and what else stands beside it."""
