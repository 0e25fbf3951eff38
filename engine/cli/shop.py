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
    from engine.core.progress import Progress
    from engine.ingest.locations import Location
    from engine.ingest.picture_addresses import PictureFetch
    from engine.ingest.report import IngestReport
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
    workspace, settings = open_workspace(arguments), open_settings(arguments)
    with run_of_its_own(arguments, console, "ingest") as (run, progress):
        report = _append(arguments, progress) if arguments.append else _load(arguments, progress)
        for line in report_lines(report):
            console.note(line)
        run.message = _message(report)
        console.result({"report": report.to_dict()}, run.message)
        if arguments.train:
            train_in_run(workspace, settings, run, console, progress)


def _load(arguments: argparse.Namespace, progress: Progress) -> IngestReport:
    from engine.ingest.pipeline import ingest as load

    return load(
        open_workspace(arguments),
        items=_location(arguments.items, arguments.items_query, "items"),
        interactions=_location(arguments.interactions, arguments.interactions_query, "interactions"),
        images=arguments.images,
        preset=arguments.preset,
        from_dir=arguments.from_dir,
        mapping=dict(arguments.map),
        name=arguments.name,
        strict=arguments.strict,
        added=_added(arguments),
        fetch=_fetch(arguments),
        progress=progress,
    )


def _append(arguments: argparse.Namespace, progress: Progress) -> IngestReport:
    from engine.ingest.append import append

    for option, value in (("preset", arguments.preset), ("from", arguments.from_dir), ("name", arguments.name)):
        if value is not None:
            raise InputError(
                f"--append keeps what the shop was loaded with. Leave --{option} out, or load the whole shop."
            )
    return append(
        open_workspace(arguments),
        items=_location(arguments.items, arguments.items_query, "items"),
        interactions=_location(arguments.interactions, arguments.interactions_query, "interactions"),
        images=arguments.images,
        mapping=dict(arguments.map),
        strict=arguments.strict,
        added=_added(arguments),
        fetch=_fetch(arguments),
        progress=progress,
    )


def _message(report: IngestReport) -> str:
    shop = f"{report.n_items:,} products, {report.n_events:,} events of {report.n_users:,} shoppers"
    new = report.appended
    if new is None:
        return f"Loaded {shop}."
    if new.is_nothing:
        return f"Nothing was new: the shop still has {shop}."
    products = f"{new.new_products:,} new and {new.changed_products:,} changed products"
    return f"Appended {products}, {new.new_events:,} events. The shop has {shop}."


def _location(places: list[str] | None, query: str | None, role: str) -> Location | None:
    from engine.ingest.locations import Location

    if places is None and query is not None:
        raise InputError(f"--{role}-query asks a database. Name it: --{role} postgresql://user@host/shop.")
    return Location(tuple(places), query) if places else None


def _fetch(arguments: argparse.Namespace) -> PictureFetch | None:
    from engine.ingest.picture_addresses import PictureFetch

    if arguments.allow_host and not arguments.fetch_pictures:
        raise InputError("--allow-host says where pictures may be fetched from. Add --fetch-pictures.")
    return PictureFetch(allow_hosts=tuple(arguments.allow_host)) if arguments.fetch_pictures else None


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
