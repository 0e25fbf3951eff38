"""`demo` and `ingest`: a shop comes into the workspace."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from engine.cli.console import Console
from engine.cli.context import open_database, open_settings, open_workspace, run_of_its_own
from engine.cli.report_lines import report_lines
from engine.cli.training import train_in_run
from engine.core.errors import InputError

if TYPE_CHECKING:
    from engine.ingest.locations import Location
    from engine.ingest.steps import AddedProducts

__all__ = ["demo", "ingest"]


def demo(arguments: argparse.Namespace, console: Console) -> None:
    """Draw the demo shop, and train on it if asked."""
    from engine.demo.build import build_demo

    workspace, settings = open_workspace(arguments), open_settings(arguments)
    with run_of_its_own(arguments, console, "demo") as (run, progress):
        snapshot = build_demo(
            workspace,
            seed=arguments.seed,
            n_items=arguments.items,
            n_shoppers=arguments.shoppers,
            processes=arguments.processes,
            progress=progress,
        )
        run.message = f"The demo shop is built: {arguments.items:,} dresses."
        console.result({"snapshot_id": snapshot, "n_items": arguments.items}, run.message)
        if arguments.train:
            train_in_run(workspace, settings, run, console, progress)


def ingest(arguments: argparse.Namespace, console: Console) -> None:
    """Load a shop from files, and train on it if asked."""
    from engine.ingest.pipeline import ingest as load

    workspace, settings = open_workspace(arguments), open_settings(arguments)
    with run_of_its_own(arguments, console, "ingest") as (run, progress):
        report = load(
            workspace,
            items=_location(arguments.items, arguments.items_query, "items"),
            interactions=_location(arguments.interactions, arguments.interactions_query, "interactions"),
            images=arguments.images,
            preset=arguments.preset,
            from_dir=arguments.from_dir,
            mapping=dict(arguments.map),
            name=arguments.name,
            strict=arguments.strict,
            added=_added(arguments),
            progress=progress,
        )
        for line in report_lines(report):
            console.note(line)
        run.message = f"Loaded {report.n_items:,} products, {report.n_events:,} events of {report.n_users:,} shoppers."
        console.result({"report": report.to_dict()}, run.message)
        if arguments.train:
            train_in_run(workspace, settings, run, console, progress)


def _location(places: list[str] | None, query: str | None, role: str) -> Location | None:
    from engine.ingest.locations import Location

    if places is None and query is not None:
        raise InputError(f"--{role}-query asks a database. Name it: --{role} postgresql://user@host/shop.")
    return Location(tuple(places), query) if places else None


def _added(arguments: argparse.Namespace) -> AddedProducts | None:
    """The products that people added here; they stay when the shop's files come again without them."""
    from engine.edits.apply_to_catalogue import draft_products
    from engine.edits.drafts.store import DraftStore
    from engine.store import has_database

    workspace = open_workspace(arguments)
    if not has_database(workspace, open_settings(arguments)):
        return None
    drafts = DraftStore(open_database(arguments), workspace)
    return lambda kinds, known: draft_products(workspace, drafts, kinds, known)
