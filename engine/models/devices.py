"""The device that networks run on, and seeds that make a run repeatable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from engine.core.errors import SettingsError

__all__ = ["has_fast_bfloat16", "pick_device", "seeded"]


def pick_device(wanted: str = "auto") -> torch.device:
    """The device of a setting: "auto" is CUDA if the machine has it."""
    if wanted == "cuda" and not torch.cuda.is_available():
        raise SettingsError(
            "predictor.device = 'cuda', but this machine has no CUDA device. Set it to 'auto' or 'cpu'."
        )
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)


def has_fast_bfloat16() -> bool:
    """Whether the processor multiplies matrices in bfloat16 by instructions of its own; graphics cards calculate as they are told."""
    found = torch.cpu.get_capabilities()
    return bool(found.get("amx_bf16") or found.get("avx512_bf16"))


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, torch's random numbers (initial weights, dropout) start from `seed`; outside, they are not affected."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
