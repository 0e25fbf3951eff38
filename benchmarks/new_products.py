"""New products: how fast one finds its neighbours, whether they are those of an unseen product, what a kill loses.

    python -m benchmarks.new_products --workspace workspace [--products 300] [--kills 200] [--collection 500]

Latency is the engine's part, from the bytes of a picture and a text to neighbours, decoding in the bounded child included; the
browser adds a rerun of the page. Written to results/new_products.json.
"""

from __future__ import annotations

import argparse
import io
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.support import ROOT, merge_results
from engine.curation.judgements import JudgementStore
from engine.drafts.served import described
from engine.drafts.store import DraftStore, NewDraft
from engine.serving.recommender import Recommender
from engine.serving.unseen import neighbours_of_unseen
from engine.settings import workspace_path
from engine.shop.uploads import picture_children, store_upload
from engine.workspace import Workspace

SAVER = """
import io, sys
from pathlib import Path
from PIL import Image
from engine.curation.judgements import JudgementStore
from engine.drafts.store import DraftStore, NewDraft
from engine.shop.images import store_image
from engine.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
store, number = DraftStore(JudgementStore(sys.argv[2]), workspace), 0
print("ready", flush=True)
while True:
    number += 1
    data = io.BytesIO()
    Image.new("RGB", (400, 500), (number % 256, number // 256 % 256, int(sys.argv[3]) % 256)).save(data, "PNG")
    image = store_image(workspace, data.getvalue(), name="p.png")
    (made,) = store.save([NewDraft({"title": f"Dress {number}"}, (image,))], "Ada", lambda _id: False)
    print("draft", made, image, flush=True)
    store.approve(made)
    print("approved", made, image, flush=True)
"""


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, default=workspace_path())
    parser.add_argument("--products", type=int, default=300)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--collection", type=int, default=500)
    arguments = parser.parse_args()
    workspace = Workspace(arguments.workspace)
    recommender = Recommender.open(workspace)
    first, warm = latency(recommender, workspace)
    overlap = overlaps(recommender, workspace, arguments.products)
    lost, broken, confirmed = killed(arguments.kills)
    command = "python -m benchmarks.new_products --workspace workspace"
    figures: dict[str, tuple[Any, str]] = {
        "first_product_seconds": (round(first, 2), "<= 4"),
        "product_p95_seconds": (round(float(np.percentile(warm, 95)), 3), "<= 1.5"),
        "product_median_seconds": (round(float(np.median(warm)), 3), "-"),
        "collection_seconds": (round(collection(recommender, arguments.collection), 1), "<= 240"),
        "overlap_at_10_of_described_again": (round(float(overlap.mean()), 4), ">= 0.95"),
        "overlap_at_10_lowest": (round(float(overlap.min()), 2), "-"),
        "products_described_again": (len(overlap), "-"),
        "drafts_confirmed_while_killed": (confirmed, "-"),
        "drafts_confirmed_but_lost": (lost, "= 0"),
        "drafts_with_a_broken_picture": (broken, "= 0"),
    }
    merge_results(
        "new_products",
        {name: {"value": value, "target": target, "command": command} for name, (value, target) in figures.items()},
    )
    for name, (value, target) in figures.items():
        print(f"{name}: {value} (target {target})")


