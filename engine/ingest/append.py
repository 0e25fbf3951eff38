"""A day's events, and new or changed products, added to the shop in use without reading the rest again.

The shop's own rules apply: the preset, the columns and the kinds of attributes that it was loaded with. As in a load, everything
is read, checked and written aside first, and the shop changes in the last step, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from engine.catalogue.snapshot import (
    Shop,
    event_files,
    read_aliases,
    read_info,
    read_shop,
    read_truth,
    write_snapshot,
)
from engine.core.errors import InputError
from engine.core.keys import store_key
from engine.core.progress import Progress, silent
from engine.core.workspace import Workspace
from engine.ingest.appended_events import AddedEvents, add_events
from engine.ingest.appended_items import Merged, kinds_of_shop, merge_items, without_new_attributes
from engine.ingest.events import CleanEvents
from engine.ingest.loaded_with import LoadedWith
from engine.ingest.locations import as_location
from engine.ingest.mapping import parse_mapping
from engine.ingest.matching import KnownProducts
from engine.ingest.picture_addresses import PictureFetch
from engine.ingest.pictures import move_pictures
from engine.ingest.products import CleanProducts
from engine.ingest.report import Appended, FileReport, IngestReport
from engine.ingest.steps import (
    STEPS,
    AddedProducts,
    Place,
    Run,
    add_pictures,
    opened_run,
    read_events,
    read_products,
    refuse_problems,
    stage_tables,
)
from engine.ingest.tables import Tables, prepare_tables

__all__ = ["append"]


@dataclass(frozen=True)
class _InUse:
    """The shop in use."""

    folder: Path
    shop: Shop
    loaded_with: LoadedWith
    aliases: dict[str, pd.DataFrame]

    @property
    def events(self) -> list[Path]:
        return event_files(self.folder)


def append(
    workspace: Workspace,
    *,
    items: Place | None = None,
    interactions: Place | None = None,
    images: Path | None = None,
    mapping: Mapping[str, str] | None = None,
    strict: bool = False,
    added: AddedProducts | None = None,
    fetch: PictureFetch | None = None,
    progress: Progress = silent,
) -> IngestReport:
    """Add events, and new or changed products, to the shop in use.

    Parameters
    ----------
    items : a product of the shop takes the values of the columns that this file has; others are added. Pictures stay where
        `images` has none. Attributes keep their kinds; columns that the shop does not have are left out, and the report
        says so.
    interactions : events; those that the shop has already are not added again (`engine.ingest.appended_events`).
    mapping, strict, added, fetch, progress : as for `ingest`; what was said when the shop was loaded need not be said again.

    Raises `InputError` (or a kind of it) naming file, row and field, and `NoDataError` without a shop; the shop is then as
    it was. It stays as it was also where nothing is new.
    """
    if not items and not interactions:
        raise InputError("nothing was given to append. Name events with --interactions, or products with --items.")
    if (images or fetch) and not items:
        raise InputError("pictures are appended with their products. Name these with --items.")
    folder = workspace.current_snapshot()
    shop = read_shop(workspace)
    if "loaded_with" not in shop.info:
        raise InputError(
            "nobody noted how this shop was loaded, so it is not known how to read more of it. Load it whole once more with `ingest`."
        )
    used = _InUse(folder, shop, LoadedWith.from_dict(shop.info["loaded_with"]), read_aliases(folder))
    corrections = used.loaded_with.corrected(parse_mapping(mapping))
    places = {"items": items, "interactions": interactions}
    with opened_run(workspace, used.loaded_with.preset, corrections, added, progress) as run:
        # The rest of the shop's pictures are still wanted.
        run.fetch = fetch and replace(fetch, keep_others=True)
        staged = stage_tables(run, {role: as_location(place) for role, place in places.items() if place})
        tables = prepare_tables(run.connection, staged, run.preset, corrections, derive=used.loaded_with.derived)
        return _append(run, used, tables, images, strict)


def _append(run: Run, used: _InUse, tables: Tables, images: Path | None, strict: bool) -> IngestReport:
    products, files = _products(run, used, tables, images)
    drafts = run.added(used.shop.attribute_kinds, _ids(used, products)) if run.added else None
    aliases = _aliases(used, tables)
    events, event_file = _events(run, used, tables, products, drafts, aliases)
    if strict:
        refuse_problems(run)
    merged = _merge(used, products, events, drafts, partial=tables.preset.items.properties is not None)
    all_events = AddedEvents(used.events)
    if events is not None:
        all_events = add_events(run.connection, used.events, events.path, run.staging)
    if event_file:
        known = all_events.n_known
        said = [f"{known:,} of the events were in the shop already and count once"] if known else []
        files.append(replace(event_file, kept=all_events.n_new, notes=[*event_file.notes, *said]))
    appended = Appended(merged.n_new, merged.n_changed, all_events.n_new, all_events.n_known)
    return _save(run, used, merged.items, all_events.files, _info(used, events), aliases, files, appended)


def _products(
    run: Run, used: _InUse, tables: Tables, images: Path | None
) -> tuple[CleanProducts | None, list[FileReport]]:
    """The products that arrived, with the shop's attributes and, where pictures were given, with these."""
    if tables.items is None:
        return None, []
    columns, kinds = tables.items.source.columns, used.shop.attribute_kinds
    said = {column: kind for column, kind in run.corrections.kinds.items() if column in columns}
    run.corrections = replace(run.corrections, kinds={**said, **kinds_of_shop(columns, kinds)})
    products, files = read_products(run, tables)
    assert products is not None
    products = without_new_attributes(products, kinds)
    files[0] = replace(files[0], columns=products.columns, notes=[*tables.notes["items"], *products.notes])
    add_pictures(run, images, products.items, tables, products, files)
    return products, files


