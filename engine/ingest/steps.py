"""The steps that loading a shop and appending to it share: stage, read products and events, match pictures."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import duckdb
import pandas as pd

from engine.catalogue.interactions import open_duckdb
from engine.core.disk_errors import file_errors_said
from engine.core.errors import InputError
from engine.core.held_folders import INGEST_PREFIX, held_folder, sweep
from engine.core.keys import new_key, read_key
from engine.core.progress import Progress
from engine.core.workspace import Workspace
from engine.ingest.events import CleanEvents, clean_events
from engine.ingest.locations import Location, fetch
from engine.ingest.mapping import Corrections
from engine.ingest.matching import KnownProducts
from engine.ingest.picture_addresses import PictureFetch, addressed, store_fetched
from engine.ingest.pictures import store_pictures
from engine.ingest.presets import NO_PRESET, load_preset
from engine.ingest.products import CleanProducts, clean_products
from engine.ingest.report import NOT_USED, FileReport, ProblemLog
from engine.ingest.room import require_disk
from engine.ingest.sources import FileForm, Source
from engine.ingest.tables import Tables, stage_files
from engine.ingest.unused import important_columns

__all__ = [
    "STEPS",
    "AddedProducts",
    "Place",
    "Run",
    "add_pictures",
    "opened_run",
    "read_added",
    "read_events",
    "read_products",
    "refuse_problems",
    "stage_tables",
]

Place = Location | Path | str | Sequence[Path | str]
"""Where a table lies: a path, a pattern, a folder, an address or several, or a `Location` with a query."""
AddedProducts = Callable[[Mapping[str, str], Collection[str]], pd.DataFrame]
"""Called with the attributes' kinds and the ids in the products file: the products added in Longtail, as catalogue rows with
these attributes, without those whose ids the file has."""

STEPS = ("Reading the products", "Reading the events", "Reading the pictures", "Saving the shop")


@dataclass
class Run:
    """What the steps of one ingest share."""

    workspace: Workspace
    staging: Path
    connection: duckdb.DuckDBPyConnection
    preset: str | None
    corrections: Corrections
    problems: ProblemLog
    progress: Progress
    added: AddedProducts | None
    fetch: PictureFetch | None = None
    made_key: bytes | None = None

    def shopper_key(self) -> bytes:
        """The workspace's key for shoppers that are e-mail addresses; a new one is kept when the shop is saved."""
        file = self.workspace.shopper_key
        if file.is_file():
            return read_key(file)
        self.made_key = self.made_key or new_key()
        return self.made_key


