"""What the page said of each draft before a kill, and whether the store still holds it to the letter.

A draft is known by what the page confirmed of it last, and by what was asked for since: after a kill either may be the
truth, anything else is a draft that was lost. `examine` compares in a process that never had the store open.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

__all__ = ["Entry", "Findings", "Ledger", "Version", "examine_apart"]

EVERY = ("draft", "approved", "taken_in", "discarded")


@dataclass(frozen=True)
class Version:
    """What of a draft changes: its state and its title."""

    state: str
    title: str


@dataclass
class Entry:
    """One draft; `confirmed` is None until the page said that it is saved. `asked` in which life of the server."""

    item: Mapping[str, Any]
    pictures: tuple[str, ...]
    confirmed: Version | None = None
    asked: list[tuple[int, Version]] = field(default_factory=list)

    def allowed(self) -> set[Version]:
        """What may be in the store."""
        return {version for _, version in self.asked} | ({self.confirmed} if self.confirmed else set())


@dataclass
class Ledger:
    """All drafts by id, collections as the ids that were saved together, and what went wrong on screen already."""

    entries: dict[str, Entry] = field(default_factory=dict)
    collections: list[list[str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    in_flight: int = 0  # asked for and not confirmed when a server was killed

    def ask(self, draft_id: str, version: Version, life: int) -> None:
        """A button is about to be clicked that leads to this version."""
        self.entries[draft_id].asked.append((life, version))

    def confirm(self, draft_id: str, version: Version, life: int) -> None:
        """The page says that this is stored: what was asked of servers that are dead is settled, and what led to this."""
        entry = self.entries[draft_id]
        if version not in entry.allowed():
            self.wrong.append(f"{draft_id} is shown as {version}, of {entry.allowed()}")
        entry.confirmed = version
        entry.asked = [(when, one) for when, one in entry.asked if when == life and one != version]

    def killed(self, life: int) -> None:
        """The server of this life is dead."""
        self.in_flight += sum(any(when == life for when, _ in entry.asked) for entry in self.entries.values())


@dataclass(frozen=True)
class Findings:
    """What a look at the store and the files found; sentences for everything that is not as it was confirmed."""

    confirmed: int
    lost: list[str]
    torn: list[str]
    broken: list[str]
    leftovers: int


def examine_apart(root: Path, ledger: Ledger) -> Findings:
    """`examine` in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as apart:
        return apart.submit(examine, root, ledger).result()


def examine(root: Path, ledger: Ledger) -> Findings:
    """Open the store and every picture file, and compare.

    lost : confirmed and not there, in another state, or not whole (title, facts, pictures).
    torn : not confirmed and there, but not whole; and collections of which a part is there.
    broken : files that do not decode, and pictures that a draft names and that are not there.
    """
    from engine.core.workspace import Workspace
    from engine.edits.drafts.store import DraftStore
    from engine.store import Database

    workspace = Workspace(root)
    there = {one.id: one for one in DraftStore(Database(workspace.database_url), workspace).all(EVERY)}
    lost, torn = list(ledger.wrong), []
    for draft_id, entry in ledger.entries.items():
        problem = _problem(entry, there.get(draft_id))
        if problem and (entry.confirmed or draft_id in there):
            (lost if entry.confirmed else torn).append(f"{draft_id}: {problem}")
    for ids in ledger.collections:
        if 0 < sum(one in there for one in ids) < len(ids):
            torn.append(f"of a collection only {[one for one in ids if one in there]} are there")
    named = [file(image) for draft in there.values() for image in draft.pictures for file in _files(workspace)]
    broken = [f"{path} is not there" for path in named if not path.is_file()]
    broken += list(_undecodable(workspace))
    leftovers = sum(1 for folder in (workspace.images, workspace.thumbnails) for _ in folder.rglob(".*.part"))
    return Findings(sum(e.confirmed is not None for e in ledger.entries.values()), lost, torn, broken, leftovers)


def _problem(entry: Entry, draft: Any) -> str | None:
    if draft is None:
        return "it is not there"
    item = {name: value for name, value in draft.product.to_json().items() if name not in ("title", "image")}
    if Version(draft.state, draft.product.title or "") not in entry.allowed():
        return f"it is {draft.state} with the title {draft.product.title!r}, of {entry.allowed()}"
    if item != dict(entry.item):
        return f"its facts are {item}, not {dict(entry.item)}"
    if tuple(draft.pictures) != entry.pictures:
        return f"its pictures are {draft.pictures}, not {entry.pictures}"
    return None


def _files(workspace: Any) -> Sequence[Any]:
    return workspace.image_file, workspace.thumbnail_file


def _undecodable(workspace: Any) -> Iterator[str]:
    for folder in (workspace.images, workspace.thumbnails):
        for path in folder.rglob("*.jpg"):
            try:
                with Image.open(path) as picture:
                    picture.load()
            except OSError as exc:
                yield f"{path} does not decode ({exc})"
