"""`check`: what a dashboard checks when it starts."""

from __future__ import annotations

import argparse

from engine.cli.console import Console
from engine.cli.context import open_workspace
from engine.core.errors import LongtailError
from engine.health.checks import check_all, stops_start

__all__ = ["check"]


def check(arguments: argparse.Namespace, console: Console) -> None:
    """List every check with what to do; raises `LongtailError` where a dashboard would not start."""
    checks = list(check_all(open_workspace(arguments)))
    values = [{"name": one.name, "outcome": one.outcome, "sentence": one.sentence} for one in checks]
    lines = [f"{one.outcome.value:8} {one.name:11} {one.sentence}" for one in checks]
    console.result({"checks": values}, "\n".join(lines))
    if refused := [one.name for one in checks if stops_start(one)]:
        raise LongtailError(f"The dashboard does not start like this: {', '.join(refused)}.")
