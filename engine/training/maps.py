"""The maps of a release: where products lie by behaviour and by Longtail, so that a product is found again in both and in the next release."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from engine.arms.geometry import ArmVectors
from engine.core.errors import ReleaseError
from engine.core.joined_rows import some_rows
from engine.core.progress import Progress
from engine.core.workspace import Workspace
from engine.models.projection import project
from engine.release.files import ReleaseFiles, making_sense_of
from engine.release.manifest import read_manifest
from engine.release.publish import current_release_id

__all__ = ["draw_maps", "kept_maps", "served_maps"]

STEP = "Drawing the maps"


def draw_maps(
    item_ids: pd.Series, arms: Mapping[str, ArmVectors], before: pd.DataFrame | None, seed: int, progress: Progress
) -> pd.DataFrame:
    """item_id and x, y of behaviour and hybrid; NaN where the arm knows nothing of the product.

    The same products, vectors, seed and maps `before` give the same maps.

    Parameters
    ----------
    before : the maps of the release that is served, or None. Products start where they were; on the first map of behaviour, and where they had
        no place on it, they start where Longtail has them.
    """
    last = {arm: _places(item_ids, before, arm) for arm in ("als", "hybrid")}
    progress(STEP, 0.0, "after")
    hybrid = _projected(arms["hybrid"], last["hybrid"], seed)
    progress(STEP, 0.5, "before")
    behaviour = _projected(arms["als"], np.where(np.isfinite(last["als"]), last["als"], hybrid), seed)
    progress(STEP, 1.0)
    maps: dict[str, Any] = {"item_id": item_ids}
    for name, points in (("als", behaviour), ("hybrid", hybrid)):
        maps |= {f"{name}_x": points[:, 0], f"{name}_y": points[:, 1]}
    return pd.DataFrame(maps)


def kept_maps(item_ids: pd.Series, before: pd.DataFrame) -> pd.DataFrame:
    """The maps `before` as those of the same products."""
    return pd.DataFrame({"item_id": item_ids, **{name: before[name].to_numpy(np.float32) for name in _columns()}})


def served_maps(workspace: Workspace) -> pd.DataFrame | None:
    """The maps of the release that is served now; None where there is none that can be read."""
    release_id = current_release_id(workspace)
    if release_id is None:
        return None
    directory = workspace.releases / release_id
    try:
        table = ReleaseFiles(directory, read_manifest(directory)).table("maps.parquet", ["item_id", *_columns()])
        with making_sense_of("maps.parquet"):
            maps: pd.DataFrame = table.to_pandas()
            return maps
    except ReleaseError:
        return None


def _projected(arm: ArmVectors, start: np.ndarray, seed: int) -> np.ndarray:
    known = arm.has_list
    points = np.full((len(known), 2), np.nan, dtype=np.float32)
    points[known] = project(some_rows(arm.query, known), seed, start[known])
    return points


def _places(item_ids: pd.Series, maps: pd.DataFrame | None, arm: str) -> np.ndarray:
    """(n, 2) float64: where these products lie on a map, NaN where they do not."""
    if maps is None:
        return np.full((len(item_ids), 2), np.nan)
    columns = [f"{arm}_x", f"{arm}_y"]
    places = maps.drop_duplicates("item_id").set_index("item_id")[columns].reindex(item_ids.astype(str))
    return np.asarray(places.to_numpy(dtype=np.float64).clip(-1.0, 1.0))


def _columns() -> list[str]:
    return [f"{arm}_{axis}" for arm in ("als", "hybrid") for axis in "xy"]
