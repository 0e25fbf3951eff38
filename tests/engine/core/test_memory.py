from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from engine.core import memory
from engine.core.memory import free_memory


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with 1,000 bytes and 50 of swap, and groups of processes in this folder, of which none has a limit."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(free=50))
    monkeypatch.setattr(memory, "GROUPS", tmp_path)
    monkeypatch.setattr(memory, "OWN_GROUP", tmp_path / "own")
    (tmp_path / "own").write_text("4:memory:/elsewhere\n0::/system.slice/longtail.service\n")
    (tmp_path / "system.slice" / "longtail.service").mkdir(parents=True)
    return tmp_path


def limit(group: Path, most: str, current: int = 0, files: int = 0) -> None:
    (group / "memory.max").write_text(f"{most}\n")
    (group / "memory.current").write_text(f"{current}\n")
    (group / "memory.stat").write_text(f"anon 7\nactive_file {files}\ninactive_file 0\n")


def test_without_a_limit_it_is_what_the_machine_has_left(machine: Path) -> None:
    assert free_memory() == 1050
    limit(machine / "system.slice", "max", current=10)
    assert free_memory() == 1050
    (machine / "own").unlink()
    assert free_memory() == 1050


def test_the_tightest_limit_of_a_group_or_one_around_it_holds(machine: Path) -> None:
    limit(machine / "system.slice", "500", current=100)
    assert free_memory() == 400
    limit(machine / "system.slice" / "longtail.service", "300", current=290, files=40)
    assert free_memory() == 50  # what was read from files can be read again
    limit(machine, "100", current=200)  # as a container sees its own
    assert free_memory() == 0


def test_a_limit_that_cannot_be_read_is_none(machine: Path) -> None:
    limit(machine / "system.slice", "nonsense")
    limit(machine / "system.slice" / "longtail.service", "10")
    (machine / "system.slice" / "longtail.service" / "memory.stat").unlink()
    assert free_memory() == 1050


def test_this_machine_has_some() -> None:
    assert free_memory() > 10**6
