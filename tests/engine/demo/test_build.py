"""Building the demo shop, end to end and small."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pyarrow.parquet as pq
import pytest

from engine.catalogue.images import load_pixels, store_image
from engine.catalogue.snapshot import read_shop, write_snapshot
from engine.core.errors import JobError, NoDataError, SettingsError
from engine.core.workspace import Workspace
from engine.demo.build import build_demo, read_families
from engine.demo.listing import ATTRIBUTE_KINDS

SIZE = {"seed": 3, "n_items": 30, "n_shoppers": 40}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("demo"))
    build_demo(workspace, **SIZE, processes=1)
    return workspace


def tables(workspace: Workspace) -> list[bytes]:
    snapshot = workspace.current_snapshot()
    return [pq.read_table(snapshot / f"{name}.parquet").to_pydict() for name in ("items", "interactions", "truth")]


def test_the_shop_in_use_is_the_demo_shop(built):
    shop = read_shop(built)
    assert shop.demo
    assert shop.name == "Maison Longtail"
    assert shop.interaction_word == "clicks"
    assert len(shop.items) == 30
    assert shop.attribute_kinds == ATTRIBUTE_KINDS


def test_the_family_is_the_known_truth_and_no_column_of_the_shop(built):
    families = read_families(built)
    shop = read_shop(built)
    assert list(families) == shop.items["item_id"].tolist()
    assert len(set(families.values())) >= 12
    assert "family" not in shop.items.columns


def test_every_dress_has_its_picture_and_thumbnail(built):
    for image in read_shop(built).items["image"]:
        data = built.image_file(image).read_bytes()
        assert hashlib.sha256(data).hexdigest() == image
        assert built.thumbnail_file(image).stat().st_size < len(data)
        assert load_pixels(built, image, 64).std() > 10
    assert not list(built.root.rglob("*.part"))


def test_storing_a_drawn_picture_again_finds_it_there(built):
    image = read_shop(built).items["image"][0]
    before = built.image_file(image).stat().st_mtime_ns
    assert store_image(built, built.image_file(image).read_bytes(), name="again.jpg") == image
    assert built.image_file(image).stat().st_mtime_ns == before


def test_two_processes_build_the_very_same_shop_as_one(built, tmp_path):
    other = Workspace(tmp_path)
    build_demo(other, **SIZE, processes=2)
    assert tables(other) == tables(built)
    for image in read_shop(other).items["image"]:
        assert other.thumbnail_file(image).read_bytes() == built.thumbnail_file(image).read_bytes()


def test_another_seed_builds_another_shop(built, tmp_path):
    other = Workspace(tmp_path)
    build_demo(other, **{**SIZE, "seed": 4}, processes=1)
    assert not set(read_shop(other).items["image"]) & set(read_shop(built).items["image"])
    assert tables(other)[1] != tables(built)[1]


def test_progress_names_the_steps_and_pictures_are_there_while_it_draws(tmp_path):
    workspace = Workspace(tmp_path)
    reported: list[tuple[str, float, str]] = []
    drawn: list[int] = []

    def progress(step: str, done: float, message: str = "") -> None:
        reported.append((step, done, message))
        drawn.append(len(list(workspace.thumbnails.glob("*/*.jpg"))))

    build_demo(workspace, **SIZE, processes=1, progress=progress)
    assert list(dict.fromkeys(step for step, _, _ in reported)) == [
        "Drawing 30 dresses",
        "Writing titles and descriptions",
        "Sending 40 shoppers through the shop",
        "Saving the shop",
    ]
    assert ("Drawing 30 dresses", pytest.approx(1 / 3), "10 of 30") in reported
    assert drawn[1] == 10
    for step in {step for step, _, _ in reported}:
        fractions = [done for name, done, _ in reported if name == step]
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1.0


@pytest.mark.parametrize(("field", "value"), [("n_items", 3), ("n_shoppers", 0), ("processes", 0), ("seed", -1)])
def test_a_size_that_makes_no_shop_is_refused_and_nothing_is_written(tmp_path, field, value):
    workspace = Workspace(tmp_path / "workspace")
    with pytest.raises(SettingsError, match=f"{field.removeprefix('n_')} = {value}"):
        build_demo(workspace, **{**SIZE, "processes": 1, field: value})
    assert not workspace.root.exists()


def test_a_shop_without_known_families_says_so(workspace):
    write_snapshot(
        workspace, pd.DataFrame({"item_id": ["a"]}), pd.DataFrame({"user_id": ["u"], "item_id": ["a"]}), {}, {}
    )
    with pytest.raises(NoDataError, match="only the demo shop has"):
        read_families(workspace)


def test_a_killed_drawing_process_is_reported_and_the_shop_in_use_stays(built, tmp_path):
    workspace = Workspace(tmp_path)
    before = build_demo(workspace, **SIZE, processes=1)

    others = set(psutil.Process().children())
    killed: list[psutil.Process] = []

    def kill_a_painter(step: str, done: float, message: str = "") -> None:
        if not killed and 0 < done < 1 and step.startswith("Drawing"):
            painters = set(psutil.Process().children()) - others
            killed.append(next(child for child in painters if "spawn_main" in " ".join(child.cmdline())))
            killed[0].kill()

    with pytest.raises(JobError, match="A drawing process was killed"):
        build_demo(workspace, seed=9, n_items=400, n_shoppers=40, processes=2, progress=kill_a_painter)
    assert workspace.current_snapshot().name == before


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_painters_do_not_outlive_a_killed_parent(tmp_path):
    code = (
        "from pathlib import Path\n"
        "from engine.core.workspace import Workspace\n"
        "from engine.demo.build import build_demo\n"
        "if __name__ == '__main__':\n"
        f"    build_demo(Workspace(Path({str(tmp_path)!r})), n_items=2000, processes=2)\n"
    )
    script = tmp_path / "build.py"
    script.write_text(code)
    root = Path(__file__).resolve().parents[3]
    parent = subprocess.Popen([sys.executable, str(script)], cwd=root, env={**os.environ, "PYTHONPATH": str(root)})
    deadline = time.monotonic() + 180
    while not list(tmp_path.glob("thumbnails/*/*.jpg")) and time.monotonic() < deadline:
        time.sleep(0.1)
    painters = psutil.Process(parent.pid).children(recursive=True)
    assert len(painters) >= 2
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    _, alive = psutil.wait_procs(painters, timeout=60)
    assert not alive
