"""`places list|give|end`: products that stand higher on lists than they would by themselves, for some days."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.cli.console import Console
from engine.cli.context import open_database, open_served
from engine.core.errors import InputError

if TYPE_CHECKING:
    from engine.edits.places.store import Kind, PlaceStore

__all__ = ["places"]


def places(arguments: argparse.Namespace, console: Console) -> None:
    """Do what the first word asks for."""
    {"list": _list, "give": _give, "end": _end}[arguments.what](arguments, console)


def _list(arguments: argparse.Namespace, console: Console) -> None:
    """Every place that has not ended, the one that ends first first."""
    found = _store(arguments).all()
    values: list[dict[str, Any]] = [
        {"item_id": one.item_id, "kind": one.kind, "lists": one.lists, "until": one.until.isoformat(timespec="minutes"), "by": one.given_by}
        for one in found
    ]  # fmt: skip
    rows = [[v["item_id"], v["kind"], f"{v['lists']:,}" if v["lists"] else "all", v["until"], v["by"] or ""] for v in values]  # fmt: skip
    console.table(["product", "place", "lists", "until (UTC)", "by"], rows, {"places": values})


def _give(arguments: argparse.Namespace, console: Console) -> None:
    """Give products of the shop, or approved drafts, a place from now on; it replaces the one they have."""
    store, shop = _store(arguments), open_served(arguments, console)
    drafts = set(shop.drafts.ids)
    ids = _ids(arguments)
    for item_id in ids:
        if item_id not in shop.release and item_id not in drafts:
            raise InputError("there is no such product in the shop; no place was given.", field=item_id)
    kind: Kind = "boosted" if arguments.boost else "guaranteed"
    given = [
        store.give(one, kind, arguments.days, None, lambda _: True, lists=0 if arguments.boost else arguments.lists)
        for one in ids
    ]
    until = given[0].until
    where = "a head start on every list" if arguments.boost else f"a place on {arguments.lists:,} lists"
    values = {"given": ids, "kind": kind, "until": until.isoformat(timespec="minutes")}
    console.result(values, f"{', '.join(ids)}: {where} until {until:%-d %B %Y, %H:%M} UTC.")


def _end(arguments: argparse.Namespace, console: Console) -> None:
    """End the places of products; of one that has none nothing changes."""
    store, ids = _store(arguments), _ids(arguments)
    had = {one.item_id for one in store.all()}
    for item_id in ids:
        store.take_back(item_id)
    ended = [one for one in ids if one in had]
    without = [one for one in ids if one not in had]
    said = f"Ended: {', '.join(ended)}." if ended else "Nothing ended."
    console.result({"ended": ended}, said + (f" Without a place: {', '.join(without)}." if without else ""))


def _ids(arguments: argparse.Namespace) -> list[str]:
    if not arguments.ids:
        raise InputError("name the products by their ids.", field="ids")
    return list(dict.fromkeys(arguments.ids))


def _store(arguments: argparse.Namespace) -> PlaceStore:
    from engine.edits.places.store import PlaceStore

    return PlaceStore(open_database(arguments))
