"""One command from its arguments to its exit code: 0 done, 2 refused with a sentence, 130 interrupted."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module

from engine.access.acting import Actor, acting
from engine.access.roles import Role
from engine.cli.arguments import build_parser
from engine.cli.console import Console
from engine.core.errors import LongtailError, StoreError

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv` (the process's own unless given) and return the exit code."""
    arguments = build_parser().parse_args(argv)
    console = Console(json=arguments.json)
    module, function = arguments.command_function
    try:
        with console, _acting(arguments.by):
            getattr(import_module(f"engine.cli.{module}"), function)(arguments, console)
    except StoreError as exc:
        console.error(f"{exc} ({exc.detail})" if exc.detail else str(exc))
        return 2
    except LongtailError as exc:
        console.error(str(exc))
        return 2
    except KeyboardInterrupt:
        console.error("Interrupted; what existed before is unchanged.")
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough (`| head`); keep Python from complaining when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _acting(by: Sequence[str] | None) -> AbstractContextManager[None]:
    """A run that a page started acts for the person who did; a command for whoever runs it."""
    return acting(Actor(by[0], Role(by[1]), "run")) if by else nullcontext()
