"""`drafts add|list|approve|discard`: new products from files or arguments, and what becomes of them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.catalogue.picture_formats import PICTURE_ENDINGS
from engine.cli.console import Console
from engine.cli.context import open_database, open_served, open_workspace
from engine.core.errors import ImageError, InputError, NoReleaseError
from engine.core.storage import atomic_write

if TYPE_CHECKING:
    from engine.edits.collections.rows import CollectionRow
    from engine.edits.drafts.store import DraftStore

__all__ = ["drafts"]

SHEET_SECONDS = 600.0
MOST_TOLD = 20


def drafts(arguments: argparse.Namespace, console: Console) -> None:
    """Do what the first word asks for."""
    {"add": _add, "list": _list, "approve": _approve, "discard": _discard}[arguments.what](arguments, console)


def _add(arguments: argparse.Namespace, console: Console) -> None:
    """Save the rows of a sheet that are ready, as the page would; say what is wrong with the others."""
    from engine.edits.collections.check import check_collection, new_drafts, problems_csv
    from engine.edits.drafts.store import NOT_DISCARDED
    from engine.untrusted.sheets import read_sheet

    if arguments.sheet is None:
        raise InputError("name the file of the products.", field="--sheet")
    store, shop = _store(arguments), open_served(arguments, console)
    pictures = _stored_pictures(arguments, console)
    sheet = read_sheet(arguments.sheet, seconds=SHEET_SECONDS)
    rows = check_collection(sheet, pictures, shop.release, store.all(NOT_DISCARDED))
    new = new_drafts(rows, pictures)
    saved = store.save(new, None, shop.release.__contains__, approve=arguments.approve) if new else []
    if arguments.approve and saved:
        shop.prepare_drafts(saved, console.progress)
    if arguments.to_fix and any(row.problems for row in rows):
        atomic_write(arguments.to_fix, problems_csv(sheet, rows))
    _tell(rows, saved, arguments, console)


def _stored_pictures(arguments: argparse.Namespace, console: Console) -> dict[str, str]:
    """Name -> content hash of the pictures that could be stored; the others are noted."""
    from engine.catalogue.images import CUT_OFF, is_cut_off
    from engine.untrusted.uploads import picture_children, store_upload

    workspace, stored = open_workspace(arguments), {}
    with picture_children(most=2) as children:
        for name, data in _pictures(arguments.pictures, console):
            try:
                stored[name] = store_upload(workspace, data, name=name, children=children)
            except ImageError as exc:
                console.note(str(exc))
            else:
                if is_cut_off(data):
                    console.note(f"{name}: {CUT_OFF}")
            console.progress("Reading the pictures", len(stored) / (len(stored) + 25), f"{len(stored):,} pictures")
    return stored


def _tell(rows: Sequence[CollectionRow], saved: list[str], arguments: argparse.Namespace, console: Console) -> None:
    """What became of every row, the first `MOST_TOLD` remarks in words."""
    remarks = [
        f"row {row.number}, {column}: {text}"
        for row in sorted(rows, key=lambda row: not row.problems)
        for column, text in (*row.problems, *row.doubts)
    ]
    for remark in remarks[:MOST_TOLD]:
        console.note(remark)
    if len(remarks) > MOST_TOLD:
        console.note(f"... and {len(remarks) - MOST_TOLD:,} more; --to-fix writes the rows that need fixing to a file.")
    before = [row.saved for row in rows if row.saved is not None]
    problems, doubts = (sum(row.state == state for row in rows) for state in ("problem", "doubt"))
    console.result(
        {"saved": saved, "saved_before": before, "need_fixing": problems, "worth_checking": doubts},
        f"{len(saved):,} drafts saved{' and approved' if arguments.approve else ''}, {doubts:,} of them worth checking; "
        f"{len(before):,} saved before; {problems:,} rows need fixing.",
    )


def _list(arguments: argparse.Namespace, console: Console) -> None:
    from engine.edits.drafts.store import NOT_DISCARDED

    found = _store(arguments).all(NOT_DISCARDED)
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
            if file.is_file() and file.suffix.lower() in PICTURE_ENDINGS:
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
