"""An ingest that is killed leaves the old shop, and nothing that lasts."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from engine.catalogue.snapshot import read_shop
from engine.core.workspace import Workspace
from engine.ingest.pipeline import ingest
from engine.jobs import sweep_folders

CHILD = """
import sys, time
from pathlib import Path
from engine.core.workspace import Workspace
from engine.ingest.pipeline import ingest

def progress(step, done, message=""):
    if step == sys.argv[2]:
        print(step, flush=True)
        time.sleep(60)

ingest(Workspace(Path(sys.argv[1])), interactions=Path(sys.argv[3]), progress=progress)
"""


def events(path: Path, shopper: str) -> Path:
    pd.DataFrame({"user_id": [f"{shopper}{n}" for n in range(8)], "item_id": list("abab") * 2}).to_csv(
        path, index=False
    )
    return path


@pytest.mark.slow
@pytest.mark.parametrize("step", ["Reading the events", "Saving the shop"])
def test_a_killed_ingest_leaves_the_old_shop_and_its_folder_goes(
    workspace: Workspace, tmp_path: Path, step: str
) -> None:
    old = ingest(workspace, interactions=events(tmp_path / "old.csv", "u"))
    new = events(tmp_path / "new.csv", "v")
    command = [sys.executable, "-c", CHILD, str(workspace.root), step, str(new)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline().strip() == step
        sweep_folders(workspace)
        assert process.poll() is None
        held = list(workspace.root.glob(".ingest-*"))
        process.send_signal(signal.SIGKILL)
    assert read_shop(workspace).snapshot_id == old.snapshot_id
    assert len(held) == 1
    assert held[0].is_dir()
    sweep_folders(workspace)
    assert not list(workspace.root.glob(".ingest-*"))


def test_the_next_ingest_sweeps_too(workspace: Workspace, tmp_path: Path) -> None:
    left = workspace.root / ".ingest-left"
    left.mkdir(parents=True)
    (left / "staged-0.parquet").touch()
    ingest(workspace, interactions=events(tmp_path / "new.csv", "v"))
    assert not list(workspace.root.glob(".ingest-*"))
