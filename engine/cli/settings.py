"""`settings`: every setting with its type, default, meaning and present value."""

from __future__ import annotations

import argparse

from engine.cli.console import Console
from engine.cli.context import open_settings
from engine.core.settings import describe_settings

__all__ = ["settings"]


def settings(arguments: argparse.Namespace, console: Console) -> None:
    """List every setting; what differs from its default is marked."""
    lines = describe_settings(open_settings(arguments))
    texts = [
        f"{'*' if line.value != line.default else ' '} {line.name} = {line.value}\n"
        f"      {line.kind}, default {line.default}: {line.meaning}"
        for line in lines
    ]
    console.result({"settings": [line.__dict__ for line in lines]}, "\n".join(texts))
    console.note("* differs from its default. Set it in settings.toml, by LONGTAIL_GROUP__NAME, or with --set.")