@contextmanager
def opened_run(
    workspace: Workspace,
    preset: str | None,
    corrections: Corrections,
    added: AddedProducts | None,
    progress: Progress,
) -> Iterator[Run]:
    """What the steps share, with a folder on the workspace's disk, so that the last step is a rename."""
    with file_errors_said(workspace.root), _staging(workspace) as staging, open_duckdb(str(staging)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield Run(workspace, staging, connection, preset, corrections, ProblemLog(), progress, added)


def stage_tables(run: Run, places: Mapping[str, Location]) -> dict[str, list[Source]]:
    """Role -> its tables as staged Parquet, products first; what lies elsewhere is brought here before."""
    staged: dict[str, list[Source]] = {}
    preset = load_preset(run.preset) if run.preset else NO_PRESET
    rules = {"items": preset.items, "interactions": preset.interactions}
    for role, step in zip(rules, STEPS, strict=False):
        if role in places:
            run.progress(step, 0.0)
            fetched = fetch(places[role], run.staging / role, partial(_tell, run.progress, step))
            require_disk(fetched.paths, run.staging)
            encoding = run.corrections.encoding(role, rules[role].encoding)
            form = FileForm(encoding=encoding, delimiter=rules[role].delimiter)
            first, *others = stage_files(fetched.paths, run.staging, run.problems, form)
            staged[role] = [replace(first, notes=(*fetched.notes, *first.notes)), *others]
            run.progress(step, 0.5, f"{sum(source.n_rows for source in staged[role]):,} rows")
    return staged


def _tell(progress: Progress, step: str, done: float, message: str) -> None:
    """Fetching is the first third of a step."""
    progress(step, done / 3, message)


def read_products(run: Run, tables: Tables) -> tuple[CleanProducts | None, list[FileReport]]:
    """The products, and the report on their file; nothing where there is no file of products."""
    if tables.items is None:
        return None, []
    source, columns = tables.items.source, tables.item_columns
    products = clean_products(
        run.connection, tables.items, columns, tables.preset.items, tables.ids, run.corrections, run.problems
    )
    for column in run.corrections.kinds:
        if column not in products.columns:
            raise InputError(f"there is no column {column!r} to give a kind.", file=source.name, field=f"kind.{column}")
    run.progress(STEPS[0], 1.0, f"{len(products.items):,} products")
    unused = important_columns("items", source, columns, products.columns)
    report = FileReport(
        name=source.name,
        kind="products",
        read=source.n_rows,
        kept=len(products.items),
        rejected=source.n_rejected + products.n_rejected,
        columns=products.columns,
        notes=[*tables.notes["items"], *products.notes],
        recognised=tables.recognised.get("items", ""),
        unused=unused,
    )
    return products, [report]


def read_added(run: Run, products: CleanProducts | None, files: list[FileReport]) -> pd.DataFrame:
    """Products that were added in Longtail and are not in the products file."""
    if products is None or run.added is None:
        return pd.DataFrame({"item_id": pd.Series(dtype="str")})
    added = run.added(products.kinds, set(products.items["item_id"]))
    if len(added):
        files[0].notes.append(f"{len(added):,} products that were added in Longtail stay with the shop")
    return added


def read_events(run: Run, tables: Tables, known: KnownProducts | None) -> tuple[CleanEvents, FileReport]:
    """The events; `known` are the products that they may name, None where they alone say which products there are."""
    assert tables.events is not None
    source, columns = tables.events, tables.event_columns
    events = clean_events(
        run.connection,
        source,
        columns,
        tables.preset.interactions,
        tables.ids,
        known,
        tables.preset.items.missing,
        run.corrections.formats,
        run.shopper_key,
        run.problems,
    )
    run.progress(STEPS[1], 1.0, f"{events.n_kept:,} events")
    field_of = {column: name for name, column in columns.items()}
    became = {column: field_of.get(column, NOT_USED) for column in source.columns if column}
    report = FileReport(
        name=source.name,
        kind="events" if known is not None else "products and events",
        read=source.n_rows,
        kept=events.n_kept,
        rejected=source.n_rows - events.n_kept,
        columns=became,
        notes=[*tables.notes["interactions"], *events.notes],
        recognised=tables.recognised.get("interactions", ""),
        unused=important_columns("interactions", source, columns, became),
    )
    return events, report


def add_pictures(
    run: Run,
    source: Path | None,
    items: pd.DataFrame,
    tables: Tables,
    products: CleanProducts | None,
    files: list[FileReport],
) -> None:
    """Fill the column `image` with content hashes; the pictures themselves are staged.

    Pictures in the folder or zip come first; those of other products are fetched if that was asked for.
    """
    by_address = addressed(items) if run.fetch or source is None else set()
    if source is None and run.fetch is None:
        files[0].notes.extend(_unused_names(items, len(by_address)))
    rows, staged = products.rows if products else None, Workspace(run.staging / "pictures")
    hashes = pd.Series([None] * len(items), dtype="str")
    if source is not None:
        aliases = tables.items.names() if tables.items else {}
        hashes, report = store_pictures(
            run.workspace,
            staged,
            source,
            items,
            rows,
            files[0].name,
            run.problems,
            run.progress,
            aliases=aliases,
            elsewhere=by_address,
        )
        files.append(report)
    if run.fetch is not None:
        wanted = {position for position in by_address if pd.isna(hashes.iloc[position])}
        fetched, report = store_fetched(
            run.workspace, staged, items, wanted, rows, files[0].name, run.fetch, run.problems, run.progress
        )
        hashes = hashes.fillna(fetched)
        files.append(report)
    items["image"] = hashes


def _unused_names(items: pd.DataFrame, n_addressed: int) -> list[str]:
    """What to do about pictures that products name and nobody gave."""
    named = int(items["image"].notna().sum()) if "image" in items else 0
    note = f"{named:,} products name a picture, but no folder or zip of pictures was given"
    hint = f"; --fetch-pictures gets the {n_addressed:,} that are web addresses" if n_addressed else ""
    return [note + hint] if named else []


def refuse_problems(run: Run) -> None:
    """Raise `InputError` that lists them if there is any problem at all."""
    if run.problems.counts:
        total = sum(run.problems.counts.values())
        raise InputError(
            f"nothing was loaded, because --strict allows no problem and there are {total:,}:\n"
            f"{run.problems.summary()}\nFix them, or load the good rows without --strict."
        )


@contextmanager
def _staging(workspace: Workspace) -> Iterator[Path]:
    """A temporary directory on the workspace's disk, so that the last step is a rename."""
    made = [path for path in (workspace.root, *workspace.root.parents) if not path.exists()]
    workspace.root.mkdir(parents=True, exist_ok=True)
    try:
        sweep(workspace.root, INGEST_PREFIX)
        with held_folder(workspace.root, INGEST_PREFIX) as directory:
            yield directory
    except BaseException:
        for path in made:
            if not any(path.iterdir()):
                path.rmdir()
        raise
