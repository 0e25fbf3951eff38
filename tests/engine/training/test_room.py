from __future__ import annotations

import shutil
from types import SimpleNamespace

import psutil
import pytest

from engine.core.errors import TrainingError
from engine.core.progress import silent
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.training.data import encode_products, read_data
from engine.training.pipeline import train
from engine.training.room import check_room, needs
from tests.support.tiny_release import build_tiny_shop

PLAIN = Settings.model_validate({"text": {"model": "none"}, "image": {"kind": "none"}})


def test_a_smoother_of_every_product_needs_their_number_squared_and_landmarks_much_less() -> None:
    exact = list(needs(20_000, 10_000, 100_000, 20_000, Settings()))[-1]
    landmarks = list(needs(20_000, 10_000, 100_000, 20_001, Settings()))[-1]
    assert exact.memory > 4 * 20_000**2 > landmarks.memory
    assert "Lower smoother.exact (now 20,000)" in exact.advice
    assert "smoother.landmarks" in landmarks.advice


def test_too_little_memory_is_said_before_anything_is_fitted(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_tiny_shop(workspace)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(free=0))
    steps: list[str] = []
    with pytest.raises(TrainingError, match=r"of memory, and 0\.0 GB are free\."):
        train(workspace, PLAIN, progress=lambda step, done, message="": steps.append(step))
    assert "Choosing settings" not in steps
    assert not workspace.finished_parts.exists()


def test_the_stage_that_needs_too_much_memory_is_named_with_what_to_set(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_tiny_shop(workspace)
    shop, interactions = read_data(workspace, PLAIN, silent)
    data = encode_products(shop, interactions, workspace, PLAIN, silent)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(free=0))
    with pytest.raises(TrainingError, match=r"needs about 0\.0 GB of memory, and 0\.0 GB are free\. (Lower|Use)"):
        check_room(data, workspace, PLAIN)


def test_too_little_disk_is_said_before_anything_is_fitted(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_tiny_shop(workspace)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(TrainingError, match="of disk, and"):
        train(workspace, PLAIN)
