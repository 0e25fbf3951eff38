"""A table of properties, one row a product, property and time -> one row a product, with the latest value of each property."""

from __future__ import annotations

import duckdb

from engine.ingest.columns import ITEM_FIELDS, guess_columns
from engine.ingest.mapping import column_of
from engine.ingest.presets import Properties
from engine.ingest.profiles import profile_columns
from engine.ingest.shapes.tables import cell_text, relation, write_staged
from engine.ingest.sources import ROW, Source
from engine.ingest.staged_sql import quoted

__all__ = ["properties_of", "turn_properties"]

_MOST_COLUMNS = 60
# A property that fewer products have becomes no column.
_SHARE = 0.02
# What any system calls the columns of such a table, which has few others.
_PROPERTY = (
    *("property", "attribute", "attribute_name", "attribute_code", "attribute_key", "property_name", "property_key"),
    *("key", "field", "merkmal", "eigenschaft", "attribut", "propriete", "atributo", "attributo", "kenmerk"),
)
_VALUE = ("value", "attribute_value", "property_value", "wert", "valeur", "valor", "valore", "waarde")
_MOST_OTHERS = 3


def properties_of(source: Source) -> Properties | None:
    """How to read a table of properties without a preset; None for any other table."""
    names = guess_columns(source.columns, {"item_id": ITEM_FIELDS["item_id"]}, {})
    found = {
        field: next((actual for name in known if (actual := column_of(name, source.columns))), "")
        for field, known in (("property", _PROPERTY), ("value", _VALUE))
    }
    if "item_id" not in names or not all(found.values()) or len(source.columns) > len(found) + _MOST_OTHERS:
        return None
    if profile_columns(source)[names["item_id"]].unique:
        return None
    return Properties(item=names["item_id"], **found)


def turn_properties(
    connection: duckdb.DuckDBPyConnection, source: Source, rules: Properties
) -> tuple[Source, str] | None:
    """The turned table and a note about it; None where the file has not the columns."""
    columns = {
        name: column_of(getattr(rules, name) or "", source.columns) for name in ("item", "property", "value", "time")
    }
    if not all(columns[name] for name in ("item", "property", "value")):
        return None
    texts = {name: cell_text(source.staged(column)) for name, column in columns.items() if column}
    time = (
        f"coalesce(try_cast({texts['time']} AS DOUBLE), epoch(try_cast({texts['time']} AS TIMESTAMPTZ)))"
        if "time" in texts
        else "NULL"
    )
    connection.execute(f"""
        CREATE OR REPLACE TABLE properties AS
        SELECT item, property, arg_max(value, struct_pack(time := coalesce(time, 0.0), row := {ROW})) AS value, min({ROW}) AS {ROW}
        FROM (
            SELECT {ROW}, {texts["item"]} AS item, {texts["property"]} AS property, {texts["value"]} AS value, {time}::DOUBLE AS time
            FROM {relation(source)}
        ) WHERE item IS NOT NULL AND property IS NOT NULL AND value IS NOT NULL GROUP BY item, property
    """)
    n_products, n_properties = connection.execute(
        "SELECT count(DISTINCT item), count(DISTINCT property) FROM properties"
    ).fetchall()[0]
    kept = connection.execute(
        f"SELECT property FROM properties GROUP BY 1 HAVING count(*) >= {_SHARE} * {n_products}"
        f" ORDER BY count(*) DESC, property LIMIT {_MOST_COLUMNS}"
    ).fetchall()
    names = [name for (name,) in kept]
    values = "".join(
        f", any_value(value) FILTER (WHERE property = {quoted(name)}) AS c{position}"
        for position, name in enumerate(names, 1)
    )
    query = f"SELECT min({ROW}) AS {ROW}, item AS c0{values} FROM properties GROUP BY item ORDER BY 1"
    turned = write_staged(connection, query, source, [columns["item"], *names], "turned")
    connection.execute("DROP TABLE properties")
    note = (
        f"{source.n_rows:,} properties were turned into columns, the latest value of each:"
        f" {n_products:,} products, {len(names):,} of {n_properties:,} properties (the others are too rare)"
    )
    return turned, note
