"""A shop's files -> a new snapshot, with a report of what was read, loaded and rejected.

Everything is read, checked and written aside first; the workspace changes in the last step, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from engine.catalogue.snapshot import write_snapshot
from engine.core.errors import InputError
from engine.core.keys import store_key
from engine.core.progress import Progress, silent
from engine.core.workspace import Workspace
from engine.ingest.columns import ITEM_TEXTS
from engine.ingest.events import CleanEvents
from engine.ingest.loaded_with import LoadedWith
from engine.ingest.locations import Location, as_location
from engine.ingest.mapping import parse_mapping
from engine.ingest.matching import KnownProducts
from engine.ingest.picture_addresses import PictureFetch
from engine.ingest.pictures import move_pictures
from engine.ingest.presets import NO_PRESET, Preset, available_presets, find_files, load_preset
from engine.ingest.products import CleanProducts
from engine.ingest.report import FileReport, IngestReport
from engine.ingest.steps import (
    STEPS,
    AddedProducts,
    Place,
    Run,
    add_pictures,
    opened_run,
    read_added,
    read_events,
    read_products,
    refuse_problems,
    stage_tables,
)
from engine.ingest.tables import Tables, prepare_tables

__all__ = ["available_presets", "ingest"]


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
    fetch: PictureFetch | None = None,
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
    fetch : how to fetch pictures that products name by web addresses; None fetches nothing.

    Raises `InputError` (or a kind of it) naming file, row and field; the workspace is then as it was.
    """
    rules = load_preset(preset) if preset else NO_PRESET
    found = find_files(Path(from_dir), rules.files, rules.title) if from_dir else {}
    places = _places({"items": items, "interactions": interactions}, found)
    pictures = images or next(iter(found.get("images", ())), None)
    with opened_run(workspace, preset, parse_mapping(mapping), added, progress) as run:
        run.fetch = fetch
        return _ingest(run, places, Path(pictures) if pictures else None, name, strict)


def _places(named: Mapping[str, Place | None], found: Mapping[str, Sequence[Path]]) -> dict[str, Location]:
    """Role -> where its table lies: as it was named, else as it was found in the folder."""
    chosen = {role: place or found.get(role) for role, place in named.items()}
    if not chosen["interactions"]:
        raise InputError("no file of events was given. Name it with --interactions, or a folder with --from.")
    return {role: as_location(place) for role, place in chosen.items() if place}


def _ingest(
    run: Run, places: Mapping[str, Location], images: Path | None, name: str | None, strict: bool
) -> IngestReport:
    tables = prepare_tables(run.connection, stage_tables(run, places), run.preset, run.corrections)
    products, files = read_products(run, tables)
    added = read_added(run, products, files)
    events, event_file = read_events(run, tables, _known_products(tables, products, added))
    event_file.notes.extend(_derived_note(products, events))
    files.append(event_file)
    items = _items(tables, products, events)
    add_pictures(run, images, items, tables, products, files)
    if not added.empty:
        items = pd.concat([items, added], ignore_index=True)
    if strict:
        refuse_problems(run)
    return _save(run, tables, items, products, events, files, name)


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


def _save(
    run: Run,
    tables: Tables,
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
    info = _shop_info(tables.preset, products, events, name)
    formats = _formats_found(products.formats if products else {}, events.formats)
    info["loaded_with"] = LoadedWith.of(run.preset, run.corrections, tables, formats).to_dict()
    aliases = tables.items.aliases if tables.items else None
    snapshot_id = write_snapshot(run.workspace, items, events.path, info, report.to_dict(), aliases=aliases)
    run.progress(STEPS[3], 1.0, f"{len(items):,} products, {events.n_kept:,} events")
    return replace(report, snapshot_id=snapshot_id)


def _formats_found(items: Mapping[str, str], events: Mapping[str, str]) -> dict[str, str]:
    """How columns are written; columns of one name that differ between the files are left to their values."""
    differing = {key for key in items.keys() & events.keys() if items[key] != events[key]}
    return {key: said for key, said in {**items, **events}.items() if key not in differing}


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
