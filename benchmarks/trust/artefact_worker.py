"""A process that damages one file of a workspace at a time, asks for everything that reads it, and says what came of it.

python -m benchmarks.trust.artefact_worker WORKSPACE      reads seeds, one a line; answers with one JSON object a line
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import stat
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.trust.artefact_workspace import SETTINGS, TitleLetters, answers, known_answers
from engine.access.audit import AuditLog
from engine.catalogue.images import load_pixels
from engine.catalogue.interactions import read_interactions
from engine.catalogue.shopper_ids import shopper_id
from engine.catalogue.snapshot import read_shop
from engine.catalogue.summary import summarise_shop
from engine.core.errors import LongtailError
from engine.core.settings import load_settings
from engine.core.storage import remove_whatever_it_is
from engine.core.workspace import Workspace
from engine.curation.campaigns import campaigns
from engine.curation.judgements import JudgementStore
from engine.edits.changes.store import ChangeStore
from engine.edits.drafts.store import DraftStore
from engine.jobs import active_run, list_runs, run_log
from engine.recommend.current_release import CurrentRelease
from engine.release.publish import list_releases, published_releases
from engine.serving.current_shop import CurrentShop
from engine.store import Database
from ui.review.tokens import ReviewToken, read_token, sign_token

Stamp = tuple[int, int, int, int]
KINDS = {
    "release": "releases/*/**/*", "manifest": "releases/*/manifest.json", "pointer": "releases/current",
    "history": "releases/history.json", "snapshot": "shop/**/*", "features": "features/letters-*/*.npz",
    "edits": "features/edits/*/*/*.npz", "pictures": "images/*/*", "thumbnails": "thumbnails/*/*", "runs": "runs/*/*",
    "lease": "runs/lease", "settings": "settings.toml", "keys": "*.key", "database": "longtail.db",
}  # fmt: skip
MOST_MEMORY = 6 << 30  # address space: a file that fills memory is a `MemoryError`, and so a traceback
SERVED = ("release", "manifest", "pointer", "history", "edits")


class WrongAnswerError(Exception):
    """A list that neither release gives."""


class Worker:
    """One workspace, which is as it was built before each damage."""

    def __init__(self, root: Path) -> None:
        self.workspace, self.known = Workspace(root), known_answers(root)
        self.good = {path: path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
        self.stamps = {path: _stamp(path) for path in self.good}
        self.database = Database(self.workspace.database_url)
        self.release = CurrentRelease(self.workspace, check_seconds=1e6)
        self.titles = read_shop(self.workspace).items

    def damage(self, seed: int) -> dict[str, Any]:
        """One damage, what came of it, and everything as before."""
        rng = np.random.default_rng([16, seed])
        kind = list(KINDS)[seed % len(KINDS)] if seed % 2 else ("release", *KINDS)[int(rng.integers(len(KINDS) + 1))]
        files = sorted(set(self.workspace.root.glob(KINDS[kind])) & set(self.good))
        file = files[int(rng.integers(len(files)))]
        harm = list(HARMS)[int(rng.integers(len(HARMS)))]
        serving = bool(rng.integers(2))
        what = f"{kind} {file.relative_to(self.workspace.root)} {harm} {'while served' if serving else 'before'} (seed {seed})"
        result: dict[str, Any] = {"kind": kind, "what": what}
        try:
            probe = _probe(self, kind)
            if serving:
                probe()
            HARMS[harm](file, self.good[file], self.good[files[int(rng.integers(len(files)))]], rng)
            result["outcome"] = self._try(probe, result)
        finally:
            self.restore()
        if result["outcome"] in ("answered", "refused") and kind in SERVED:
            self.release.check()
            outcome = self._try(lambda: self.shop(mended=True), result)
            result["outcome"] = result["outcome"] if outcome == "answered" else f"not mended, {outcome}"
        return result

    def _try(self, probe: Callable[[], None], result: dict[str, Any]) -> str:
        try:
            probe()
        except LongtailError as exc:
            result["detail"] = str(exc)[:300]
            return "refused" if str(exc).strip() and "Traceback" not in str(exc) else "traceback"
        except WrongAnswerError as exc:
            result["detail"] = str(exc)
            return "wrong"
        except Exception:
            result["detail"] = traceback.format_exc()[-1200:]
            return "traceback"
        return "answered"

    def shop(self, *, mended: bool = False) -> None:
        """Ask the shop that is open and, after it has looked at its files, the one it goes to; then one opened anew."""
        live = CurrentShop(
            self.workspace, SETTINGS, release=self.release, open_database=lambda: self.database, in_background=False
        )
        for _ in range(2):
            shop = live.get()
            if answers(shop) != self.known[shop.release_id]:
                raise WrongAnswerError(f"{shop.release_id} while it is served")
            self.release.check()
        if mended:
            if live.get().notice or live.get().release_id != "r0002":
                raise WrongAnswerError(f"still {live.get().release_id}: {live.get().notice}")
            return
        list_releases(self.workspace)
        published_releases(self.workspace)
        fresh = CurrentShop(self.workspace, SETTINGS, open_database=lambda: self.database, in_background=False).get()
        if answers(fresh) != self.known[fresh.release_id]:
            raise WrongAnswerError(f"{fresh.release_id} opened anew")
        opened = fresh.as_trained
        _ = opened.metrics, opened.plan, opened.maps, opened.trained_on

    def restore(self) -> None:
        """Put every file back that is not as it was, and take away what was not there."""
        for path in sorted(self.workspace.root.rglob("*"), reverse=True):
            if path not in self.good and (path.is_symlink() or not path.is_dir()):
                remove_whatever_it_is(path)
        for path, content in self.good.items():
            if _stamp(path) != self.stamps[path]:
                remove_whatever_it_is(path)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                self.stamps[path] = _stamp(path)

    def features(self) -> None:
        """Vectors from the cache, or made again: the same."""
        encoder = TitleLetters()
        features = encoder.encode(self.titles, self.workspace)
        for row, title in enumerate(encoder.contents(self.titles)):
            if title is not None and features.values[row].tolist() != encoder.vector(title):
                raise WrongAnswerError(f"the vector of {title!r}")

    def snapshot(self) -> None:
        """What a training and the Data page read."""
        shop = read_shop(self.workspace)
        read_interactions(self.workspace, shop.items["item_id"].tolist(), SETTINGS.interactions)
        summarise_shop(self.workspace)

    def pictures(self) -> None:
        """Every picture as an encoder reads it: pixels, or a sentence for one of them."""
        for image in self.titles["image"].dropna()[:12]:
            load_pixels(self.workspace, image, 32)

    def runs(self) -> None:
        """What the page of a run reads."""
        active_run(self.workspace)
        for run in list_runs(self.workspace):
            run_log(self.workspace, run.run_id)

    def keys(self) -> None:
        """Sign and read a token; find a shopper by their address."""
        token = sign_token(self.workspace, ReviewToken("Ada", ""))
        read_token(self.workspace, token, "Ada")
        shopper_id(self.workspace, "ada@example.com")

    def tables(self) -> None:
        """What is stored in the database."""
        database = Database(self.workspace.database_url)
        try:
            JudgementStore(database).current()
            DraftStore(database, self.workspace).all()
            ChangeStore(database, self.workspace).all()
            campaigns(database)
            AuditLog(database).entries()
        finally:
            database.close()


def _probe(worker: Worker, kind: str) -> Callable[[], None]:
    others = {
        "snapshot": worker.snapshot, "features": worker.features, "pictures": worker.pictures, "thumbnails": worker.pictures,
        "runs": worker.runs, "lease": worker.runs, "keys": worker.keys, "database": worker.tables,
        "settings": lambda: (load_settings(worker.workspace.root, environment={}), None)[1],
    }  # fmt: skip
    return worker.shop if kind in SERVED else others[kind]


def _stamp(path: Path) -> Stamp | None:
    try:
        facts = path.lstat()
    except OSError:
        return None
    return (facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns) if stat.S_ISREG(facts.st_mode) else None


Harm = Callable[[Path, bytes, bytes, np.random.Generator], object]


def _in_place(file: Path, content: bytes) -> None:
    """Other content in the same inode."""
    with file.open("r+b") as stream:
        stream.write(content)
        stream.truncate()


def _flip(file: Path, good: bytes, other: bytes, rng: np.random.Generator) -> None:
    content = bytearray(good or b"\0")
    for place in rng.integers(len(content), size=int(rng.integers(1, 9))):
        content[place] ^= 1 << int(rng.integers(8))
    _in_place(file, bytes(content))


def _stretch(make: Callable[[np.random.Generator, int], bytes]) -> Harm:
    def harm(file: Path, good: bytes, other: bytes, rng: np.random.Generator) -> None:
        start = int(rng.integers(len(good) + 1))
        length = int(rng.integers(len(good) - start + 1))
        _in_place(file, good[:start] + make(rng, length) + good[start + length :])

    return harm


def _instead(make: Callable[[Path], object]) -> Harm:
    def harm(file: Path, good: bytes, other: bytes, rng: np.random.Generator) -> None:
        file.unlink()
        make(file)

    return harm


def _folder(file: Path) -> None:
    file.mkdir()
    (file / "inside").write_bytes(b"text")


HARMS: dict[str, Harm] = {
    "bits": _flip,
    "truncated": lambda file, good, other, rng: os.truncate(file, int(rng.integers(len(good) + 1))),
    "emptied": lambda file, good, other, rng: os.truncate(file, 0),
    "extended": lambda file, good, other, rng: _in_place(file, good + rng.bytes(int(rng.integers(1, 5000)))),
    "made huge": lambda file, good, other, rng: os.truncate(file, 1 << 36),
    "zeroed": _stretch(lambda rng, length: b"\0" * length),
    "noise": _stretch(lambda rng, length: rng.bytes(length)),
    "all noise": lambda file, good, other, rng: _in_place(file, rng.bytes(len(good))),
    "swapped": lambda file, good, other, rng: _in_place(file, other),
    "removed": _instead(lambda file: None),
    "a directory": _instead(_folder),
    "a link to nothing": _instead(lambda file: file.symlink_to("nowhere")),
    "a link to itself": _instead(lambda file: file.symlink_to(file)),
    "a link to endless zeros": _instead(lambda file: file.symlink_to("/dev/zero")),
    "a pipe": _instead(os.mkfifo),
    "its folder removed": lambda file, good, other, rng: shutil.rmtree(file.parent) if len(file.parts) > 5 else file.unlink(),
}  # fmt: skip


def main() -> None:
    """Answer seeds until there are no more."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    worker = Worker(Path(sys.argv[1]))
    sys.stdout.write(json.dumps({"ready": True}) + "\n")
    sys.stdout.flush()
    answers_to, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        answers_to.write(json.dumps(worker.damage(int(line))) + "\n")
        answers_to.flush()


if __name__ == "__main__":
    main()
