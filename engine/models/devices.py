"""The device that networks run on, and seeds that make a run repeatable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from engine.core.errors import SettingsError

__all__ = ["pick_device", "seeded"]


def pick_device(wanted: str = "auto") -> torch.device:
    """The device of a setting: "auto" is CUDA if the machine has it."""
    if wanted == "cuda" and not torch.cuda.is_available():
        raise SettingsError(
            "predictor.device = 'cuda', but this machine has no CUDA device. Set it to 'auto' or 'cpu'."
        )
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, torch's random numbers (initial weights, dropout) start from `seed`; outside, they are not affected."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
