"""`drafts add|list|approve|discard`: new products from files or arguments, and what becomes of them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.console import Console
from engine.cli.context import open_database, open_served, open_workspace
from engine.core.errors import ImageError, InputError, NoReleaseError

if TYPE_CHECKING:
    from engine.edits.drafts.store import DraftStore

__all__ = ["drafts"]

ENDINGS = (".jpg", ".jpeg", ".png", ".webp")


def drafts(arguments: argparse.Namespace, console: Console) -> None:
    """Do what the first word asks for."""
    {"add": _add, "list": _list, "approve": _approve, "discard": _discard}[arguments.what](arguments, console)


def _add(arguments: argparse.Namespace, console: Console) -> None:
    """Store the rows of a sheet that are ready; say of the others what is to be mended."""
    from engine.edits.collections.rows import problems_table, read_collection
    from engine.edits.drafts.store import NewDraft
    from engine.recommend.recommender import Recommender
    from engine.untrusted.sheets import read_sheet
    from engine.untrusted.uploads import picture_children, store_upload

    if arguments.sheet is None:
        raise InputError("name the file of the products.", field="--sheet")
    workspace, store = open_workspace(arguments), _store(arguments)
    recommender = Recommender.open(workspace)
    taken = {draft.id for draft in store.all(("draft", "approved", "taken_in"))}
    stored: dict[str, str] = {}
    with picture_children(most=2) as children:
        for name, data in _pictures(arguments.pictures, console):
            try:
                stored[name] = store_upload(workspace, data, name=name, children=children)
            except ImageError as exc:
                console.note(str(exc))
            console.progress("Reading the pictures", len(stored) / (len(stored) + 25), f"{len(stored):,} pictures")
    sheet = read_sheet(arguments.sheet, seconds=600.0)
    kinds = recommender.manifest.extra.get("shop", {}).get("attributes", {})
    rows = read_collection(sheet, set(stored), lambda one: one in recommender or one in taken, kinds)
    ready, bad = [row for row in rows if row.ready], [row for row in rows if not row.ready]
    new = [NewDraft(row.product, [stored[name] for name in row.pictures], row.product_id) for row in ready]
    made = store.save(new, None, recommender.__contains__, approve=arguments.approve) if new else []
    if arguments.approve and made:
        _prepare(arguments, made, console)
    for row in bad[:20]:
        for column, text in row.problems:
            console.note(f"row {row.number}, {column}: {text}")
    if bad and arguments.mend:
        problems_table(sheet, rows).to_csv(arguments.mend, index=False)
    console.result(
        {"saved": made, "to_mend": len(bad)},
        f"{len(made):,} drafts saved{' and approved' if arguments.approve else ''}; {len(bad):,} rows to mend.",
    )


def _list(arguments: argparse.Namespace, console: Console) -> None:
    found = _store(arguments).all(("draft", "approved", "taken_in"))
    values = [{"id": one.id, "state": one.state, "title": one.title, "pictures": len(one.pictures)} for one in found]
    console.table(
        ["id", "state", "title", "pictures"],
        [[one.id, one.state, one.title, str(len(one.pictures))] for one in found],
        {"drafts": values},
    )


def _approve(arguments: argparse.Namespace, console: Console) -> None:
    store = _store(arguments)
    done = [store.approve(one).id for one in _ids(arguments)]
    _prepare(arguments, done, console)
    console.result({"approved": done}, f"{len(done):,} drafts are served now.")


def _discard(arguments: argparse.Namespace, console: Console) -> None:
    store = _store(arguments)
    done = [store.discard(one).id for one in _ids(arguments)]
    console.result({"discarded": done}, f"{len(done):,} drafts discarded.")


def _prepare(arguments: argparse.Namespace, draft_ids: list[str], console: Console) -> None:
    """Work out their vectors now, with a bar: the dashboard shows them at once then, without reading them itself."""
    try:
        shop = open_served(arguments, console)
    except NoReleaseError:
        return  # nothing is served before something was trained
    shop.prepare_drafts(draft_ids, console.progress)


def _ids(arguments: argparse.Namespace) -> list[str]:
    if not arguments.ids:
        raise InputError("name the drafts, as `drafts list` shows them.", field="ids")
    return list(arguments.ids)


def _pictures(source: Path | None, console: Console) -> Iterator[tuple[str, bytes]]:
    """Of a folder or a zip."""
    from engine.untrusted.archives import read_archive

    if source is None:
        return
    if source.is_dir():
        for file in sorted(source.rglob("*")):
            if file.is_file() and file.suffix.lower() in ENDINGS:
                yield str(file.relative_to(source)), file.read_bytes()
        return
    try:
        with source.open("rb") as stream:
            yield from read_archive(stream, name=source.name, on_skip=lambda name, why: console.note(f"{name}: {why}"))
    except OSError as exc:
        raise InputError(f"cannot be read ({exc.strerror}).", file=str(source)) from exc


def _store(arguments: argparse.Namespace) -> DraftStore:
    from engine.edits.drafts.store import DraftStore

    return DraftStore(open_database(arguments), open_workspace(arguments))
