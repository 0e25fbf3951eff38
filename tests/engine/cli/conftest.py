"""Commands run in this process, with what they printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.core.workspace import Workspace
from tests.support.tiny_release import TinyRelease, build_tiny_release


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The JSON objects on standard output."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def result(self) -> dict[str, Any]:
        (line,) = [line for line in self.lines if line["event"] == "result"]
        return line


Command = Callable[..., Outcome]


@pytest.fixture
def command(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> Command:
    """`python -m engine --workspace W ...` in the test's own workspace."""

    def run(*arguments: str | Path, workspace: Workspace = workspace) -> Outcome:
        capsys.readouterr()
        code = main(["--workspace", str(workspace.root), *map(str, arguments)])
        printed = capsys.readouterr()
        return Outcome(code, printed.out, printed.err)

    return run


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyRelease:
    """A shop of 60 products with one published release that has real networks. Read only."""
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("cli") / "workspace"))
