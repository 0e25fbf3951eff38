"""Every arm there is, in the order in which their vectors are made: an arm may build on those before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from engine.arms.als import ALS
from engine.arms.base import Arm, FittedModels, KnownProducts, Reading, Sides
from engine.arms.content import CONTENT
from engine.arms.geometry import ArmVectors
from engine.arms.hybrid import LONGTAIL
from engine.arms.predicted import PREDICTED

__all__ = ["SERVED", "arm", "arm_vectors", "arms", "channels", "registered", "sides_of", "title_of"]

SERVED = LONGTAIL.name
"""The arm that shops serve."""

_arms: dict[str, Arm] = {one.name: one for one in (ALS, PREDICTED, CONTENT, LONGTAIL)}


def arms() -> dict[str, Arm]:
    """Every arm by name, as people are shown them: the one that is served first."""
    return {SERVED: _arms[SERVED]} | _arms


def arm(name: str) -> Arm:
    """One arm; `KeyError` where there is none of that name."""
    return _arms[name]


def title_of(name: str) -> str:
    """What an arm is called on screen; a name of no arm is shown as it is."""
    return _arms[name].title if name in _arms else name


def channels() -> list[str]:
    """The arms whose cosine may be added to the hybrid's."""
    return [name for name, one in _arms.items() if one.is_channel]


def arm_vectors(fitted: FittedModels) -> dict[str, ArmVectors]:
    """The vectors of every arm whose models are fitted."""
    found: dict[str, ArmVectors] = {}
    for name, one in _arms.items():
        vectors = one.vectors(fitted, found)
        if vectors is not None:
            found[name] = vectors
    return found


def sides_of(
    reading: Reading, facts: Mapping[str, Mapping[str, float]], known: KnownProducts | None = None
) -> dict[str, Sides]:
    """What described products search each arm of a release with and are found by.

    Parameters
    ----------
    facts : arm -> the facts that the release keeps of it; these are its arms.
    known : what the release knows of them; None for products that nobody has seen.
    """
    found: dict[str, Sides] = {}
    for name, one in _arms.items():
        if name in facts:
            found[name] = one.sides(reading, known, facts[name], found)
    return found


@contextmanager
def registered(one: Arm) -> Iterator[None]:
    """One more arm for as long as the block lasts, before the one that is served."""
    served = _arms.pop(SERVED)
    _arms[one.name], _arms[SERVED] = one, served
    try:
        yield
    finally:
        del _arms[one.name]
