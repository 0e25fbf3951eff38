"""Building the demo shop: dresses, pictures, texts and a year of shoppers, written as a snapshot like any shop's."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from engine.catalogue.snapshot import write_snapshot
from engine.core.errors import NoDataError, SettingsError
from engine.core.progress import Progress, silent
from engine.core.workspace import Workspace
from engine.demo.families import Dress, assign_families, sample_dress
from engine.demo.listing import ATTRIBUTE_KINDS, list_dress
from engine.demo.shoppers import shop_for_a_year
from engine.demo.studio import photograph
from engine.ingest.report import FileReport, IngestReport

__all__ = ["SHOP_NAME", "build_demo", "read_families"]

SHOP_NAME = "Maison Longtail"
_INFO = {
    "name": SHOP_NAME,
    "interaction_word": "clicks",
    "currency": "EUR",
    "demo": True,
    "attributes": ATTRIBUTE_KINDS,
}


def build_demo(
    workspace: Workspace,
    *,
    seed: int = 0,
    n_items: int = 2000,
    n_shoppers: int = 6000,
    processes: int = 2,
    progress: Progress = silent,
) -> str:
    """Build the demo shop in `workspace` and use it; returns the snapshot's id.

    The same `seed` and sizes give the same shop, whatever `processes` is: every dress has its own random numbers.
    Raises `SettingsError` for sizes that are too small, `JobError` if a drawing process is killed.
    """
    _check_sizes(seed, n_items, n_shoppers, processes)
    dresses = _design(seed, n_items)
    images = photograph(workspace, dresses, seed, processes, f"Drawing {n_items:,} dresses", progress)
    items = _listed(dresses, images, seed, progress)
    step = f"Sending {n_shoppers:,} shoppers through the shop"
    events = shop_for_a_year(
        dresses, items["item_id"].tolist(), n_shoppers, np.random.default_rng([seed, 3]), step, progress
    )
    progress(step, 1.0, f"{len(events):,} visits, carts and purchases")
    progress("Saving the shop", 0.0)
    families = pd.DataFrame({"item_id": items["item_id"], "family": [dress.family for dress in dresses]})
    report = _report(items, events)
    os.sync()  # the studio writes pictures without waiting for the disk; from here on a shop names them
    snapshot = write_snapshot(workspace, items, events, {**_INFO, "seed": seed}, report.to_dict(), truth=families)
    progress("Saving the shop", 1.0)
    return snapshot


def read_families(workspace: Workspace) -> dict[str, str]:
    """The demo shop's known truth, item_id -> style family; for benchmarks and sample judgements only.

    Raises `NoDataError` if the shop in use is not the demo shop.
    """
    truth = workspace.current_snapshot() / "truth.parquet"
    if not truth.is_file():
        raise NoDataError("The shop in use has no known style families; only the demo shop has. Build it with `demo`.")
    table = pq.read_table(truth).to_pydict()
    return dict(zip(table["item_id"], table["family"], strict=True))


def _check_sizes(seed: int, n_items: int, n_shoppers: int, processes: int) -> None:
    for name, value, least in (("items", n_items, 20), ("shoppers", n_shoppers, 1), ("processes", processes, 1)):
        if value < least:
            raise SettingsError(f"{name} = {value}: the demo shop needs at least {least}.")
    if seed < 0:
        raise SettingsError(f"seed = {seed}: it must be 0 or more.")


def _design(seed: int, n_items: int) -> list[Dress]:
    families = assign_families(n_items, np.random.default_rng([seed, 0]))
    return [sample_dress(family, np.random.default_rng([seed, 1, row])) for row, family in enumerate(families)]


def _listed(dresses: list[Dress], images: list[str], seed: int, progress: Progress) -> pd.DataFrame:
    """The catalogue, as the shop lists it."""
    step = "Writing titles and descriptions"
    rows = []
    for number, (dress, image) in enumerate(zip(dresses, images, strict=True)):
        row = list_dress(dress, f"D{number + 1:04d}", np.random.default_rng([seed, 2, number]))
        rows.append({**row, "image": image})
        if number % 200 == 0:
            progress(step, number / len(dresses), f"{number:,} of {len(dresses):,}")
    progress(step, 1.0, f"{len(dresses):,} of {len(dresses):,}")
    return pd.DataFrame(rows)


def _report(items: pd.DataFrame, events: pd.DataFrame) -> IngestReport:
    columns = {name: ATTRIBUTE_KINDS.get(name, name) for name in items.columns}
    return IngestReport(
        files=[
            FileReport("demo dresses", "products", len(items), len(items), 0, columns),
            FileReport("demo shoppers", "events", len(events), len(events), 0, {name: name for name in events.columns}),
        ],
        problems=[],
        problem_counts={},
        attribute_kinds=ATTRIBUTE_KINDS,
        n_items=len(items),
        n_events=len(events),
        n_users=int(events["user_id"].nunique()),
        # The snapshot gets its id when it is written.
        snapshot_id="",
    )
