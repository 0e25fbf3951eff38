"""The audit as a table, for files and for pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import pandas as pd

from engine.access.audit import AuditEntry

__all__ = ["audit_table"]


def audit_table(entries: Sequence[AuditEntry]) -> pd.DataFrame:
    """One row an entry, in their order: the columns of `AuditEntry`; `before` and `after` as JSON texts, empty where there is nothing."""
    names = [field.name for field in fields(AuditEntry)]
    rows = [[_cell(name, getattr(entry, name)) for name in names] for entry in entries]
    return pd.DataFrame.from_records(rows, columns=names)


def _cell(name: str, value: Any) -> Any:
    if name not in ("before", "after"):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)
