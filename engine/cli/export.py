"""`export`: tables of the shop for other programs, the same figures that the dashboard shows."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from engine.cli.console import Console
from engine.cli.context import open_judgements, open_served, open_settings, open_workspace
from engine.cli.neighbours import chosen_arm, chosen_k
from engine.core.storage import atomic_write

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["export"]


def export(arguments: argparse.Namespace, console: Console) -> None:
    """Write the table that the first word asks for."""
    if arguments.what == "qrels":
        _qrels(arguments, console)
        return
    from engine.core.exports import format_of, write_table

    format_of(arguments.out)  # a name that cannot be written to is refused before the work, not after
    tables = {"neighbours": _neighbours, "judgements": _judgements, "irrelevance": _irrelevance}
    table = tables[arguments.what](arguments, console)
    write_table(table, arguments.out)
    console.result({"rows": len(table)}, f"{arguments.out}: {len(table):,} rows.")


def _neighbours(arguments: argparse.Namespace, console: Console) -> pd.DataFrame:
    return open_served(arguments, console).neighbours_all(chosen_arm(arguments), chosen_k(arguments))


def _judgements(arguments: argparse.Namespace, _console: Console) -> pd.DataFrame:
    return open_judgements(arguments).log()


def _irrelevance(arguments: argparse.Namespace, console: Console) -> pd.DataFrame:
    from engine.curation.rates.shop_rates import shop_rates

    judgements, shop = open_judgements(arguments), open_served(arguments, console)
    if judgements.has_demo():
        console.note("Sample judgements of the demo shop are among them; the Irrelevance page can remove them.")
    seed = open_settings(arguments).seed
    return shop_rates(judgements, shop.release, open_workspace(arguments), k=chosen_k(arguments), seed=seed)


def _qrels(arguments: argparse.Namespace, console: Console) -> None:
    from engine.curation.evidence import qrels

    text = qrels(open_judgements(arguments).current())
    atomic_write(arguments.out, text)
    pairs = text.count("\n")
    console.result({"rows": pairs}, f"{arguments.out}: {pairs:,} pairs.")
