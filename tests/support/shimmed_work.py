"""What the children of `tests.support.disk_shim` do: each kind of write once, with a confirmation after each step.

A function gets the workspace's root first and whatever else it needs as texts; it returns an exit status, None for 0.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import sys
import traceback
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

from PIL import Image

from engine.backup.create import back_up
from engine.backup.restore import restore as restore_backup
from engine.catalogue.images import store_image
from engine.catalogue.product import Product
from engine.cli.main import main as command_line
from engine.core.errors import LongtailError
from engine.core.settings import Settings, load_settings
from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.curation.votes import Judgement
from engine.edits.changes.store import ChangeStore
from engine.edits.drafts.store import DraftStore, NewDraft
from engine.ingest.append import append as append_files
from engine.ingest.pipeline import ingest as ingest_files
from engine.release.publish import publish as publish_release
from engine.release.publish import rollback as roll_back
from engine.store import Database
from engine.training.pipeline import train as train_release
from tests.support.power_loss import MARK
from tests.support.workspace_state import state_of

QUICK: dict[str, Any] = {
    "als": {"factors": 8, "iterations": 3},
    "text": {"model": "none"},
    "image": {"kind": "none"},
    "predictor": {"hidden": 16, "layers": 1, "max_steps": 50},
    "selection": {"enabled": False},
    "evaluation": {"enabled": False},
}
JUDGED = 3


def judge(root: str) -> None:
    """Three judgements, each confirmed."""
    with closing(_database(root)) as database:
        store = JudgementStore(database)
        for number in range(JUDGED):
            made = Judgement(
                client_id=str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))), anchor_id="f0-00", neighbour_id=f"f0-0{number + 1}",
                verdict="irrelevant", implied=False, rater="Ann", source="similar_items", release_id="r0001", anchor_count=3,
                ranks={"als": 1},
            )  # fmt: skip
            store.add([made])
            confirm(root, number)


def draft(root: str) -> None:
    """A draft with a picture, then shown in the shop."""
    workspace = Workspace(Path(root))
    picture = store_image(workspace, _png("crimson"), name="new.png")
    with closing(_database(root)) as database:
        drafts = DraftStore(database, workspace)
        drafts.save([NewDraft(Product(title="New"), pictures=[picture], product_id="new-1")], "Ada", lambda _id: False)
        confirm(root, 0)
        drafts.approve("new-1")
        confirm(root, 1)


def change(root: str) -> None:
    """A product gets another title and picture, and then what it had."""
    workspace = Workspace(Path(root))
    picture = store_image(workspace, _png("teal"), name="other.png")
    with closing(_database(root)) as database:
        changes = ChangeStore(database, workspace)
        changes.save("f0-00", Product(title="Old"), Product(title="Other", image=picture), "Ada", 0)
        confirm(root, 0)
        changes.undo("f0-00")
        confirm(root, 1)


def publish(root: str) -> None:
    """The first release instead of the second."""
    publish_release(Workspace(Path(root)), "r0001")
    confirm(root, 0)


def rollback(root: str) -> None:
    """Back to the release before."""
    roll_back(Workspace(Path(root)))
    confirm(root, 0)


def ingest(root: str, files: str) -> None:
    """Another shop, with pictures and shoppers' e-mail addresses."""
    folder = Path(files)
    ingest_files(
        Workspace(Path(root)),
        items=folder / "items.csv",
        interactions=folder / "events.csv",
        images=folder / "pictures",
        name="Other",
    )
    confirm(root, 0)


def append(root: str, files: str) -> None:
    """A day's events, added to the shop of `ingest`."""
    append_files(Workspace(Path(root)), interactions=Path(files) / "more.csv")
    confirm(root, 0)


def train(root: str) -> None:
    """A whole training, small and quick, that publishes."""
    train_release(Workspace(Path(root)), Settings.model_validate(QUICK))
    confirm(root, 0)


def backup(root: str, target: str) -> None:
    """A backup; its confirmation is the file."""
    back_up(Workspace(Path(root)), load_settings(Path(root)), Path(target))


def restore(root: str, source: str) -> None:
    """A backup instead of what is there."""
    restore_backup(Workspace(Path(root)), Path(source), replace_data=True)
    confirm(root, 0)


def careless(root: str) -> None:
    """How settings must not be written: nothing is synced."""
    part = Path(root) / "part"
    part.write_text("seed = 2\n")
    os.replace(part, Path(root) / "settings.toml")
    confirm(root, 0)


def command(root: str, *arguments: str) -> int:
    """Any command of the command line."""
    return command_line(["--workspace", root, *arguments])


def confirm(root: str, number: int) -> None:
    """Somebody was told that it is stored."""
    ctypes.CDLL(None).shim_confirm(f"{root}/{MARK}{number}".encode())
    if "SHIM_LOG" in os.environ:
        with open(f"{os.environ['SHIM_LOG']}.states", "a", encoding="utf-8") as states:
            states.write(json.dumps(state_of(Path(root))) + "\n")


def tell(exc: BaseException) -> None:
    """What the person would read: a sentence, or what they never should."""
    if isinstance(exc, LongtailError):
        print(f"refused: {exc}", file=sys.stderr)
    else:
        traceback.print_exception(exc)


def make_files(folder: Path) -> Path:
    """What `ingest` and `append` load."""
    (folder / "pictures").mkdir(parents=True)
    lines, events = ["item_id,title,category,price"], ["user_id,item_id,event,timestamp"]
    for number in range(6):
        lines.append(f"p{number},Chair {number},Chairs,{10 + number}.50")
        (folder / "pictures" / f"p{number}.png").write_bytes(
            _png(("red", "green", "blue", "gold", "plum", "navy")[number])
        )
    for number in range(30):
        events.append(f"s{number % 7}@example.com,p{number % 6},view,{1_700_000_000 + number}")
    (folder / "items.csv").write_text("\n".join(lines) + "\n")
    (folder / "events.csv").write_text("\n".join(events) + "\n")
    (folder / "more.csv").write_text(f"{events[0]}\ns1@example.com,p1,purchase,1800000000\n")
    return folder


def _database(root: str) -> Database:
    return Database(Workspace(Path(root)).database_url)


def _png(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (60, 80), colour).save(buffer, "PNG")
    return buffer.getvalue()
