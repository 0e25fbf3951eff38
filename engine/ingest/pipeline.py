"""A shop's files -> a new snapshot, with a report of what was read, loaded and rejected.

Everything is read, checked and written aside first; the workspace changes in the last step, or not at all.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from engine.catalogue.interactions import open_duckdb
from engine.catalogue.snapshot import write_snapshot
from engine.core.errors import InputError
from engine.core.keys import new_key, store_key
from engine.core.progress import Progress, silent
from engine.core.workspace import Workspace
from engine.ingest.columns import ITEM_TEXTS
from engine.ingest.events import CleanEvents, clean_events
from engine.ingest.locations import Location, as_location, fetch
from engine.ingest.mapping import Corrections, parse_mapping
from engine.ingest.matching import KnownProducts
from engine.ingest.pictures import move_pictures, store_pictures
from engine.ingest.presets import NO_PRESET, Preset, available_presets, find_files, load_preset
from engine.ingest.products import CleanProducts, clean_products
from engine.ingest.report import NOT_USED, FileReport, IngestReport, ProblemLog
from engine.ingest.sources import FileForm, Source
from engine.ingest.tables import Tables, prepare_tables, stage_files
from engine.ingest.unused import important_columns

__all__ = ["available_presets", "ingest"]

Place = Location | Path | str | Sequence[Path | str]
"""Where a table lies: a path, a pattern, a folder, an address or several, or a `Location` with a query."""
AddedProducts = Callable[[Mapping[str, str], Collection[str]], pd.DataFrame]
"""Called with the attributes' kinds and the ids in the products file: the products added in Longtail, as catalogue rows with
these attributes, without those whose ids the file has."""

STEPS = ("Reading the products", "Reading the events", "Reading the pictures", "Saving the shop")


@dataclass
class _Run:
    """What the steps of one ingest share."""

    workspace: Workspace
    staging: Path
    connection: duckdb.DuckDBPyConnection
    preset: str | None
    corrections: Corrections
    problems: ProblemLog
    progress: Progress
    added: AddedProducts | None
    made_key: bytes | None = None

    def shopper_key(self) -> bytes:
        """The workspace's key for shoppers that are e-mail addresses; a new one is kept when the shop is saved."""
        file = self.workspace.shopper_key
        if file.is_file():
            return file.read_bytes()
        self.made_key = self.made_key or new_key()
        return self.made_key


