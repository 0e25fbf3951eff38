"""SQL over a staged table of events: one normalised row per event, and what rejects it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from engine.ingest.columns import ITEM_TEXTS
from engine.ingest.presets import EventRules
from engine.ingest.sources import ROW, Source
from engine.ingest.staged_sql import Check, IdRules, id_checks, id_sql, number_sql, quoted, staged_types, with_texts
from engine.ingest.times import TimePlan

__all__ = ["VALUE_FIELDS", "event_checks", "normalised_sql"]

VALUE_FIELDS = ("rating", "quantity", "value")
# Events that take interest back; nobody knows which earlier event they undo, so they are left out and reported.
_TAKEN_BACK = r"^(remove|return|refund|cancel|dislike|un)[a-z_ -]*"


def normalised_sql(
    source: Source,
    columns: Mapping[str, str],
    rules: EventRules,
    ids: IdRules,
    value_field: str | None,
    words: Mapping[str, str],
    times: TimePlan,
    missing: Collection[str],
) -> str:
    """A relation over the view `staged` with one row per event and every field, null where the file lacks it.

    Parameters
    ----------
    value_field : of `VALUE_FIELDS`, the one in `columns`.
    words : each word the file uses for a kind of event, in lower case -> the kind's name.
    missing : product texts that mean "no value".
    """
    present = _staged_columns(source, columns, value_field)

    def text(name: str) -> str:
        return f"{name}_text" if name in present else "NULL::VARCHAR"

    texts = ", ".join(f"{_without(text(name), missing)} AS {name}" for name in ITEM_TEXTS)
    return f"""(
        SELECT * EXCLUDE (word, time_number), {_kind_sql(words)} AS event, {times.seconds} AS seconds FROM (
            SELECT {ROW}, {_user_sql(rules)} AS user_id, {id_sql("item_id_text", ids)} AS item_id,
                {_word_sql("event" in present, rules)} AS word, {_numbers_sql(present)},
                {text("time")} AS time_text, {times.number} AS time_number, {texts}
            FROM {with_texts("staged", present, staged_types(source.path))}
        )
    )"""


def _staged_columns(source: Source, columns: Mapping[str, str], value_field: str | None) -> dict[str, str]:
    """Field -> staged column; the numbers are "value", whatever they mean, and the times "time"."""
    staged = {name: source.staged(column) for name, column in columns.items() if name not in VALUE_FIELDS}
    if "timestamp" in staged:
        staged["time"] = staged.pop("timestamp")
    if value_field:
        staged["value"] = source.staged(columns[value_field])
    return staged


def _user_sql(rules: EventRules) -> str:
    user = id_sql("user_id_text")
    for nobody in rules.no_user:
        user = f"nullif({user}, {quoted(nobody)})"
    return user


def _word_sql(named: bool, rules: EventRules) -> str:
    if named:
        return "lower(event_text)"
    return quoted(rules.event) if rules.event else "NULL::VARCHAR"


def _numbers_sql(present: Collection[str]) -> str:
    return ", ".join(
        f"{number_sql(f'{name}_text')} AS {name}, {name}_raw"
        if name in present
        else f"NULL::DOUBLE AS {name}, NULL::VARCHAR AS {name}_raw"
        for name in ("value", "price")
    )


def _kind_sql(words: Mapping[str, str]) -> str:
    renamed = {word: name for word, name in words.items() if word != name}
    if not renamed:
        return "word"
    cases = " ".join(f"WHEN {quoted(word)} THEN {quoted(name)}" for word, name in renamed.items())
    return f"CASE word {cases} ELSE word END"


def _without(text: str, missing: Collection[str]) -> str:
    return f"CASE WHEN {text} IN ({', '.join(map(quoted, missing))}) THEN NULL ELSE {text} END" if missing else text


def event_checks(
    columns: Mapping[str, str], rules: EventRules, value_field: str | None, value_kind: str | None, *, items_given: bool
) -> list[Check]:
    """What rejects an event, in the order in which it is checked."""
    checks = id_checks("user_id", "user_id", "shopper") + id_checks("item_id", "item_id", "product")
    if rules.item_pattern:
        pattern = f"NOT regexp_matches(item_id, {quoted(rules.item_pattern)})"
        message = "this code is not a product's (postage, fees, adjustments); the row was left out."
        checks.append(Check("not_a_product", "item_id", pattern, "item_id", message))
    if value_field:
        checks += _value_checks(value_field, value_kind)
    if "price" in columns:
        checks += _price_checks(rules)
    if "event" in columns:
        message = "this event takes interest back; the row was left out."
        checks.append(Check("taken_back", "event", f"regexp_matches(event, {quoted(_TAKEN_BACK)})", "event", message))
    if items_given:
        message = "no product of this shop has this id. Add the product or remove the row."
        checks.append(Check("unknown_item", "item_id", "known_id IS NULL", "item_id", message))
    return checks


def _value_checks(field: str, kind: str | None) -> list[Check]:
    checks = _number_checks(field, "value")
    if kind == "quantity":
        message = "the quantity is zero, so nobody wanted anything. Remove the row."
        checks.append(Check("zero_quantity", field, "value = 0", "value_raw", message))
    return checks


def _price_checks(rules: EventRules) -> list[Check]:
    checks = _number_checks("price", "price")
    if rules.price_above_zero:
        message = "the price is missing or zero, so this is not a sale; the row was left out."
        checks.append(Check("no_price", "price", "coalesce(price, 0) = 0", "price_raw", message))
    return checks


def _number_checks(field: str, name: str) -> list[Check]:
    text = f"{name}_raw"
    unread = f"{text} IS NOT NULL AND ({name} IS NULL OR isnan({name}) OR isinf({name}))"
    return [
        Check("not_a_number", field, unread, text, f"the {field} is not a number. Correct it or leave it empty."),
        Check("negative_number", field, f"{name} < 0", text, f"the {field} is negative. Remove the row."),
    ]
