"""The pictures of products that name them by web addresses: fetched, decoded and stored."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pandas as pd

from engine.core.progress import Progress
from engine.core.workspace import Workspace
from engine.ingest.picture_addresses.addresses import addresses_in
from engine.ingest.picture_addresses.fetching import Fetched, PictureFetch, fetch_pictures
from engine.ingest.pictures.storing import cells_of, report_fault, store_files
from engine.ingest.report import FileReport, Problem, ProblemLog

__all__ = ["addressed", "store_fetched"]

_NAME = "web addresses"


def addressed(items: pd.DataFrame) -> set[int]:
    """The positions of products that name a picture by a web address."""
    return {position for position, cell in enumerate(cells_of(items)) if addresses_in(cell)}


def store_fetched(
    workspace: Workspace,
    staging: Workspace,
    items: pd.DataFrame,
    wanted: Collection[int],
    rows: pd.Series | None,
    items_file: str,
    how: PictureFetch,
    problems: ProblemLog,
    progress: Progress,
) -> tuple[pd.Series, FileReport]:
    """The content hash of every product's picture, aligned with `items`; null where none was `wanted` or could be had.

    Fetched pictures are kept in `workspace.fetched` and go the way of a folder of pictures from there. Whatever goes wrong
    is reported with the product's row and the address.
    """
    addresses = [addresses_in(cell) if position in wanted else [] for position, cell in enumerate(cells_of(items))]
    fetched = fetch_pictures(workspace.fetched, addresses, how, progress)
    chosen = [None if file is None else file.relative_to(workspace.fetched).as_posix() for file in fetched.files]
    outcomes = store_files(workspace, staging, workspace.fetched, chosen, progress)
    for position, path in enumerate(chosen):
        row = None if rows is None else int(rows.iloc[position])
        about = Problem(items_file, row, "image", "unfetched_picture", "", str(items["item_id"].iloc[position]))
        if path is not None:
            report_fault(about, fetched.addresses[position], outcomes[path], problems)
        elif fetched.failures[position]:
            problems.add(_unfetched(about, fetched.failures[position]))
    stored = sum(outcome.image is not None for outcome in outcomes.values())
    report = FileReport(_NAME, "pictures", fetched.asked, stored, fetched.asked - stored, notes=_notes(fetched))
    return pd.Series([outcomes[path].image if path else None for path in chosen], dtype="str"), report


def _unfetched(about: Problem, failures: list[tuple[str, str]]) -> Problem:
    """The first address that failed, and how many more did."""
    address, reason = failures[0]
    further = f" Nor could {len(failures) - 1} further addresses of it be had." if len(failures) > 1 else ""
    return replace(about, message=f"{reason}. The product was loaded without a picture.{further}", value=address)


def _notes(fetched: Fetched) -> list[str]:
    notes = [f"{fetched.changed:,} pictures were fetched, {fetched.unchanged:,} were here already"]
    if fetched.from_before:
        notes.append(f"{fetched.from_before:,} pictures could not be asked for now; those of an earlier run were used")
    return notes
