"""The judged products that a release learned from: nothing that is said of them may score it."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from engine.core.errors import ReleaseError
from engine.release.files import ReleaseFiles, making_sense_of
from engine.release.manifest import read_manifest

__all__ = ["judged_products", "products_trained_on"]

JUDGED_FILE = "judgements.parquet"

logger = logging.getLogger(__name__)


def judged_products(files: ReleaseFiles) -> frozenset[str]:
    """Ids of the products whose judgements a release learned from; `ReleaseError` where nobody can read them."""
    if JUDGED_FILE not in files:
        return frozenset()
    table = files.table(JUDGED_FILE, ["anchor_id", "teaches"])
    with making_sense_of(JUDGED_FILE):
        pairs: pd.DataFrame = table.to_pandas()
        return frozenset(pairs.loc[pairs["teaches"].astype(bool), "anchor_id"].astype(str))


def products_trained_on(directory: Path) -> frozenset[str]:
    """`judged_products` of the release in `directory`; none where it is gone or damaged, since it serves nobody then."""
    if not directory.is_dir():
        return frozenset()
    try:
        return judged_products(ReleaseFiles(directory, read_manifest(directory)))
    except ReleaseError:
        logger.warning("nobody can say which judgements taught %s", directory.name, exc_info=True)
        return frozenset()
