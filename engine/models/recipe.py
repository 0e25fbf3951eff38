"""The recipe of a catalogue's hybrid: the weights of its views, and the arms that answer instead or are added to it."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from engine.models.kernel import Kernel
from engine.models.smoother import Capacity
from engine.models.user_scoring import UserScoring

__all__ = ["CONTENT", "HYBRID", "SILENCE", "Recipe", "Silence", "default_recipe", "max_rank"]

SHARPNESS = 4.0
HYBRID, CONTENT, SILENCE = "hybrid", "content", "silence"
"""Two arms, and the block of the hybrid's vectors in which content speaks where behaviour is silent."""


MOST_CERTAIN = 0.999
MOST_NUMBERS = 1 << 28
"""Of one table of directions, products times directions: 1 GiB."""


@dataclass(frozen=True)
class Silence:
    """How content speaks where behaviour is silent.

    With v, how much of a product's smoothed vector is guesswork (posterior over prior variance), and w = v ** `power`, the
    hybrid's similarity of products i and j counts 1 - w_i, and that of their content `weight` x w_i x w_j, both
    brought to the same spread. A weight of 0 leaves content out.
    """

    power: float = 2.0
    weight: float = 1.0

    def beside(self, unknown: np.ndarray) -> np.ndarray:
        """(n,) float64, how much content counts beside a hybrid that counts 1; `unknown` (n,) is v."""
        share = np.minimum(np.power(unknown.astype(np.float64), self.power), MOST_CERTAIN)
        return self.weight * share / (1.0 - share)


@dataclass(frozen=True)
class Recipe:
    """The choices for one catalogue.

    Attributes
    ----------
    weights : of each view in the kernel: "words", "content" (all modalities), "prediction", or one modality.
    sharpness : of all dense views.
    noise : interactions at which an item's own shoppers weigh as much as its look-alikes.
    rank : number of residual directions.
    exponent : candidates are divided by their length to this power; 1 compares directions alone.
    lean : a candidate leans on its look-alikes with v ** `lean`, where v is how much of it is guesswork; the rest of it is
        what its own shoppers did. Candidates without interactions lean on them alone.
    unseen : a candidate leans on its look-alikes as if it had at least so many interactions.
    fallback : {lowest count: arm}: from this many interactions on another arm answers, "hybrid" for itself.
    channels : arm -> {lowest count: weight}: from this many interactions on the arm's cosine is added with this weight,
        both brought to the same spread over the candidates; smallest counts weigh 0.
    user_scoring : how shoppers are served.
    favour : how often the score of a long-tail product counts when a shopper's list is filled, at least 1.
    silence : how content speaks where behaviour is silent.
    capacity : up to how many products the smoother is exact.
    """

    weights: dict[str, float]
    sharpness: float = SHARPNESS
    noise: float = 30.0
    rank: int = 256
    exponent: float = 0.5
    lean: float = 0.5
    unseen: float = 2.0
    fallback: dict[int, str] = field(default_factory=dict)
    channels: dict[str, dict[int, float]] = field(default_factory=dict)
    user_scoring: UserScoring = field(default_factory=UserScoring)
    favour: float = 1.0
    silence: Silence = field(default_factory=Silence)
    capacity: Capacity = field(default_factory=Capacity)

    def __post_init__(self) -> None:
        """In the order that files have: a recipe that was read gives what the one that was written gave, to the last bit."""
        channels = {arm: dict(sorted(steps.items())) for arm, steps in sorted(self.channels.items())}
        object.__setattr__(self, "weights", dict(sorted(self.weights.items())))
        object.__setattr__(self, "fallback", dict(sorted(self.fallback.items())))
        object.__setattr__(self, "channels", channels)

    def kernel(self) -> Kernel:
        """The kernel over the views that count."""
        weights = {view: weight for view, weight in self.weights.items() if weight > 0}
        return Kernel({view: 0.0 if view == "words" else self.sharpness for view in weights}, weights)

    def answering(self, counts: np.ndarray) -> np.ndarray:
        """(n,) the arm that answers for items with these interactions."""
        arms = np.full(len(counts), HYBRID, dtype=object)
        for least, arm in sorted(self.fallback.items()):
            arms[counts >= least] = arm
        return arms

    def channel_weights(self, arm: str, counts: np.ndarray) -> np.ndarray:
        """(n,) float64, the weight of an arm's cosine in the hybrid, for items with these interactions."""
        weights = np.zeros(len(counts))
        for least, weight in sorted(self.channels.get(arm, {}).items()):
            weights[counts >= least] = weight
        return weights

    def blocks_beside(self) -> list[str]:
        """The blocks of the hybrid's vectors besides its own, in order: arms that answer or are added, and `SILENCE`."""
        return sorted(set(self.fallback.values()) - {HYBRID} | set(self.blocks_added()))

    def blocks_added(self) -> list[str]:
        """Those whose similarity is added to the hybrid's own, in order."""
        added = {arm for arm, steps in self.channels.items() if any(steps.values())}
        return sorted(added | ({SILENCE} if self.silence.weight else set()))

    def weights_beside(self, block: str, counts: np.ndarray, unknown: np.ndarray) -> np.ndarray:
        """(n,) float64, how much a block's similarity counts beside the hybrid's own."""
        return self.silence.beside(unknown) if block == SILENCE else self.channel_weights(block, counts)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        fallback = {str(count): arm for count, arm in self.fallback.items()}
        channels = {
            arm: {str(count): weight for count, weight in steps.items()} for arm, steps in self.channels.items()
        }
        return asdict(self) | {"fallback": fallback, "channels": channels}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Recipe:
        """What `to_dict` gave."""
        fallback = {int(count): arm for count, arm in values["fallback"].items()}
        channels = {
            arm: {int(count): weight for count, weight in steps.items()} for arm, steps in values["channels"].items()
        }
        parts = {
            "fallback": fallback,
            "channels": channels,
            "user_scoring": UserScoring.from_dict(values["user_scoring"]),
            "silence": Silence(**values["silence"]),
            "capacity": Capacity(**values["capacity"]),
        }
        return cls(**{**values, **parts})


def max_rank(n_items: int) -> int:
    """Directions worth finding in a catalogue of this size; more are noise, and slow to find. With fewer directions than a large
    shop has styles, styles run into one another; but what a training holds of them is bounded, so from some 260,000 products on they become fewer."""
    worth = int(np.clip(n_items // 14, 16, np.clip(n_items // 150, 512, 1024)))
    return max(16, min(worth, MOST_NUMBERS // max(n_items, 1)))


def default_recipe(views: Container[str], n_items: int, capacity: Capacity = Capacity()) -> Recipe:  # noqa: B008 - frozen
    """Where nothing could be measured: all of words, content and prediction alike."""
    weights = {view: 1.0 for view in ("words", "content", "prediction") if view in views}
    return Recipe(weights, rank=max_rank(n_items), capacity=capacity)
