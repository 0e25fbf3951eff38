"""`neighbours`, `similar` and `export`: what the served release says, written for people and other programs."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli.console import Console
from engine.cli.context import open_judgements, open_served, open_settings, open_workspace
from engine.cli.product_arguments import given_product, read_bytes
from engine.core.errors import InputError
from engine.core.storage import atomic_write

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["export", "neighbours", "similar"]


def neighbours(arguments: argparse.Namespace, console: Console) -> None:
    """Write item_id, rank, neighbour_id and score of every product, or of those in a file."""
    from engine.core.exports import write_table

    shop = open_served(arguments, console, arguments.release)
    wanted = _read_ids(arguments.items) if arguments.items else None
    table = shop.neighbours_all(arguments.arm, _k(arguments), wanted)
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
    found = shop.neighbours_of_unseen(product, _k(arguments), arguments.arm)
    titles = shop.release.items["title"]
    rows = [
        [n.rank, n.item_id, f"{n.score:.3f}", titles.iloc[n.row] if isinstance(titles.iloc[n.row], str) else ""]
        for n in found
    ]
    values = [{"rank": n.rank, "item_id": n.item_id, "score": n.score} for n in found]
    console.table(["rank", "item_id", "score", "title"], rows, {"neighbours": values})


def export(arguments: argparse.Namespace, console: Console) -> None:
    """Write a table of the shop: neighbours, judgements, or the irrelevance rate by interaction count."""
    from engine.core.exports import write_table

    if arguments.what == "qrels":
        from engine.curation.evidence import qrels

        text = qrels(open_judgements(arguments).current())
        atomic_write(arguments.out, text)
        console.result({"rows": text.count("\n")}, f"{arguments.out}: {text.count(chr(10)):,} pairs.")
        return
    table = {"neighbours": _neighbours_table, "judgements": _judgements_table, "irrelevance": _irrelevance_table}[
        arguments.what
    ](arguments, console)
    write_table(table, arguments.out)
    console.result({"rows": len(table)}, f"{arguments.out}: {len(table):,} rows.")


def _k(arguments: argparse.Namespace) -> int:
    """How many neighbours: as many as pages show unless said otherwise."""
    return int(arguments.k or open_settings(arguments).serving.neighbours)


def _neighbours_table(arguments: argparse.Namespace, console: Console) -> pd.DataFrame:
    return open_served(arguments, console).neighbours_all(arguments.arm, _k(arguments))


def _judgements_table(arguments: argparse.Namespace, _console: Console) -> Any:
    return open_judgements(arguments).log()


def _irrelevance_table(arguments: argparse.Namespace, console: Console) -> Any:
    from engine.curation.rates.shop_rates import shop_rates

    judgements, shop = open_judgements(arguments), open_served(arguments, console)
    if judgements.has_demo():
        console.note("Sample judgements of the demo shop are among them; the Irrelevance page can remove them.")
    seed = open_settings(arguments).seed
    return shop_rates(judgements, shop.release, open_workspace(arguments), k=_k(arguments), seed=seed)


def _read_ids(path: Path) -> list[str]:
    """Item ids of a file: one a line, or the column item_id of a CSV or Parquet table; each once, in order."""
    import pandas as pd

    if path.suffix == ".parquet":
        try:
            table = pd.read_parquet(path)
        except (OSError, ValueError) as exc:
            raise InputError(f"not a Parquet file that can be read ({exc}).", file=str(path)) from exc
        if "item_id" not in table:
            raise InputError("there is no such column.", file=str(path), field="item_id")
        ids = [str(value) for value in table["item_id"]]
    else:
        lines = read_bytes(path).decode("utf-8-sig", errors="replace").splitlines()
        if path.suffix == ".csv":
            reader = csv.DictReader(lines)
            if "item_id" not in (reader.fieldnames or []):
                raise InputError("there is no such column.", file=str(path), field="item_id")
            ids = [row["item_id"] for row in reader]
        else:
            ids = [line.strip() for line in lines if line.strip()]
    if not ids:
        raise InputError("it names no products.", file=str(path))
    return list(dict.fromkeys(ids))
