"""`changes set|list|undo`: other pictures, texts and facts for products that the catalogue has already."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.cli.console import Console
from engine.cli.context import open_database, open_served, open_workspace
from engine.cli.product_arguments import given_fields
from engine.core.errors import InputError
from engine.edits.changes.merging import difference, field_labels

if TYPE_CHECKING:
    from engine.edits.changes.store import ChangeStore

__all__ = ["changes"]


def changes(arguments: argparse.Namespace, console: Console) -> None:
    """Do what the first word asks for."""
    {"set": _set, "list": _list, "undo": _undo}[arguments.what](arguments, console)


def _set(arguments: argparse.Namespace, console: Console) -> None:
    """Change the fields that are given; "" empties one. The product's neighbours follow at once."""
    (item_id,) = _ids(arguments, most=1)
    workspace, store, shop = open_workspace(arguments), _store(arguments), open_served(arguments, console)
    now = shop.as_trained.product(item_id)
    before = store.get(item_id)
    kinds = shop.as_trained.attribute_kinds
    changed = before.apply(now) if before else None
    seen = changed.readable_by(kinds, workspace) if changed else now
    wanted = seen.with_fields(given_fields(arguments, workspace)).typed(kinds)
    if not difference(seen, wanted)[1]:
        raise InputError("nothing would be changed. Give a field another value.", field=item_id)
    saved = store.save(item_id, now, wanted, None, before.version if before else 0)
    shop.refresh()
    fields = field_labels(saved.after) if saved else []
    text = f"Changed {item_id} ({', '.join(fields)}); the shop shows it now." if saved else f"Undone: {item_id}."
    console.result({"item_id": item_id, "fields": fields}, text)


def _list(arguments: argparse.Namespace, console: Console) -> None:
    """Every change, including those that a release or the shop's files have overtaken."""
    from engine.edits.changes.served import changed_products

    found, base = _store(arguments).all(), open_served(arguments, console).as_trained
    served = changed_products(base, open_workspace(arguments), found)
    values: list[dict[str, Any]] = [
        {
            "item_id": one.item_id,
            "fields": field_labels(one.after),
            "by": one.changed_by,
            "served": one.item_id in served,
        }
        for one in found
    ]
    rows = [
        [v["item_id"], ", ".join(v["fields"]), v["by"] or "", "yes" if v["served"] else "overtaken"] for v in values
    ]
    console.table(["product", "fields", "by", "served"], rows, {"changes": values})


def _undo(arguments: argparse.Namespace, console: Console) -> None:
    store, ids = _store(arguments), _ids(arguments)
    for item_id in ids:
        store.undo(item_id)
    console.result({"undone": ids}, f"Undone: {', '.join(ids)}.")


def _ids(arguments: argparse.Namespace, most: int | None = None) -> list[str]:
    if not arguments.ids or (most and len(arguments.ids) > most):
        raise InputError("name the product by its id." if most else "name the products by their ids.", field="ids")
    return list(arguments.ids)


def _store(arguments: argparse.Namespace) -> ChangeStore:
    from engine.edits.changes.store import ChangeStore

    return ChangeStore(open_database(arguments), open_workspace(arguments))
