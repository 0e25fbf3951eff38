"""SQL over a staged table of events: one normalised row per event, and what rejects it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pyarrow as pa

from engine.catalogue.taken_back import LOOKED, TAKEN_BACK, VOID
from engine.ingest.columns import ITEM_TEXTS
from engine.ingest.event_plan import EventPlan
from engine.ingest.reading.number_format import NumberFormat
from engine.ingest.shoppers import named_shopper
from engine.ingest.sources import ROW, Source
from engine.ingest.staged_sql import Check, IdRules, id_checks, id_sql, quoted, staged_types, with_texts

__all__ = ["event_checks", "item_ids_sql", "normalised_sql"]

# What programs write where there is no product, in small letters.
_NO_PRODUCT = (
    "(not set)",
    "not set",
    "undefined",
    "null",
    "(null)",
    "none",
    "(none)",
    "na",
    "n/a",
    "nan",
    "(other)",
    "-1",
    "-",
)


def normalised_sql(plan: EventPlan) -> str:
    """A relation over the view `staged` with one row per event and every field, null where the file lacks it.

    `named` is the shopper as the file has them, `value_read` and `price_read` the numbers as they were read.
    """
    present = plan.staged()
    cells = _typed_cells(plan)

    def text(name: str) -> str:
        return f"{name}_text" if name in present else "NULL::VARCHAR"

    people = ["named", "visitor"] if "visitor_id" in present else ["named"]
    shopper = f"coalesce({', '.join(plan.shoppers.known(name) for name in people)})"
    spelled = {name: column for name, column in present.items() if name not in cells}
    texts = ", ".join(f"{_without(text(name), plan.missing)} AS {name}" for name in ITEM_TEXTS)
    return f"""(
        SELECT event.* EXCLUDE (kind, void, time_number, visitor), {shopper} AS user_id, {plan.times.seconds} AS seconds,
            {_event_sql(plan)} AS event, {_value_sql(plan)} AS value,
            CASE WHEN price_read >= 0 AND NOT isinf(price_read) THEN price_read END AS price
        FROM (
            SELECT {ROW}, {named_shopper(text("user_id"), plan.rules)} AS named,
                {named_shopper(text("visitor_id"), plan.rules)} AS visitor,
                {id_sql("item_id_text", plan.ids)} AS item_id,
                {plan.kinds.kind_sql()} AS kind, {plan.kinds.void_sql(present)} AS void,
                {_numbers_sql(plan.numbers, cells)},
                {cells.get("time") or plan.times.present_sql(text("time"))} AS time_text,
                {plan.times.number} AS time_number, {texts}
            FROM {with_texts("staged", spelled, staged_types(plan.source.path))}
        ) event {" ".join(plan.shoppers.join(name) for name in people)}
    )"""


def item_ids_sql(source: Source, column: str, ids: IdRules) -> str:
    """A relation over the view `staged` with item_id, as `normalised_sql` has it."""
    texts = with_texts("staged", {"item_id": source.staged(column)}, staged_types(source.path))
    return f"(SELECT {id_sql('item_id_text', ids)} AS item_id FROM {texts})"


def _typed_cells(plan: EventPlan) -> dict[str, str]:
    """SQL for the cells of "value", "price" and "time" whose columns are numbers or times already, which need no text."""
    types, cells = staged_types(plan.source.path), {}
    for name, column in plan.staged().items():
        kind = types[column]
        if name not in ("value", "price", "time"):
            continue
        if pa.types.is_floating(kind):
            cells[name] = f"CASE WHEN isnan({column}) THEN NULL ELSE {column} END"
        elif pa.types.is_integer(kind) or pa.types.is_temporal(kind):
            cells[name] = column
    return cells


def _numbers_sql(forms: Mapping[str, NumberFormat], cells: Mapping[str, str]) -> str:
    """The numbers as they were read, and as they are written; of cells that are numbers these are one."""
    columns = []
    for name in ("value", "price"):
        read, raw = "NULL::DOUBLE", "NULL::VARCHAR"
        if name in cells:
            read, raw = f"({cells[name]})::DOUBLE", cells[name]
        elif name in forms:
            read, raw = forms[name].sql(f"{name}_text"), forms[name].present_sql(f"{name}_raw")
        columns.append(f"{read} AS {name}_read, {raw} AS {name}_raw")
    return ", ".join(columns)


def _event_sql(plan: EventPlan) -> str:
    """The kind of event; void orders and negative quantities take interest back."""
    cases = []
    if plan.kinds.may_be_void:
        cases.append(f"WHEN void AND coalesce(kind NOT IN ({_listed(TAKEN_BACK)}), true) THEN '{VOID}'")
    if plan.value_kind == "quantity":
        cases.append("WHEN value_read < 0 AND kind = 'cart' THEN 'remove_from_cart'")
        cases.append("WHEN value_read < 0 AND kind = 'wishlist' THEN 'remove_from_wishlist'")
        returned = f"coalesce(kind NOT IN ({_listed([*LOOKED, *TAKEN_BACK])}), true)"
        cases.append(f"WHEN value_read < 0 AND {returned} THEN 'refund'")
    if plan.value_kind == "rating" and plan.rules.unrated is not None:
        cases.append(f"WHEN value_read = {plan.rules.unrated!r} THEN 'view'")
    return f"CASE {' '.join(cases)} ELSE kind END" if cases else "kind"


def _value_sql(plan: EventPlan) -> str:
    if plan.value_kind == "quantity":
        return "abs(value_read)"
    if plan.value_kind == "rating" and plan.rules.unrated is not None:
        return f"nullif(value_read, {plan.rules.unrated!r})"
    return "value_read"


def _without(text: str, missing: Collection[str]) -> str:
    return f"CASE WHEN {text} IN ({', '.join(map(quoted, missing))}) THEN NULL ELSE {text} END" if missing else text


def _listed(words: Collection[str]) -> str:
    return ", ".join(map(quoted, words))


def event_checks(plan: EventPlan, *, items_given: bool) -> list[Check]:
    """What rejects an event, in the order in which it is checked."""
    message = (
        "this stands for nobody (NA, (not set), guest and the like), so it is not a shopper; the row was left out."
    )
    nobody = "user_id IS NULL AND named IS NOT NULL"
    checks = [Check("placeholder_shopper", "user_id", nobody, "named", message)]
    checks += id_checks("user_id", "user_id", "shopper") + id_checks("item_id", "item_id", "product")
    if plan.rules.item_pattern:
        pattern = f"NOT regexp_matches(item_id, {quoted(plan.rules.item_pattern)})"
        message = "this code is not a product's (postage, fees, adjustments); the row was left out."
        checks.append(Check("not_a_product", "item_id", pattern, "item_id", message))
    if plan.value_field:
        checks += _value_checks(plan.value_field, plan.value_kind)
    if "price" in plan.columns and plan.rules.price_above_zero:
        message = "the price is missing or zero, so this is not a sale; the row was left out."
        checks.append(Check("no_price", "price", "coalesce(price, 0) = 0", "price_raw", message))
    if items_given:
        message = "no product of this shop has this id. Add the product or remove the row."
        checks.append(Check("unknown_item", "item_id", "known_id IS NULL", "item_id", message))
    else:
        words = _listed(_NO_PRODUCT)
        nothing = f"strlen(item_id) <= {max(map(len, _NO_PRODUCT))} AND lower(item_id) IN ({words})"
        message = "this stands for no product (NA, (not set) and the like); the row was left out."
        checks.append(Check("placeholder_product", "item_id", nothing, "item_id", message))
    return checks


def _value_checks(field: str, kind: str | None) -> list[Check]:
    unread = "value_raw IS NOT NULL AND (value_read IS NULL OR isnan(value_read) OR isinf(value_read))"
    message = f"the {field} is not a number. Correct it or leave it empty."
    checks = [Check("not_a_number", field, unread, "value_raw", message)]
    if kind == "quantity":
        message = "the quantity is negative, but nothing was bought that could come back. Remove the row."
        checks.append(
            Check("negative_number", field, f"value_read < 0 AND event IN ({_listed(LOOKED)})", "value_raw", message)
        )
        message = "the quantity is zero, so nobody wanted anything. Remove the row."
        checks.append(Check("zero_quantity", field, "value_read = 0", "value_raw", message))
    return checks
