"""New products without a browser: the engine's part of the time, and a store whose process is killed while it saves."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.new_products_ledger import Entry, Findings, Ledger, Version, examine_apart
from benchmarks.new_products_photos import garment_photos
from benchmarks.support import ROOT
from engine.core.workspace import Workspace
from engine.edits.drafts.served import DraftBuffer
from engine.edits.drafts.store import DraftStore, NewDraft
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import neighbours_of_unseen
from engine.store import Database
from engine.untrusted.uploads import picture_children, store_upload

__all__ = ["first_product", "kill_savers", "products", "whole_collection"]

FIRST = """
import sys, time
from pathlib import Path
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import neighbours_of_unseen
from engine.catalogue.product import Product
from engine.core.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
recommender = Recommender.open(workspace)
opened = time.perf_counter()
neighbours_of_unseen(recommender, workspace, Product(title="Floral midi dress"))
print(time.perf_counter() - opened)
"""
SAVER = """
import io, sys
from pathlib import Path
from PIL import Image
from engine.edits.drafts.store import DraftStore, NewDraft
from engine.catalogue.images import store_image
from engine.catalogue.product import Product
from engine.core.workspace import Workspace
from engine.store import Database
workspace, life, number = Workspace(Path(sys.argv[1])), sys.argv[2], 0
store = DraftStore(Database(workspace.database_url), workspace)
print("ready", flush=True)
while True:
    number += 1
    data = io.BytesIO()
    Image.new("RGB", (400, 500), (number % 256, number // 256 % 256, int(life) % 256)).save(data, "PNG")
    image = store_image(workspace, data.getvalue(), name="p.png")
    (made,) = store.save([NewDraft(Product(title=f"Dress {number}"), (image,), f"{life}-{number}")], "Ada", lambda _id: False)
    print("draft", made, image, flush=True)
    store.approve(made)
    print("approved", made, image, flush=True)
"""
LONGEST = 0.2  # seconds that a saver works before it is killed
TOLD_EVERY = 20


def first_product(root: Path) -> float:
    """Seconds of the very first product in a process of its own, after its release was opened."""
    child = subprocess.run(
        [sys.executable, "-c", FIRST, str(root.absolute())], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return float(child.stdout.strip().splitlines()[-1])


def products(recommender: Recommender, count: int, seed: int) -> np.ndarray:
    """Seconds of each of so many products, from the bytes of a photo and a text to neighbours."""
    rng, seconds = np.random.default_rng(seed), []
    with tempfile.TemporaryDirectory() as folder, picture_children() as children:
        scratch = Workspace(Path(folder))  # the measured one is left as it is
        for photo in garment_photos(count + 1, seed):
            product = recommender.product(int(rng.integers(len(recommender.items))))
            began = time.perf_counter()
            image = store_upload(scratch, photo, name="p.jpg", children=children)
            neighbours_of_unseen(recommender, scratch, replace(product, image=image))
            seconds.append(time.perf_counter() - began)
    return np.array(seconds[1:])  # the first one loads the networks


def whole_collection(recommender: Recommender, rows: int, seed: int) -> float:
    """Seconds from the bytes of so many photos and texts to drafts that are served."""
    with tempfile.TemporaryDirectory() as folder, picture_children(most=2) as children:
        workspace = Workspace(Path(folder))
        store = DraftStore(Database(workspace.database_url), workspace)
        photos = list(garment_photos(rows, seed))
        began = time.perf_counter()
        new = []
        for number, photo in enumerate(photos):
            image = store_upload(workspace, photo, name=f"{number}.jpg", children=children)
            new.append(NewDraft(recommender.product(number % len(recommender.items)), (image,)))
        store.save(new, "Ada", recommender.__contains__, approve=True)
        served = DraftBuffer(recommender, workspace, tuple(store.all(("approved",))))
        served.neighbours_of_draft(served.ids[0])
        return time.perf_counter() - began


def kill_savers(kills: int, seed: int) -> Findings:
    """Processes that save and approve drafts as fast as they can, each killed; what is left of what they printed."""
    rng, ledger = np.random.default_rng(seed), Ledger()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "shop"
        root.mkdir()
        DraftStore(Database(Workspace(root).database_url), Workspace(root)).all()  # the tables are made once
        for life in range(1, kills + 1):
            process = subprocess.Popen(
                [sys.executable, "-c", SAVER, str(root), str(life)], stdout=subprocess.PIPE, text=True, cwd=ROOT
            )
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(float(rng.random()) * LONGEST)
            process.kill()
            _take_down(ledger, process.stdout.read(), life)
            process.wait()
            if life % TOLD_EVERY == 0:
                print(f"  {life} savers killed, {len(ledger.entries)} drafts", flush=True)
        return examine_apart(root, ledger)


def _take_down(ledger: Ledger, printed: str, life: int) -> None:
    """What a saver printed was confirmed; the approval of its last draft may have been asked for."""
    for line in printed.splitlines(keepends=True):
        if not line.endswith("\n"):
            return
        state, made, image = line.split()
        title = f"Dress {made.split('-')[1]}"
        entry = ledger.entries.setdefault(made, Entry({}, (image,)))
        entry.asked = [(life, Version("approved", title))]
        entry.confirmed = Version(state, title)
