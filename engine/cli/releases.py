"""`releases`, `publish`, `rollback` and `verify`: what is served, what it changed, and whether it is whole."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.cli.console import Console
from engine.cli.context import open_judgements, open_settings, open_workspace
from engine.core.errors import LongtailError, NoReleaseError
from engine.release.publish import current_release_id, list_releases, verify_release
from engine.release.publish import publish as publish_release
from engine.release.publish import rollback as roll_back

if TYPE_CHECKING:
    from engine.comparison.release_change import ReleaseChange

__all__ = ["publish", "releases", "rollback", "verify"]


def releases(arguments: argparse.Namespace, console: Console) -> None:
    """List the releases, newest first, and what each changed where that is kept."""
    from engine.comparison.kept_changes import kept_change
    from engine.comparison.release_change import change_words
    from engine.serving.what_changes import list_length, replaced_by

    workspace = open_workspace(arguments)
    current, k = current_release_id(workspace), list_length(open_settings(arguments).serving.neighbours)
    found = list_releases(workspace)
    rows, listed = [], []
    for manifest in found:
        state = manifest.extra.get("decision", "")
        if manifest.damage:
            state = manifest.damage if manifest.outdated else f"damaged: {manifest.damage}"
        before = replaced_by(workspace, manifest.release_id)
        change = kept_change(workspace, before, manifest.release_id, k) if before else None
        if change is not None:
            state = f"{state} {change_words(change)}"
        served = "served" if manifest.release_id == current else ""
        rows.append([manifest.release_id, manifest.created_at[:19], f"{manifest.n_items:,}", served, state])
        listed.append(
            {"release_id": manifest.release_id, "created_at": manifest.created_at, "damage": manifest.damage, "change": _as_json(change)}
        )  # fmt: skip
    console.table(["release", "trained (UTC)", "products", "", ""], rows, {"current": current, "releases": listed})


def publish(arguments: argparse.Namespace, console: Console) -> None:
    """Serve a release, and say what that changed."""
    before = current_release_id(open_workspace(arguments))
    publish_release(open_workspace(arguments), arguments.release_id)
    _tell(arguments, console, before, arguments.release_id, "is served now")


def rollback(arguments: argparse.Namespace, console: Console) -> None:
    """Serve the release that was served before, and say what that changed."""
    before = current_release_id(open_workspace(arguments))
    _tell(arguments, console, before, roll_back(open_workspace(arguments)), "is served again")


def verify(arguments: argparse.Namespace, console: Console) -> None:
    """Check every file of a release against its manifest."""
    workspace = open_workspace(arguments)
    release_id = arguments.release_id or current_release_id(workspace)
    if release_id is None:
        raise NoReleaseError(f"No release is published in {workspace.root}. Train one with `train`.")
    verify_release(workspace, release_id)
    console.result({"release_id": release_id, "verified": True}, f"Release {release_id} is whole.")


def _tell(arguments: argparse.Namespace, console: Console, before: str | None, now: str, what: str) -> None:
    change = _change(arguments, before, now)
    said = f"Release {now} {what}."
    if change is not None:
        from engine.comparison.release_change import change_words

        said = f"{said} {change_words(change)}"
    console.result({"current": now, "change": _as_json(change)}, said)


def _change(arguments: argparse.Namespace, before: str | None, now: str) -> ReleaseChange | None:
    """None where nothing was served before, or it cannot be read any more."""
    from engine.serving.what_changes import list_length, what_changes

    if not before or before == now:
        return None
    k = list_length(open_settings(arguments).serving.neighbours)
    try:
        return what_changes(open_workspace(arguments), before, now, k, open_judgements(arguments))
    except LongtailError:
        return None


def _as_json(change: ReleaseChange | None) -> dict[str, Any] | None:
    return None if change is None else asdict(change)