def latency(recommender: Recommender, workspace: Workspace, times: int = 40) -> tuple[float, np.ndarray]:
    """Seconds of the very first product in a process of its own, and of each of many in this one."""
    code = (
        "import sys, time\nfrom pathlib import Path\nbegan = time.perf_counter()\n"
        "from engine.serving.recommender import Recommender\nfrom engine.serving.unseen import neighbours_of_unseen\n"
        "from engine.workspace import Workspace\nworkspace = Workspace(Path(sys.argv[1]))\n"
        "recommender = Recommender.open(workspace)\nopened = time.perf_counter()\n"
        "neighbours_of_unseen(recommender, workspace, {'title': 'Floral midi dress'})\nprint(time.perf_counter() - opened)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(workspace.root)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    items = recommender.items
    rng, seconds = np.random.default_rng(0), []
    with tempfile.TemporaryDirectory() as folder, picture_children() as children:
        scratch = Workspace(Path(folder))  # the measured one is left as it is
        store_upload(scratch, _picture(0), name="warm.png", children=children)
        neighbours_of_unseen(recommender, scratch, {"title": "a dress"})
        for number in range(1, times + 1):
            item = described(recommender, int(rng.integers(len(items))))
            data = _picture(number)
            began = time.perf_counter()
            item["image"] = store_upload(scratch, data, name="p.png", children=children)
            neighbours_of_unseen(recommender, scratch, item)
            seconds.append(time.perf_counter() - began)
    return float(answer.stdout.strip().splitlines()[-1]), np.array(seconds)


def collection(recommender: Recommender, count: int) -> float:
    """Seconds from the bytes of so many pictures and texts to drafts that are served."""
    from engine.drafts.served import DraftBuffer

    with tempfile.TemporaryDirectory() as folder, picture_children(most=2) as children:
        workspace = Workspace(Path(folder))
        store = DraftStore(JudgementStore(f"sqlite:///{folder}/longtail.db"), workspace)
        data = [_picture(number) for number in range(count)]
        began = time.perf_counter()
        new = []
        for number, picture in enumerate(data):
            item = {k: v for k, v in described(recommender, number % len(recommender.items)).items() if k != "image"}
            new.append(NewDraft(item, (store_upload(workspace, picture, name=f"{number}.png", children=children),)))
        store.save(new, "Ada", recommender.__contains__, approve=True)
        served = DraftBuffer(recommender, workspace, tuple(store.all(("approved",))))
        served.neighbours_of_draft(served.ids[0])
        return time.perf_counter() - began


def overlaps(recommender: Recommender, workspace: Workspace, count: int) -> np.ndarray:
    """Share of each product's ten neighbours without interactions that it gets when described again as a new one.

    Where a product has interactions, its list without them is asked of the release by its smoothed vector, which knows
    nothing of them.
    """
    from engine.model.hybrid_files import load_hybrid

    saved = load_hybrid(recommender.directory)
    assert saved is not None
    rank, search = saved.recipe.rank, recommender.arm("hybrid")
    rows = np.random.default_rng(0).choice(len(recommender.items), min(count, len(recommender.items)), replace=False)
    found = []
    for row in rows:
        item_id = str(recommender.items["item_id"].iloc[row])
        vector = np.zeros(search.query.shape[1], dtype=np.float32)
        vector[:rank] = search.query[row][:rank]
        if not vector.any():
            continue  # another arm answers for products with so many interactions
        ours = [one.item_id for one in recommender.found(*search.of_vector(vector, 11)) if one.item_id != item_id][:10]
        again = neighbours_of_unseen(recommender, workspace, described(recommender, int(row)), 11)
        theirs = [one.item_id for one in again if one.item_id != item_id][:10]
        found.append(len(set(ours) & set(theirs)) / max(len(ours), 1))
    return np.array(found)


def killed(kills: int) -> tuple[int, int, int]:
    """Drafts confirmed but lost, drafts whose picture is not whole, and drafts confirmed, over so many kills."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        workspace, url = Workspace(Path(folder) / "shop"), f"sqlite:///{folder}/longtail.db"
        store = DraftStore(JudgementStore(url), workspace)
        confirmed: dict[str, tuple[str, str]] = {}
        for life in range(kills):
            process = subprocess.Popen(
                [sys.executable, "-c", SAVER, str(workspace.root), url, str(life)],
                stdout=subprocess.PIPE, text=True, cwd=ROOT,
            )  # fmt: skip
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(float(rng.random()) * 0.2)
            process.send_signal(signal.SIGKILL)
            for line in process.stdout.read().splitlines(keepends=True):
                if line.endswith("\n"):
                    state, made, image = line.split()
                    confirmed[made] = state, image
            process.wait()
        lost = broken = 0
        there = {draft.id: draft for draft in store.all(("draft", "approved"))}
        for made, (state, image) in confirmed.items():
            draft = there.get(made)
            lost += draft is None or (state == "approved" and draft.state != "approved") or draft.pictures != (image,)
        for draft in there.values():
            for image in draft.pictures:
                try:
                    with Image.open(workspace.image_file(image)) as picture:
                        picture.load()
                except OSError:
                    broken += 1
        return lost, broken, len(confirmed)


def _picture(number: int) -> bytes:
    """A photograph-sized picture that nobody stored before."""
    rng = np.random.default_rng(number)
    small = rng.integers(0, 255, (12, 9, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(small).resize((900, 1200), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


if __name__ == "__main__":
    main()
