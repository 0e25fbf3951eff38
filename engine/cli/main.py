"""One command from its arguments to its exit code: 0 done, 2 refused with a sentence, 130 interrupted."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from importlib import import_module
from pathlib import Path

from engine.access.acting import Actor, acting
from engine.access.roles import Role
from engine.cli.arguments import build_parser
from engine.cli.console import Console
from engine.core.disk_errors import disk_error
from engine.core.errors import LongtailError
from engine.core.occupancy import opened

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv` (the process's own unless given) and return the exit code."""
    arguments = build_parser().parse_args(argv)
    console = Console(json=arguments.json)
    module, function = arguments.command_function
    try:
        with console, _acting(arguments.by), _opened(arguments, function):
            getattr(import_module(f"engine.cli.{module}"), function)(arguments, console)
            sys.stdout.flush()
    except LongtailError as exc:
        return _refused(console, exc)
    except KeyboardInterrupt:
        console.error("Interrupted; what existed before is unchanged.")
        return 130
    except BrokenPipeError:
        _be_silent()  # whoever read our output has seen enough (`| head`)
    except OSError as exc:
        return _refused(console, disk_error(exc))
    return 0


def _acting(by: Sequence[str] | None) -> AbstractContextManager[None]:
    """A run that a page started acts for the person who did; a command for whoever runs it."""
    return acting(Actor(by[0], Role(by[1]), "run")) if by else nullcontext()


@contextmanager
def _opened(arguments: argparse.Namespace, function: str) -> Iterator[None]:
    """The workspace beside others; a restore alone opens it for itself."""
    if function == "restore":
        yield
        return
    root: Path = import_module("engine.cli.context").open_workspace(arguments).root
    with opened(root, _end_interrupted_restore):
        yield


def _end_interrupted_restore(root: Path) -> None:
    from engine.backup.journal import end_interrupted

    end_interrupted(root)


def _refused(console: Console, exc: LongtailError) -> int:
    detail = getattr(exc, "detail", "")
    with suppress(OSError):  # nobody can be told
        console.error(f"{exc} ({detail})" if detail else str(exc))
    try:
        sys.stdout.flush()
    except OSError:
        _be_silent()
    return 2


def _be_silent() -> None:
    """Keep Python from complaining when it flushes what nobody can take any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