def ingest(
    workspace: Workspace,
    *,
    items: Place | None = None,
    interactions: Place | None = None,
    images: Path | None = None,
    preset: str | None = None,
    from_dir: Path | None = None,
    mapping: Mapping[str, str] | None = None,
    name: str | None = None,
    strict: bool = False,
    added: AddedProducts | None = None,
    progress: Progress = silent,
) -> IngestReport:
    """Read a shop's files, write a snapshot and point the workspace at it.

    Parameters
    ----------
    items : products; without them they are derived from the events. A path, a pattern, a folder, an address such as
        s3://bucket/items.csv, several of these as one table, or a `Location` with what to ask a database.
    interactions : events, from anywhere that products may come from; or the lines of orders, and the orders. Required unless
        `from_dir` holds them.
    images : folder or zip of pictures.
    preset : name of a system or data set whose files and columns are known; "none" for none of them, None for what the files
        look like.
    from_dir : folder in which the preset's files (or items.*, interactions.*, images) are found by name.
    mapping : `{"item_id": "sku"}` and the like, see `engine.ingest.mapping`.
    name : the shop's name.
    strict : load nothing if there is any problem at all.
    added : returns products that stay in the shop although its products file lacks them; their events are loaded too.

    Raises `InputError` (or a kind of it) naming file, row and field; the workspace is then as it was.
    """
    rules = load_preset(preset) if preset else NO_PRESET
    found = find_files(Path(from_dir), rules.files, rules.title) if from_dir else {}
    places = _places({"items": items, "interactions": interactions}, found)
    pictures = images or next(iter(found.get("images", ())), None)
    corrections = parse_mapping(mapping)
    with _staging(workspace) as staging, open_duckdb(str(staging)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        run = _Run(workspace, staging, connection, preset, corrections, ProblemLog(), progress, added)
        return _ingest(run, places, Path(pictures) if pictures else None, name, strict)


def _places(named: Mapping[str, Place | None], found: Mapping[str, Sequence[Path]]) -> dict[str, Location]:
    """Role -> where its table lies: as it was named, else as it was found in the folder."""
    chosen = {role: place or found.get(role) for role, place in named.items()}
    if not chosen["interactions"]:
        raise InputError("no file of events was given. Name it with --interactions, or a folder with --from.")
    return {role: as_location(place) for role, place in chosen.items() if place}


def _ingest(
    run: _Run, places: Mapping[str, Location], images: Path | None, name: str | None, strict: bool
) -> IngestReport:
    tables = prepare_tables(run.connection, _stage(run, places), run.preset, run.corrections)
    products, files = _products(run, tables)
    added = _added(run, products, files)
    events, event_file = _events(run, tables, products, added)
    files.append(event_file)
    items = _items(tables, products, events)
    _add_pictures(run, images, items, tables, products, files)
    if not added.empty:
        items = pd.concat([items, added], ignore_index=True)
    if strict and run.problems.counts:
        total = sum(run.problems.counts.values())
        raise InputError(
            f"nothing was loaded, because --strict allows no problem and there are {total:,}:\n"
            f"{run.problems.summary()}\nFix them, or load the good rows without --strict."
        )
    return _save(run, tables.preset, items, products, events, files, name)


def _stage(run: _Run, places: Mapping[str, Location]) -> dict[str, list[Source]]:
    """The tables as staged Parquet, products first; what lies elsewhere is brought here before."""
    staged: dict[str, list[Source]] = {}
    preset = load_preset(run.preset) if run.preset else NO_PRESET
    rules = {"items": preset.items, "interactions": preset.interactions}
    for role, step in zip(rules, STEPS, strict=False):
        if role in places:
            run.progress(step, 0.0)
            fetched = fetch(places[role], run.staging / role, partial(_tell, run.progress, step))
            encoding = run.corrections.encoding(role, rules[role].encoding)
            form = FileForm(encoding=encoding, delimiter=rules[role].delimiter)
            first, *others = stage_files(fetched.paths, run.staging, run.problems, form)
            staged[role] = [replace(first, notes=(*fetched.notes, *first.notes)), *others]
            run.progress(step, 0.5, f"{sum(source.n_rows for source in staged[role]):,} rows")
    return staged


def _tell(progress: Progress, step: str, done: float, message: str) -> None:
    """Fetching is the first third of a step."""
    progress(step, done / 3, message)


def _products(run: _Run, tables: Tables) -> tuple[CleanProducts | None, list[FileReport]]:
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


def _added(run: _Run, products: CleanProducts | None, files: list[FileReport]) -> pd.DataFrame:
    """Products that were added in Longtail and are not in the products file."""
    if products is None or run.added is None:
        return pd.DataFrame({"item_id": pd.Series(dtype="str")})
    added = run.added(products.kinds, set(products.items["item_id"]))
    if len(added):
        files[0].notes.append(f"{len(added):,} products that were added in Longtail stay with the shop")
    return added


def _events(
    run: _Run, tables: Tables, products: CleanProducts | None, added: pd.DataFrame
) -> tuple[CleanEvents, FileReport]:
    assert tables.events is not None
    source, columns = tables.events, tables.event_columns
    events = clean_events(
        run.connection,
        source,
        columns,
        tables.preset.interactions,
        tables.ids,
        _known_products(tables, products, added),
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
        kind="events" if products is not None else "products and events",
        read=source.n_rows,
        kept=events.n_kept,
        rejected=source.n_rows - events.n_kept,
        columns=became,
        notes=[*tables.notes["interactions"], *events.notes, *_derived_note(products, events)],
        recognised=tables.recognised.get("interactions", ""),
        unused=important_columns("interactions", source, columns, became),
    )
    return events, report


def _known_products(tables: Tables, products: CleanProducts | None, added: pd.DataFrame) -> KnownProducts | None:
    """What events may name; None where the events alone say which products there are."""
    if products is None or tables.items is None:
        return None
    return KnownProducts(pd.concat([products.items["item_id"], added["item_id"]]), tables.items.aliases)


def _derived_note(products: CleanProducts | None, events: CleanEvents) -> list[str]:
    if products is not None:
        return []
    made = events.products
    texts = ", ".join(name for name in ITEM_TEXTS if name in made and made[name].notna().any())
    return [
        f"no file of products was given: {len(made):,} products were made from the events,"
        f" with {f'the most frequent {texts} and ' if texts else ''}the median price of each"
    ]


def _items(tables: Tables, products: CleanProducts | None, events: CleanEvents) -> pd.DataFrame:
    """The products of their file, else those that the events name."""
    if products is None:
        return events.products
    if not tables.preset.price_from_events:
        return products.items
    # Products without a price of their own get the median of what was paid for them.
    median = products.items["item_id"].map(events.products.set_index("item_id")["price"])
    return products.items.assign(price=products.items["price"].fillna(median))


def _add_pictures(
    run: _Run,
    source: Path | None,
    items: pd.DataFrame,
    tables: Tables,
    products: CleanProducts | None,
    files: list[FileReport],
) -> None:
    """Fill the column `image` with content hashes; the pictures themselves are staged."""
    if source is None:
        named = int(items["image"].notna().sum()) if "image" in items else 0
        if named:
            files[0].notes.append(f"{named:,} products name a picture, but no folder or zip of pictures was given")
        items["image"] = pd.Series([None] * len(items), dtype="str")
        return
    rows = products.rows if products else None
    staged = Workspace(run.staging / "pictures")
    aliases = tables.items.names() if tables.items else {}
    items["image"], report = store_pictures(
        run.workspace, staged, source, items, rows, files[0].name, run.problems, run.progress, aliases=aliases
    )
    files.append(report)


def _save(
    run: _Run,
    preset: Preset,
    items: pd.DataFrame,
    products: CleanProducts | None,
    events: CleanEvents,
    files: list[FileReport],
    name: str | None,
) -> IngestReport:
    run.progress(STEPS[3], 0.0)
    report = IngestReport(
        files=files,
        problems=run.problems.shown,
        problem_counts=dict(run.problems.counts),
        attribute_kinds=products.kinds if products else {},
        n_items=len(items),
        n_events=events.n_kept,
        n_users=events.n_shoppers,
        snapshot_id="",
    )
    move_pictures(Workspace(run.staging / "pictures"), run.workspace)
    if run.made_key:
        store_key(run.workspace.shopper_key, run.made_key)
    info = _shop_info(preset, products, events, name)
    snapshot_id = write_snapshot(run.workspace, items, events.path, info, report.to_dict())
    run.progress(STEPS[3], 1.0, f"{len(items):,} products, {events.n_kept:,} events")
    return replace(report, snapshot_id=snapshot_id)


def _shop_info(preset: Preset, products: CleanProducts | None, events: CleanEvents, name: str | None) -> dict[str, Any]:
    """shop.json, as far as the files and the preset say it."""
    rated = events.value_kind == "rating"
    known = preset is not NO_PRESET
    return {
        "name": name or preset.shop_name,
        "interaction_word": preset.interaction_word if known or not rated else "ratings",
        "currency": preset.currency or (products.currency if products else events.currency),
        "preset": preset.name if known else None,
        "value_kind": events.value_kind,
        "min_rating": events.min_rating,
        "attributes": products.kinds if products else {},
    }


@contextmanager
def _staging(workspace: Workspace) -> Iterator[Path]:
    """A temporary directory on the workspace's disk, so that the last step is a rename."""
    made = [path for path in (workspace.root, *workspace.root.parents) if not path.exists()]
    workspace.root.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".ingest-", dir=workspace.root) as directory:
            yield Path(directory)
    except BaseException:
        for path in made:
            if not any(path.iterdir()):
                path.rmdir()
        raise
