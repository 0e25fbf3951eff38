"""`releases`, `publish`, `rollback` and `verify`: what is served, and whether it is whole."""

from __future__ import annotations

import argparse

from engine.cli.console import Console
from engine.cli.context import open_workspace
from engine.core.errors import NoReleaseError
from engine.release.publish import current_release_id, list_releases, verify_release
from engine.release.publish import publish as publish_release
from engine.release.publish import rollback as roll_back

__all__ = ["publish", "releases", "rollback", "verify"]


def releases(arguments: argparse.Namespace, console: Console) -> None:
    """List the releases, newest first."""
    workspace = open_workspace(arguments)
    current = current_release_id(workspace)
    found = list_releases(workspace)
    rows = []
    for manifest in found:
        state = manifest.extra.get("decision", "")
        if manifest.damage:
            state = manifest.damage if manifest.outdated else f"damaged: {manifest.damage}"
        served = "served" if manifest.release_id == current else ""
        rows.append([manifest.release_id, manifest.created_at[:19], f"{manifest.n_items:,}", served, state])
    listed = [{"release_id": m.release_id, "created_at": m.created_at, "damage": m.damage} for m in found]
    console.table(["release", "trained (UTC)", "products", "", ""], rows, {"current": current, "releases": listed})


def publish(arguments: argparse.Namespace, console: Console) -> None:
    """Serve a release."""
    publish_release(open_workspace(arguments), arguments.release_id)
    console.result({"current": arguments.release_id}, f"Release {arguments.release_id} is served now.")


def rollback(arguments: argparse.Namespace, console: Console) -> None:
    """Serve the release that was served before."""
    current = roll_back(open_workspace(arguments))
    console.result({"current": current}, f"Release {current} is served again.")


def verify(arguments: argparse.Namespace, console: Console) -> None:
    """Check every file of a release against its manifest."""
    workspace = open_workspace(arguments)
    release_id = arguments.release_id or current_release_id(workspace)
    if release_id is None:
        raise NoReleaseError(f"No release is published in {workspace.root}. Train one with `train`.")
    verify_release(workspace, release_id)
    console.result({"release_id": release_id, "verified": True}, f"Release {release_id} is whole.")
