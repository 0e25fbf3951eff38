"""How the predictor's network learns: standardised inputs, steps of gradient descent, stopped when held-out items rank no better.

The mean squared error falls on for a while after the ranking has stopped to improve, and stops falling long before on
others, so held-out items are ranked: their prediction asks, and the nearest items by real factors are what it should find.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from engine.core.errors import TrainingError
from engine.core.settings import PredictorSettings
from engine.models.devices import pick_device
from engine.models.encoders.base import Features
from engine.models.predictor_network import Network, tensors_of

__all__ = ["CHECK_EVERY", "Check", "Lesson", "fit_network"]

CHECK_EVERY = 50
"""Steps between two looks at the held-out items."""

NEAREST = 10
STANDARD_FROM = 100_000
"""Means and lengths are those of so many items, where there are more."""
MAX_RANKED = 10_000
"""More items than this are not ranked at every check: a sample of them stands for all."""


@dataclass(frozen=True)
class Check:
    """A look at the held-out items.

    Attributes
    ----------
    step : steps of gradient descent until then.
    train, validation : mean squared error since the last check and on held-out items, in units of the targets' mean
        square: 1.0 is no better than predicting zero.
    ranking : mean NDCG@10 of held-out items: among real factors, their prediction should find those nearest to their own.
    """

    step: int
    train: float
    validation: float
    ranking: float


@dataclass(frozen=True)
class Lesson:
    """What a network is to learn.

    Attributes
    ----------
    features : by modality, n_items rows each.
    targets : (n_items, f) float32 unit rows.
    training, validation, ranked : rows of items: those it learns from, those that say when to stop, and those among which
        these are ranked.
    chances : (len(training),) how often each is drawn, together 1.
    """

    features: Mapping[str, Features]
    targets: np.ndarray
    training: np.ndarray
    validation: np.ndarray
    ranked: np.ndarray
    chances: np.ndarray


def fit_network(
    network: Network,
    lesson: Lesson,
    settings: PredictorSettings,
    rng: np.random.Generator,
    on_check: Callable[[Check], None] | None,
) -> tuple[list[Check], int]:
    """Train `network`; leaves the weights of the check that ranked best in it, and returns all checks and its step."""
    _standardise(network, lesson)
    device = pick_device()
    network.to(device)
    exam = _exam(network, lesson, rng)
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(learned, lr=settings.learning_rate, weight_decay=settings.weight_decay)
    checks: list[Check] = []
    best, best_state = Check(0, np.inf, np.inf, -np.inf), _state(network)
    for step in range(0, settings.max_steps, CHECK_EVERY):
        steps = min(CHECK_EVERY, settings.max_steps - step)
        drawn = lesson.training[_drawn(lesson.chances, steps, settings.batch_size, rng)]
        loss = _train(network, optimiser, _examples(network, lesson, drawn.ravel()), steps)
        checks.append(Check(step + steps, loss, *exam.marks(network)))
        if on_check:
            on_check(checks[-1])
        if not np.isfinite(checks[-1].validation):
            raise TrainingError("The network did not converge. Lower predictor.learning_rate.")
        if checks[-1].ranking > best.ranking:
            best, best_state = checks[-1], _state(network)
        elif checks[-1].step - best.step >= settings.patience * CHECK_EVERY:
            break
    network.load_state_dict(best_state)
    return checks, best.step


@dataclass(frozen=True)
class _Examples:
    """n items: per modality (n, dim) and (n,) bool, and (n, factors) targets in units of the network's `target_scale`."""

    values: dict[str, Tensor]
    present: dict[str, Tensor]
    targets: Tensor

    def __getitem__(self, rows: slice) -> _Examples:
        values = {modality: block[rows] for modality, block in self.values.items()}
        present = {modality: flags[rows] for modality, flags in self.present.items()}
        return _Examples(values, present, self.targets[rows])


