"""Clocks that were set."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from types import ModuleType

import pytest

__all__ = ["set_clock"]


def set_clock(monkeypatch: pytest.MonkeyPatch, module: ModuleType, days: float) -> None:
    """Set the clock that a module reads forward by so many days, or back."""

    class Set(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(days=days)

    monkeypatch.setattr(module, "datetime", Set)
