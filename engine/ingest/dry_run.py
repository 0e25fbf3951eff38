"""What a load of the first rows gives: the same cleaning as the load's own, on a sample, with nothing stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq

from engine.catalogue.snapshot import ITEM_COLUMNS
from engine.core.errors import InputError
from engine.ingest.attributes import LEFT_OUT
from engine.ingest.derived import derived_from
from engine.ingest.events import clean_events
from engine.ingest.mapping import Corrections
from engine.ingest.matching import KnownProducts
from engine.ingest.pictures.archive import list_pictures
from engine.ingest.pictures.matching import match_pictures
from engine.ingest.products import CleanProducts, clean_products
from engine.ingest.report import NOT_USED, ProblemLog
from engine.ingest.samples import SAMPLE_ROWS
from engine.ingest.sources import Source
from engine.ingest.tables import Tables

__all__ = ["DryRun", "dry_run"]

# Nothing of a dry run is stored, so any key will do for shoppers that are e-mail addresses.
_KEY = bytes(32)


@dataclass(frozen=True)
class DryRun:
    """The sample as it would be loaded.

    Attributes
    ----------
    products : None without a products file, or where none of its sampled rows can be used.
    events : user_id, item_id, timestamp of the events that can be used; None where none can, or a column is missing.
    problems : what was wrong, by the same kinds as in the load's report.
    failed : role -> why none of its rows can be used.
    notes : role -> what was decided about its file.
    pictured : sampled products that have a picture in the zip or folder; None where no pictures were given.
    n_rows : role -> sampled rows.
    """

    tables: Tables
    products: CleanProducts | None
    events: pd.DataFrame | None
    problems: ProblemLog
    failed: Mapping[str, str]
    notes: Mapping[str, list[str]]
    n_rows: Mapping[str, int]
    pictured: int | None = None

    @property
    def roles(self) -> list[str]:
        """The roles that have files."""
        return list(self.n_rows)

    def source(self, role: str) -> Source:
        """The table of a role."""
        source = self.tables.items.source if role == "items" and self.tables.items else self.tables.events
        assert source is not None
        return source

    def fields(self, role: str) -> Mapping[str, str]:
        """field -> column of a role's table."""
        return self.tables.item_columns if role == "items" else self.tables.event_columns

    def field_of(self, role: str) -> dict[str, str]:
        """column -> field of a role's table; a field that is made from several columns is each one's."""
        found = {column: field for field, column in self.fields(role).items()}
        if role == "items":
            columns = self.source(role).columns
            for name, derived in self.tables.preset.items.derived.items():
                if name in ITEM_COLUMNS and name not in self.fields(role):
                    found |= {column: name for column in derived_from(derived, columns) if column not in found}
        return found

    def became(self, role: str) -> Mapping[str, str]:
        """column -> what became of it, where that is known."""
        if role == "items" and self.products is not None:
            return self.products.columns
        field_of = {column: field for field, column in self.fields(role).items()}
        return {column: field_of.get(column, NOT_USED) for column in self.source(role).columns if column}

    def preset_of(self, role: str) -> str:
        """The title of the system or data set that a role's files are read as, "" for none."""
        words = self.tables.recognised.get(role, "").split(";")[0].removeprefix("recognised as ")
        return words or (self.tables.preset.title if self.tables.preset.name not in ("", "none") else "")

    def whole(self, role: str) -> bool:
        """Whether the sample is all that there is."""
        return self.n_rows[role] < SAMPLE_ROWS


def dry_run(
    connection: duckdb.DuckDBPyConnection,
    tables: Tables,
    corrections: Corrections,
    n_rows: Mapping[str, int],
    images: Path | None = None,
) -> DryRun:
    """Clean the sampled products and events as a load would; what it would refuse wholly is kept in `failed`.

    Events must name a product only where the sample has all of them. Pictures are matched by their names, and none is decoded. Raises
    `ImageError` where `images` is neither a folder nor a readable zip.
    """
    connection.execute("SET TimeZone = 'UTC'")
    problems, failed = ProblemLog(), {}
    notes = {role: list(lines) for role, lines in tables.notes.items()}
    products = events = None
    if tables.items is not None and "item_id" in tables.item_columns:
        try:
            products = clean_products(
                connection, tables.items, tables.item_columns, tables.preset.items, tables.ids, corrections, problems
            )
            # Columns that are left out say so in the table of columns.
            notes["items"] += [note for note in products.notes if not note.startswith(LEFT_OUT)]
        except InputError as exc:
            failed["items"] = str(exc)
    known = None
    if products is not None and tables.items is not None and n_rows["items"] < SAMPLE_ROWS:
        known = KnownProducts(products.items["item_id"], tables.items.aliases)
    if tables.events is not None and {"user_id", "item_id"} <= set(tables.event_columns):
        try:
            events, told = _clean_events(connection, tables, corrections.formats, known, problems)
            notes["interactions"] += told
        except InputError as exc:
            failed["interactions"] = str(exc)
    pictured = None if images is None or products is None else _count_pictured(products, tables, images)
    return DryRun(tables, products, events, problems, failed, notes, n_rows, pictured)


def _count_pictured(products: CleanProducts, tables: Tables, images: Path) -> int:
    named = [cell if isinstance(cell, str) else None for cell in products.items["image"]]
    aliases = tables.items.names() if tables.items else {}
    matching = match_pictures(list_pictures(images, ProblemLog()), products.items["item_id"].tolist(), named, aliases)
    return sum(path is not None for path in matching.paths)


def _clean_events(
    connection: duckdb.DuckDBPyConnection,
    tables: Tables,
    formats: Mapping[str, str],
    known: KnownProducts | None,
    problems: ProblemLog,
) -> tuple[pd.DataFrame, list[str]]:
    """The events that can be used, and what was decided about them."""
    assert tables.events is not None
    cleaned = clean_events(
        connection,
        tables.events,
        tables.event_columns,
        tables.preset.interactions,
        tables.ids,
        known,
        tables.preset.items.missing,
        formats,
        lambda: _KEY,
        problems,
    )
    events: pd.DataFrame = pq.read_table(cleaned.path, columns=["user_id", "item_id", "timestamp"]).to_pandas()
    return events, list(cleaned.notes)
