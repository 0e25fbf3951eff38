"""What would be loaded otherwise than people expect, told before they load: what to do, and corrections that may mend it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from engine.ingest.candidates import id_columns, price_columns
from engine.ingest.dry_run import DryRun
from engine.ingest.presets.recognition import recognise
from engine.ingest.unused import UnusedColumn, unused_columns

__all__ = ["load_warnings"]

_MOST = 0.5
_UNREAD = 0.05
_MANY = 0.2
_NO_PRICE = "Prices would play no part in what is similar."
_NO_TIME = "Old clicks would count like new ones."


def load_warnings(run: DryRun) -> list[dict[str, Any]]:
    """`engine.ingest.preview.LoadWarning`s as JSON values, the gravest first."""
    unused = {role: unused_columns(role, run.source(role), run.fields(role), run.became(role)) for role in run.roles}
    told = [
        *_swapped(run),
        *_failures(run),
        *_faults(run),
        *_matches(run),
        *_times(run, unused),
        *_products(run, unused),
        *_pictures(run),
    ]
    offered = {tuple(fix) for warning in told for fix in warning["fixes"]}
    for role, columns in unused.items():
        told += [
            _warning(f"{one.column} looks like {one.words} and is not used.", (role, one.column, one.field))
            for one in columns
            if (role, one.column, one.field) not in offered
        ]
    return told


def _warning(message: str, *fixes: tuple[str, str, str]) -> dict[str, Any]:
    """`fixes` are role, column, field."""
    return {"message": message, "fixes": [list(fix) for fix in fixes]}


def _swapped(run: DryRun) -> Iterator[dict[str, Any]]:
    """Products given as events, and events given as products."""
    for role in run.roles:
        other = "interactions" if role == "items" else "items"
        source = run.source(role)
        if role in run.tables.recognised or (preset := recognise(other, source)) is None:
            continue
        words = {"items": "products", "interactions": "clicks, orders or ratings"}
        yield _warning(
            f"{source.name} looks like {words[other]} of {preset.title}, not {words[role]}. Give it to the other field above."
        )


def _failures(run: DryRun) -> Iterator[dict[str, Any]]:
    for why in run.failed.values():
        yield _warning(why)


def _faults(run: DryRun) -> Iterator[dict[str, Any]]:
    """What is wrong with many rows, by the first of them."""
    told = {"unknown_item", "unreadable_time"}  # these have a warning of their own
    for problem in run.problems.shown:
        role = next((role for role in run.roles if run.source(role).name == problem.file), None)
        count = run.problems.counts[problem.kind]
        if role is None or count <= _MANY * run.n_rows[role]:
            continue
        if problem.kind in told or (role == "items" and problem.field == run.fields(role).get("price")):
            continue
        told.add(problem.kind)
        where = f"row {problem.row}" + (
            f", {problem.field}: {problem.value!r}" if problem.field and problem.value else ""
        )
        yield _warning(
            f"{count:,} of the first {run.n_rows[role]:,} rows of {problem.file} have the same fault: {problem.message}"
            f" The first is {where}."
        )


def _matches(run: DryRun) -> Iterator[dict[str, Any]]:
    """Events that name no products, and the columns whose values would."""
    if run.products is None or "interactions" not in run.roles:
        return
    now = run.fields("interactions").get("item_id")
    better = {name: share for name, share in id_columns(run).items() if name != now}
    fixes = [("interactions", name, "item_id") for name in better]
    if now is None:
        for name, share in better.items():
            yield _warning(f"{share:.0%} of the values of {name} are ids of the products file.", *fixes)
    elif run.events is not None:
        yield from _unmatched(run, run.events, fixes)
    elif better:
        yield _warning(f"{next(iter(better))} holds ids of the products file, and {now} does not.", *fixes)


def _unmatched(run: DryRun, events: pd.DataFrame, fixes: list[tuple[str, str, str]]) -> Iterator[dict[str, Any]]:
    """Events whose products the products file lacks. Of a long file only the first products are known here."""
    compared = {role: run.fields(role)["item_id"] for role in run.roles}
    advice = (
        f"{compared['interactions']} of the events is compared with {compared['items']} of the products; choose columns that"
        " hold the same ids."
    )
    if not run.whole("items"):
        if not events["item_id"].isin(_known_ids(run)).any():
            some = len(_known_ids(run))
            yield _warning(f"None of the first events names one of the first {some:,} products. {advice}", *fixes)
        return
    unknown = run.problems.counts["unknown_item"]
    total = unknown + len(events)
    if unknown > _MOST * total:
        value = next((problem.value for problem in run.problems.shown if problem.kind == "unknown_item"), "")
        yield _warning(
            f"{unknown / total:.0%} of the first {total:,} events name no product of the products file, for example"
            f" {value!r}. {advice}",
            *fixes,
        )


def _known_ids(run: DryRun) -> set[str]:
    """Ids of the sampled products, and those that other columns and variants give them."""
    assert run.products is not None
    assert run.tables.items is not None
    aliases = (alias for table in run.tables.items.aliases.values() for alias in table["alias"])
    return {*run.products.items["item_id"], *aliases}


def _times(run: DryRun, unused: dict[str, list[UnusedColumn]]) -> Iterator[dict[str, Any]]:
    if run.events is None:
        return
    column = run.fields("interactions").get("timestamp")
    if column is None:
        yield _warning(
            f"No column is read as the time of the events. {_NO_TIME}", *_fixes(unused, "interactions", "timestamp")
        )
        return
    unread = run.problems.counts["unreadable_time"]
    if unread > _UNREAD * len(run.events):
        example = next((problem.value for problem in run.problems.shown if problem.kind == "unreadable_time"), "")
        yield _warning(
            f"{unread:,} of the first {len(run.events):,} times in {column} cannot be read, for example {example!r}."
            f" {_NO_TIME} Write times like 2024-05-31 14:00:00."
        )


def _products(run: DryRun, unused: dict[str, list[UnusedColumn]]) -> Iterator[dict[str, Any]]:
    if run.products is None:
        return
    fields, items = run.fields("items"), run.products.items
    if items["title"].isna().all():
        yield _warning(
            "No column is read as the title. Products would be shown by their ids alone.",
            *_fixes(unused, "items", "title"),
        )
    priced = float(items["price"].notna().mean())
    if priced > _MOST or (run.tables.preset.price_from_events and "price" in run.fields("interactions")):
        return
    if "price" not in fields:
        yield _warning(f"No column is read as the price. {_NO_PRICE}", *_price_fixes(run))
        return
    found = next((problem.value for problem in run.problems.shown if problem.field == fields["price"]), None)
    yield _warning(
        f"Only {priced:.0%} of the first {len(items):,} products have a price that can be read in {fields['price']}"
        f"{f', which holds values like {found!r}' if found else ''}. Choose another column, or correct the prices.",
        *_price_fixes(run),
    )


def _price_fixes(run: DryRun) -> list[tuple[str, str, str]]:
    return [("items", name, "price") for name in price_columns(run)]


def _pictures(run: DryRun) -> Iterator[dict[str, Any]]:
    if run.pictured is None or run.products is None or run.pictured > _MOST * len(run.products.items):
        return
    column = run.fields("items").get("image")
    named = f" or as {column} says" if column else ", or say which column names them"
    yield _warning(
        f"Only {run.pictured:,} of the first {len(run.products.items):,} products have a picture in the zip. Name each picture"
        f" after its product ID{named}."
    )


def _fixes(unused: dict[str, list[UnusedColumn]], role: str, field: str) -> list[tuple[str, str, str]]:
    return [(role, one.column, one.field) for one in unused.get(role, []) if one.field == field]