def _ids(used: _InUse, products: CleanProducts | None) -> set[str]:
    arrived = set() if products is None else set(products.items["item_id"].tolist())
    return set(used.shop.items["item_id"].tolist()) | arrived


def _aliases(used: _InUse, tables: Tables) -> dict[str, pd.DataFrame]:
    """The shop's further ids with those that arrived, which count where both have one."""
    arrived = tables.items.aliases if tables.items else {}
    return {
        column: pd.concat([table for known in (arrived, used.aliases) if (table := known.get(column)) is not None])
        .drop_duplicates("alias")
        .reset_index(drop=True)
        for column in {**used.aliases, **arrived}
    }


def _events(
    run: Run,
    used: _InUse,
    tables: Tables,
    products: CleanProducts | None,
    drafts: pd.DataFrame | None,
    aliases: Mapping[str, pd.DataFrame],
) -> tuple[CleanEvents | None, FileReport | None]:
    if tables.events is None:
        return None, None
    known = None
    if not used.loaded_with.derived:
        ids = _ids(used, products) | set(() if drafts is None else drafts["item_id"])
        known = KnownProducts(pd.Series(sorted(ids), dtype="str"), aliases)
    events, report = read_events(run, tables, known)
    mine = used.shop.info["value_kind"]
    if mine and events.value_kind and events.value_kind != mine:
        raise InputError(
            f"the shop's events have a {mine}, and these have a {events.value_kind}. Load the whole shop again, or say that"
            f" these have none: --map {events.value_kind}=",
            file=report.name,
        )
    return events, report


def _merge(
    used: _InUse,
    products: CleanProducts | None,
    events: CleanEvents | None,
    drafts: pd.DataFrame | None,
    *,
    partial: bool,
) -> Merged:
    """The catalogue with what arrived: changed and new products, drafts, and products that only events name."""
    merged = Merged(used.shop.items, 0, 0)
    if products is not None:
        merged = merge_items(merged.items, products.items, partial=partial)
    further = [] if drafts is None or drafts.empty else [drafts]
    if events is not None and used.loaded_with.derived:
        further.append(events.products)
    for arrived in further:
        unknown = arrived[~arrived["item_id"].isin(merged.items["item_id"])]
        if len(unknown):
            # An image column of derived products holds file names; pictures come with a products file only.
            more = merge_items(
                merged.items, unknown if arrived is drafts else unknown.drop(columns="image", errors="ignore")
            )
            merged = Merged(more.items, merged.n_new + more.n_new, merged.n_changed)
    return merged


def _info(used: _InUse, events: CleanEvents | None) -> dict[str, Any]:
    """shop.json: what the values mean is new where the shop had none."""
    info = dict(used.shop.info)
    if events is not None and info["value_kind"] is None:
        info |= {"value_kind": events.value_kind, "min_rating": events.min_rating}
    return info


def _save(
    run: Run,
    used: _InUse,
    items: pd.DataFrame,
    events: list[Path],
    info: dict[str, Any],
    aliases: Mapping[str, pd.DataFrame],
    files: list[FileReport],
    appended: Appended,
) -> IngestReport:
    run.progress(STEPS[3], 0.0)
    report = IngestReport(
        files=files,
        problems=run.problems.shown,
        problem_counts=dict(run.problems.counts),
        attribute_kinds=used.shop.attribute_kinds,
        n_items=len(items),
        n_events=used.shop.info["n_events"] + appended.new_events,
        n_users=used.shop.info["n_users"],
        snapshot_id=used.shop.snapshot_id,
        appended=appended,
    )
    if not appended.is_nothing:
        move_pictures(Workspace(run.staging / "pictures"), run.workspace)
        if run.made_key:
            store_key(run.workspace.shopper_key, run.made_key)
        truth = read_truth(used.folder)
        snapshot_id = write_snapshot(run.workspace, items, events, info, report.to_dict(), truth, aliases)
        n_users = read_info(run.workspace.current_snapshot())["n_users"]
        report = replace(report, snapshot_id=snapshot_id, n_users=n_users)
    run.progress(
        STEPS[3], 1.0, f"{appended.new_products + appended.changed_products:,} products, {appended.new_events:,} events"
    )
    return report
