"""`demo` and `ingest`: a shop comes into the workspace."""

from __future__ import annotations

import argparse

from engine.cli.console import Console
from engine.cli.context import open_settings, open_workspace, run_of_its_own
from engine.cli.training import train_in_run

__all__ = ["demo", "ingest"]

PROBLEMS_SHOWN = 20


def demo(arguments: argparse.Namespace, console: Console) -> None:
    """Draw the demo shop, and train on it if asked."""
    from engine.shop.demo import build_demo

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
    from engine.shop.ingest import ingest as load

    workspace, settings = open_workspace(arguments), open_settings(arguments)
    with run_of_its_own(arguments, console, "ingest") as (run, progress):
        report = load(
            workspace,
            items=arguments.items,
            interactions=arguments.interactions,
            images=arguments.images,
            preset=arguments.preset,
            from_dir=arguments.from_dir,
            mapping=dict(arguments.map),
            name=arguments.name,
            strict=arguments.strict,
            progress=progress,
        )
        for file in report.files:
            console.note(f"{file.name}: {file.read:,} rows read, {file.kept:,} kept, {file.rejected:,} rejected")
        for problem in report.problems[:PROBLEMS_SHOWN]:
            where = ", ".join(
                part
                for part in (
                    problem.file,
                    f"row {problem.row}" if problem.row is not None else "",
                    f"field {problem.field!r}" if problem.field else "",
                )
                if part
            )
            console.note(f"  {where}: {problem.message}")
        hidden = sum(report.problem_counts.values()) - min(len(report.problems), PROBLEMS_SHOWN)
        if hidden > 0:
            console.note(f"  ... and {hidden:,} more of these kinds; report.json in the snapshot counts them all")
        for name, kind in report.attribute_kinds.items():
            console.note(f"  attribute {name!r}: {kind}")
        run.message = f"Loaded {report.n_items:,} products, {report.n_events:,} events of {report.n_users:,} shoppers."
        console.result({"report": report.to_dict()}, run.message)
        if arguments.train:
            train_in_run(workspace, settings, run, console, progress)
