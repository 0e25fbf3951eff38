"""`neighbours` and `similar`: the lists that the shop serves, and those of a product that it does not have."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from engine.cli.console import Console
from engine.cli.context import open_served, open_settings, open_workspace
from engine.cli.product_arguments import given_product, read_bytes
from engine.core.errors import InputError

__all__ = ["chosen_arm", "chosen_k", "neighbours", "similar"]


def neighbours(arguments: argparse.Namespace, console: Console) -> None:
    """Write item_id, rank, neighbour_id and score of every product, or of those in a file."""
    from engine.core.exports import format_of, write_table

    format_of(arguments.out)  # a name that cannot be written to is refused before the work, not after
    shop = open_served(arguments, console, arguments.release)
    wanted = _read_ids(arguments.items) if arguments.items else None
    table = shop.neighbours_all(chosen_arm(arguments), chosen_k(arguments), wanted)
    write_table(table, arguments.out)
    everything = len(shop.release.items) + len(shop.drafts.ids)
    asked, listed = everything if wanted is None else len(wanted), table["item_id"].nunique()
    console.result(
        {"release_id": shop.release_id, "items": asked, "with_list": listed, "rows": len(table)},
        f"{arguments.out}: {len(table):,} neighbours of {listed:,} products"
        + (f"; {asked - listed:,} products have none by this arm." if listed < asked else "."),
    )


def similar(arguments: argparse.Namespace, console: Console) -> None:
    """Print the neighbours of a product that only the arguments describe."""
    shop = open_served(arguments, console)
    product = given_product(arguments, open_workspace(arguments))
    found = shop.neighbours_of_unseen(product, chosen_k(arguments), chosen_arm(arguments))
    titles = shop.release.items["title"]
    rows = [
        [n.rank, n.item_id, f"{n.score:.3f}", titles.iloc[n.row] if isinstance(titles.iloc[n.row], str) else ""]
        for n in found
    ]
    values = [{"rank": n.rank, "item_id": n.item_id, "score": n.score} for n in found]
    console.table(["rank", "item_id", "score", "title"], rows, {"neighbours": values})


def chosen_arm(arguments: argparse.Namespace) -> str:
    """Whose lists: those that shoppers are served unless another arm is asked for."""
    from engine.arms.registry import SERVED

    return str(arguments.arm or SERVED)


def chosen_k(arguments: argparse.Namespace) -> int:
    """How many neighbours: as many as pages show unless another number is asked for."""
    return int(arguments.k or open_settings(arguments).serving.neighbours)


def _read_ids(path: Path) -> list[str]:
    """Item ids of a file: one a line, or the column item_id of a CSV or Parquet table; each once, in order."""
    import pandas as pd

    if path.suffix == ".parquet":
        try:
            table = pd.read_parquet(path)
        except (OSError, ValueError) as exc:
            raise InputError(f"not a Parquet file that can be read ({exc}).", file=str(path)) from exc
        if "item_id" not in table:
            raise InputError("it has no such column.", file=str(path), field="item_id")
        ids = [str(value) for value in table["item_id"]]
    else:
        lines = read_bytes(path).decode("utf-8-sig", errors="replace").splitlines()
        if path.suffix == ".csv":
            reader = csv.DictReader(lines)
            if "item_id" not in (reader.fieldnames or []):
                raise InputError("it has no such column.", file=str(path), field="item_id")
            ids = [row["item_id"] for row in reader]
        else:
            ids = [line.strip() for line in lines if line.strip()]
    if not ids:
        raise InputError("it names no products.", file=str(path))
    return list(dict.fromkeys(ids))
