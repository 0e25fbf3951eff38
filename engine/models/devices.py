"""The device that networks run on, and seeds that make a run repeatable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch

from engine.core.errors import SettingsError, TrainingError
from engine.core.graphics_card import graphics_card, with_graphics_card
from engine.core.workers import workers

__all__ = [
    "calculating",
    "has_fast_bfloat16",
    "has_fast_integers",
    "has_matrix_unit",
    "name_of_card",
    "pick_device",
    "seeded",
]

_wanted: ContextVar[str] = ContextVar("device", default="auto")


def pick_device() -> torch.device:
    """Where networks run: as `calculating` says, else on a graphics card if there is one."""
    if (wanted := _wanted.get()) == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)


@contextmanager
def calculating(wanted: str) -> Iterator[None]:
    """In the block everything heavy is done where `device` says: on a graphics card, or by the processor.

    A cluster does its share by processors (`engine.core.workers`), so beside one a card runs networks alone.

    Raises `SettingsError` for "cuda" on a machine without a card, `TrainingError` where the card's memory does not suffice.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise SettingsError("device = 'cuda', but this machine has no CUDA device. Set it to 'auto' or 'cpu'.")
    token = _wanted.set(wanted)
    try:
        device = pick_device()
        with with_graphics_card(device.type if device.type != "cpu" and workers() is None else None):
            yield
    except torch.OutOfMemoryError as exc:
        raise TrainingError(
            "The graphics card has too little free memory for this shop. End what else uses it, or set device = 'cpu'."
        ) from exc
    finally:
        _wanted.reset(token)


def name_of_card() -> str | None:
    """What the maker calls the card that this training calculates on; None where it uses none."""
    return torch.cuda.get_device_name() if graphics_card() == "cuda" else None


def has_fast_bfloat16() -> bool:
    """Whether the processor multiplies matrices in bfloat16 by instructions of its own; graphics cards calculate as they are told."""
    found = torch.cpu.get_capabilities()
    return bool(found.get("amx_bf16") or found.get("avx512_bf16"))


def has_fast_integers() -> bool:
    """Whether the processor has AVX-512 for eight-bit integers."""
    return bool(torch.cpu.get_capabilities().get("avx512_vnni"))


def has_matrix_unit() -> bool:
    """Whether the processor has a unit for matrices (AMX), by which products in bfloat16 take less time than those of eight-bit integers that are scaled in between."""
    return bool(torch.cpu.get_capabilities().get("amx_bf16"))


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, torch's random numbers (initial weights, dropout) start from `seed`; outside, they are not affected."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
