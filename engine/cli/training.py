"""`train` and `evaluate`: from the shop's data to a release, and how good each arm is."""

from __future__ import annotations

import argparse
from typing import Any

from engine.cli.console import Console
from engine.cli.context import open_settings, open_workspace, run_of_its_own
from engine.core.progress import Progress
from engine.core.settings import Settings
from engine.core.storage import atomic_write_json
from engine.core.workspace import Workspace
from engine.jobs.recording import RunRecorder

__all__ = ["evaluate", "train", "train_in_run"]


def train(arguments: argparse.Namespace, console: Console) -> None:
    """Train a release and publish it if it is fit."""
    workspace, settings = open_workspace(arguments), open_settings(arguments)
    with run_of_its_own(arguments, console, "train") as (run, progress):
        train_in_run(
            workspace,
            settings,
            run,
            console,
            progress,
            release_id=arguments.release,
            publish=not arguments.no_publish,
        )


def evaluate(arguments: argparse.Namespace, console: Console) -> None:
    """Measure every arm on the shop's data; nothing is trained for serving, nothing is written but `--out`."""
    from engine.training.pipeline import measure

    workspace, settings = open_workspace(arguments), open_settings(arguments)
    with run_of_its_own(arguments, console, "evaluate") as (run, progress):
        plan, metrics = measure(workspace, settings, progress=progress)
        if arguments.out:
            atomic_write_json(arguments.out, metrics | {"plan": plan.to_dict()})
        run.message = metrics.get("problem") or "Measured every arm."
        _print_metrics(metrics, console)


def train_in_run(
    workspace: Workspace,
    settings: Settings,
    run: RunRecorder,
    console: Console,
    progress: Progress,
    *,
    release_id: str | None = None,
    publish: bool = True,
) -> None:
    """Train as part of a run that is recorded already, and say what came of it."""
    from engine.training.pipeline import train as train_release

    result = train_release(workspace, settings, release_id=release_id, progress=progress, publish=publish)
    run.release_id = result.release_id
    if result.applied.added:
        console.note(f"{len(result.applied.added):,} approved drafts are products of the catalogue now.")
    if result.applied.changed:
        console.note(f"{len(result.applied.changed):,} products are in the catalogue as they were changed.")
    for note in result.notes:
        console.note(note)
    run.message = f"Release {result.release_id}: {result.decision}"
    values = {
        "release_id": result.release_id,
        "published": result.published,
        "decision": result.decision,
        "seconds": round(result.seconds, 1),
        "notes": result.notes,
    }
    console.result(values, f"{run.message} ({result.seconds:.0f} s)")


def _print_metrics(metrics: dict[str, Any], console: Console) -> None:
    """NDCG@10 and AP@10 of every arm, one column per number of interactions left to it."""
    if "problem" in metrics:
        console.result({"metrics": metrics}, metrics["problem"])
        return
    figures = metrics["thinning"]
    levels = list(next(iter(figures.values())))
    rows = [
        [arm, label, *(_figure(figures[arm][level][name]) for level in levels)]
        for name, label in (("ndcg", "surprise NDCG@10"), ("average_precision", "AP@10"))
        for arm in figures
    ]
    rows += [[arm, "coverage", *(_figure(figures[arm][level]["coverage"]) for level in levels)] for arm in figures]
    console.table(
        ["arm", "figure", *(f"m={level}" if level.isdigit() else level for level in levels)], rows, {"metrics": metrics}
    )
    for task, arms in metrics.get("published_task", {}).items():
        rows = [
            [arm, *(_figure(value) for value in scores.values())]
            for arm, scores in arms.items()
            if isinstance(scores, dict)
        ]
        if rows and not console.json:
            names = next(list(scores) for scores in arms.values() if isinstance(scores, dict))
            console.table([f"shopper -> {task}", *names], rows, {})


def _figure(value: Any) -> str:
    """A figure, with its interval where it has one."""
    if value is None:
        return "-"
    if isinstance(value, dict):
        return _figure(value.get("value", value.get("mean")))
    return f"{value:.3f}" if isinstance(value, float) else str(value)
