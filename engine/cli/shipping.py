"""`push` and `pull`: a release sent where other machines fetch it, and fetched from there."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from engine.cli.console import Console
from engine.cli.context import open_workspace

__all__ = ["pull", "push"]


def push(arguments: argparse.Namespace, console: Console) -> None:
    """Send a release with what it shows."""
    from engine.shipping.push import push as send

    sent = send(open_workspace(arguments), arguments.address, arguments.release_id, console.progress)
    said = f"{sent.files:,} files were sent ({sent.bytes / 1e6:,.0f} MB)" if sent.files else "It was there already"
    console.result(asdict(sent), f"Release {sent.release_id} can be fetched. {said}.")


def pull(arguments: argparse.Namespace, console: Console) -> None:
    """Fetch a release and serve it."""
    from engine.shipping.pull import pull as fetch

    came = fetch(
        open_workspace(arguments), arguments.address, arguments.release_id, console.progress, serve=not arguments.keep
    )
    serves = "is served now" if came.published else "is here"
    console.result(
        asdict(came),
        f"Release {came.release_id} {serves}. {came.bytes / 1e6:,.0f} MB were fetched; {came.shared_bytes / 1e6:,.0f} MB are shared with releases that were here.",
    )
