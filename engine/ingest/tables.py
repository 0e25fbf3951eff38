"""A shop's staged files as two tables, one row a product and one row an event, read by the preset that they are recognised as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import duckdb

from engine.ingest.mapping import Corrections, plan_events, plan_items
from engine.ingest.presets import Preset
from engine.ingest.presets.recognition import compose, named_columns
from engine.ingest.report import ProblemLog
from engine.ingest.shapes.clock import add_clock
from engine.ingest.shapes.items import ShapedItems, shape_items
from engine.ingest.shapes.nested import unnest_events
from engine.ingest.shapes.orders import fill_down, join_lookups, join_orders
from engine.ingest.sources import FileForm, Source, stage
from engine.ingest.staged_sql import IdRules

__all__ = ["Tables", "prepare_tables", "stage_files"]


@dataclass(frozen=True)
class Tables:
    """What `ingest` and `preview` read.

    Attributes
    ----------
    items, events : the tables; None where no file was given.
    item_columns, event_columns : field -> column of them.
    recognised : role -> what its file was recognised as, in words; without roles whose file is of no known kind.
    notes : role -> what was done to its file.
    """

    preset: Preset
    items: ShapedItems | None
    events: Source | None
    item_columns: dict[str, str]
    event_columns: dict[str, str]
    recognised: dict[str, str]
    notes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def ids(self) -> IdRules:
        """How ids of products are normalised."""
        return IdRules(self.preset.upper_ids, self.preset.id_width)


def stage_files(
    paths: Sequence[Path], directory: Path, problems: ProblemLog, form: FileForm, limit: int | None = None
) -> list[Source]:
    """The files of one role as staged tables: one, unless files have different columns (orders, and the lines of orders)."""
    if len(paths) == 1:
        return [stage(paths[0], directory, problems, form=form, limit=limit)]
    groups: list[tuple[set[str], list[Path]]] = []
    for path in paths:
        source = stage(path, directory, ProblemLog(), form=form, limit=1)
        alike = next((group for names, group in groups if _alike(names, source)), None)
        if alike is None:
            groups.append((set(source.columns), [path]))
        else:
            alike.append(path)
    return [stage(group, directory, problems, form=form, limit=limit) for _, group in groups]


def _alike(names: set[str], source: Source) -> bool:
    """Whether a file has mostly these columns; one without a header, e.g. the second part of a split file, has as many."""
    if source.headerless or all(name.isdigit() for name in names):
        return len(names) == len(source.columns)
    return 2 * len(names.intersection(source.columns)) > max(len(names), len(source.columns))


def prepare_tables(
    connection: duckdb.DuckDBPyConnection,
    staged: Mapping[str, Sequence[Source]],
    chosen: str | None,
    corrections: Corrections,
    *,
    derive: bool | None = None,
) -> Tables:
    """Recognise the files, name and shape their columns, and say which column is which field.

    Parameters
    ----------
    staged : "items" and "interactions", either or both, -> tables of `stage_files`.
    chosen : a preset's name, "none", or None for what the files look like.
    derive : whether the events describe products, as they do by default where there is no file of products.

    Raises `InputError` where a mapping cannot be followed, or several files are no parts of one table.
    """
    notes: dict[str, list[str]] = {role: [] for role in staged}
    joined: dict[str, Source] = {}
    for role, sources in staged.items():
        joined[role], note = (
            join_orders(connection, sources) if role == "interactions" else join_lookups(connection, sources)
        )
        notes[role] += [*(note for source in sources for note in source.notes), *([note] if note else [])]
    preset, recognised = compose(chosen, joined)
    joined = {role: named_columns(role, source, preset) for role, source in joined.items()}
    events = joined.get("interactions")
    if events is not None:
        events, note = unnest_events(connection, fill_down(connection, events, preset.interactions.fill_down))
        notes["interactions"] += [note] if note else []
    elsewhere = events.columns if events else ()
    items, item_columns = None, {}
    if "items" in joined:
        plan = partial(plan_items, preset=preset, corrections=corrections, elsewhere=elsewhere)
        ids = IdRules(preset.upper_ids, preset.id_width)
        items = shape_items(connection, joined["items"], preset.items, ids, plan)
        item_columns = plan(items.source)
        notes["items"] += items.notes
    event_columns = {}
    if events is not None:
        others = items.source.columns if items else ()
        describe = items is None if derive is None else derive
        event_columns = plan_events(events, preset, corrections, derive=describe, elsewhere=others)
        events, note = add_clock(connection, events, event_columns.get("timestamp"))
        notes["interactions"] += [note] if note else []
    return Tables(preset, items, events, item_columns, event_columns, recognised, notes)
