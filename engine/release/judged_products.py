"""The judged products that a release learned from: nothing that is said of them may score it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

__all__ = ["JUDGED_FILE", "products_trained_on"]

JUDGED_FILE = "judgements.parquet"


def products_trained_on(directory: Path) -> frozenset[str]:
    """Ids of the products whose judgements the release in `directory` learned from; none where it is gone."""
    file = directory / JUDGED_FILE
    if not file.is_file():
        return frozenset()
    table = pd.read_parquet(file, columns=["anchor_id", "teaches"])
    return frozenset(table.loc[table["teaches"].astype(bool), "anchor_id"].astype(str))