@dataclass(frozen=True)
class _Exam:
    """Held-out examples; the (n_ranked, f) unit rows they are ranked among; what each ranked item is worth to each of them,
    (n, n_ranked) and zero but for the nearest; and where it is the item itself, which is no candidate."""

    examples: _Examples
    ranked: Tensor
    gains: Tensor
    own: Tensor

    def marks(self, network: Network) -> tuple[float, float]:
        """Mean squared error and mean NDCG@10."""
        network.eval()
        with torch.inference_mode():
            predicted = network(self.examples.values, self.examples.present)
            error = nn.functional.mse_loss(predicted, self.examples.targets).item()
            scores = (nn.functional.normalize(predicted, dim=1) @ self.ranked.T).masked_fill(self.own, -torch.inf)
            found = self.gains.gather(1, scores.topk(_k(self.ranked)).indices)
            ideal = self.gains.topk(_k(self.ranked)).values
            return error, float((_discounted(found) / _discounted(ideal).clamp_min(1e-12)).mean())


def _examples(network: Network, lesson: Lesson, rows: np.ndarray) -> _Examples:
    device = network.target_scale.device
    targets = torch.from_numpy(lesson.targets[rows]).to(device) / network.target_scale
    return _Examples(*tensors_of(lesson.features, rows, network.dims, device), targets)


def _exam(network: Network, lesson: Lesson, rng: np.random.Generator) -> _Exam:
    rows = lesson.ranked
    if len(rows) > MAX_RANKED:
        rows = np.sort(rng.choice(rows, MAX_RANKED, replace=False))
    device = network.target_scale.device
    ranked, asking = (torch.from_numpy(lesson.targets[some]).to(device) for some in (rows, lesson.validation))
    own = torch.from_numpy(lesson.validation[:, None] == rows[None, :]).to(device)
    likeness = (asking @ ranked.T).masked_fill(own, -torch.inf)
    nearest = likeness.topk(_k(ranked))
    gains = torch.zeros_like(likeness).scatter(1, nearest.indices, nearest.values.clamp_min(0.0))
    return _Exam(_examples(network, lesson, lesson.validation), ranked, gains, own)


def _k(ranked: Tensor) -> int:
    """How many neighbours count where so many items are ranked, one of which may be the item itself."""
    return max(1, min(NEAREST, len(ranked) - 1))


def _discounted(gains: Tensor) -> Tensor:
    """(n,) discounted cumulative gains of (n, k) gains in the order of a ranking."""
    return gains @ (1.0 / torch.log2(torch.arange(2, gains.shape[1] + 2, device=gains.device, dtype=gains.dtype)))


def _drawn(chances: np.ndarray, steps: int, batch_size: int, rng: np.random.Generator) -> np.ndarray:
    """(steps, batch_size) places of examples, each drawn by its chance."""
    until = np.cumsum(chances)
    drawn = np.searchsorted(until, rng.random((steps, batch_size)) * until[-1], side="right")
    return np.asarray(np.minimum(drawn, len(chances) - 1))


def _train(network: Network, optimiser: torch.optim.Optimizer, examples: _Examples, steps: int) -> float:
    """So many steps, each with as many of the examples; the mean loss."""
    network.train()
    total = torch.zeros((), device=examples.targets.device)  # asking for each loss would make a graphics card wait
    for rows in torch.arange(len(examples.targets)).chunk(steps):
        batch = examples[slice(int(rows[0]), int(rows[-1]) + 1)]
        loss = nn.functional.mse_loss(network(batch.values, batch.present), batch.targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.detach()
    return float(total) / steps


def _state(network: Network) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def _some(rows: np.ndarray) -> np.ndarray:
    """At most `STANDARD_FROM` of them, evenly spaced."""
    return rows if len(rows) <= STANDARD_FROM else rows[np.linspace(0, len(rows) - 1, STANDARD_FROM).astype(np.int64)]


def _standardise(network: Network, lesson: Lesson) -> None:
    """Centre each block and scale its rows to a mean square length of 1, so no modality outweighs the others; scale the
    targets to a mean square of 1."""
    with torch.no_grad():
        for modality in network.dims:
            feature = lesson.features[modality]
            rows = _some(lesson.training[feature.present[lesson.training]])
            if len(rows) == 0:
                continue
            block = feature.values[rows].astype(np.float64)
            network.means[modality].copy_(torch.from_numpy(block.mean(0)))
            network.scales[modality].fill_(max(float(np.sqrt(block.var(0).sum())), 1e-6))
        wanted = np.square(lesson.targets[lesson.training], dtype=np.float64)
        network.target_scale.fill_(max(float(np.sqrt(wanted.mean())), 1e-12))
