"""Picture classifiers, one per attribute of this catalogue: the training loops.

All of them share one network. First each learns to tell the values of its attribute apart from what the pretrained network
makes of the pictures, which takes seconds. Then the network's last stages are tuned for all of them together, and stay tuned
if that reads pictures better that were set aside. A network with random weights is trained as a whole instead.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.models.devices import seeded
from engine.models.encoders.picture_labels import Labels
from engine.models.encoders.stages import Stages

__all__ = ["Pictures", "Trained", "hidden_layer", "train_classifiers"]

HELD_OUT, MAX_HELD_OUT = 0.15, 2000
HIDDEN, DROPOUT, SMOOTHING, WEIGHT_DECAY = 128, 0.3, 0.1, 0.05
HEAD_EPOCHS, HEAD_RATE, HEAD_BATCH = 10, 1e-3, 64
TUNING_RATE = {False: 3e-3, True: 5e-4}
"""From random and from pretrained weights."""
MAX_TUNING_STEPS = 600
"""Some three minutes on one core; large catalogues are not seen as often as `image.epochs` says."""


@dataclass(frozen=True)
class Pictures:
    """Pictures as they enter the tail, (n, ...) float32, and what it makes of them before any tuning, (n, width) float32."""

    middle: Tensor
    pooled: Tensor


@dataclass(frozen=True)
class Trained:
    """The classifiers of several attributes.

    Attributes
    ----------
    tail : the tuned tail; None where the network stays as it is.
    centre, scale : what pooled features are standardised by, (width,) and () float32.
    hidden : of each attribute, the layer whose output is the picture's vector.
    activations : of each attribute, (n, HIDDEN) float32 of every picture.
    accuracy : of each attribute, on pictures that were set aside.
    untuned : accuracy before the tail was tuned; None where that was not tried.
    """

    tail: nn.Module | None
    centre: Tensor
    scale: Tensor
    hidden: list[nn.Module]
    activations: list[np.ndarray]
    accuracy: list[float]
    untuned: list[float] | None


def train_classifiers(
    stages: Stages,
    pictures: Pictures,
    attributes: Sequence[Labels],
    epochs: int,
    batch_size: int,
    seed: int,
    progress: Callable[[float, str], None],
    *,
    pretrained: bool,
) -> Trained:
    """Train one classifier per attribute; the same seed gives the same ones, whatever the number of threads.

    Parameters
    ----------
    epochs : passes over the pictures for tuning; 0 leaves the network as it is.
    """

    def train() -> Trained:
        torch.set_num_threads(1)  # of this thread
        with seeded(seed):
            return _train(stages, pictures, attributes, epochs, batch_size, seed, progress, pretrained)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(train).result()


def hidden_layer(width: int) -> nn.Module:
    """The layer of one classifier, from `width` standardised features to HIDDEN."""
    return nn.Sequential(nn.Linear(width, HIDDEN), nn.GELU())


class _Heads(nn.Module):
    """One hidden layer and one output layer per attribute."""

    def __init__(self, centre: Tensor, scale: Tensor, attributes: Sequence[Labels]):
        super().__init__()
        self.centre, self.scale = centre, scale
        self.hidden = nn.ModuleList(hidden_layer(len(centre)) for _ in attributes)
        self.out = nn.ModuleList(nn.Linear(HIDDEN, len(labels.classes)) for labels in attributes)
        self.several = [labels.several for labels in attributes]
        self.to(centre.device)

    def activations(self, pooled: Tensor) -> list[Tensor]:
        """(n, HIDDEN) of each attribute."""
        standard = F.dropout((pooled - self.centre) / self.scale, DROPOUT, self.training)
        return [hidden(standard) for hidden in self.hidden]

    def scores(self, pooled: Tensor) -> list[Tensor]:
        """(n, classes) of each attribute."""
        activations = self.activations(pooled)
        return [out(F.dropout(one, DROPOUT, self.training)) for out, one in zip(self.out, activations, strict=True)]

    def loss(self, pooled: Tensor, targets: Sequence[Tensor]) -> Tensor:
        """Cross-entropy of attributes with one value, binary cross-entropy of those with several; unknown ones count nothing."""
        total = pooled.new_zeros(())
        for scores, wanted, several in zip(self.scores(pooled), targets, self.several, strict=True):
            known = wanted.any(dim=1)
            if not known.any():
                continue
            truth = wanted[known].float()
            if several:
                total = total + F.binary_cross_entropy_with_logits(scores[known], truth, reduction="sum") / len(truth)
            else:
                total = total + F.cross_entropy(scores[known], truth, label_smoothing=SMOOTHING)
        return total / len(self.several)


def _train(
    stages: Stages,
    pictures: Pictures,
    attributes: Sequence[Labels],
    epochs: int,
    batch_size: int,
    seed: int,
    progress: Callable[[float, str], None],
    pretrained: bool,
) -> Trained:
    rng = np.random.default_rng(seed)
    order = rng.permutation(np.flatnonzero(np.any([labels.known for labels in attributes], axis=0)))
    held_out, training = np.split(order, [min(MAX_HELD_OUT, max(1, round(HELD_OUT * len(order))))])
    targets = [torch.from_numpy(labels.targets).to(pictures.pooled.device) for labels in attributes]
    centre, scale = pictures.pooled.mean(0), pictures.pooled.std().clamp_min(1e-6)
    heads = _Heads(centre, scale, attributes)
    untuned = None
    if pretrained:
        _fit_heads(heads, pictures.pooled, targets, training, rng)
        untuned = _accuracy(heads, pictures.pooled, held_out, attributes)
    tuned_heads, tail = copy.deepcopy(heads), copy.deepcopy(stages.tail)
    if not epochs or not any(True for _ in tail.parameters()):
        return _trained(None, heads, pictures.pooled, untuned or [0.0] * len(attributes), None)
    _tune(tail, tuned_heads, pictures.middle, targets, training, epochs, batch_size, rng, progress, pretrained)
    pooled = _through(tail, pictures.middle, batch_size)
    accuracy = _accuracy(tuned_heads, pooled, held_out, attributes)
    if untuned is not None and sum(accuracy) <= sum(untuned):
        return _trained(None, heads, pictures.pooled, untuned, untuned)
    return _trained(tail, tuned_heads, pooled, accuracy, untuned)


def _trained(
    tail: nn.Module | None, heads: _Heads, pooled: Tensor, accuracy: list[float], untuned: list[float] | None
) -> Trained:
    heads.eval()
    with torch.inference_mode():
        activations = [one.float().cpu().numpy() for one in heads.activations(pooled)]
    return Trained(tail, heads.centre, heads.scale, list(heads.hidden), activations, accuracy, untuned)


def _fit_heads(
    heads: _Heads, pooled: Tensor, targets: Sequence[Tensor], training: np.ndarray, rng: np.random.Generator
) -> None:
    steps = HEAD_EPOCHS * -(-len(training) // HEAD_BATCH)
    optimiser, schedule = _optimiser(list(heads.parameters()), HEAD_RATE, steps)
    heads.train()
    for rows in _batches(training, HEAD_BATCH, steps, rng):
        _step(heads.loss(pooled[rows], [wanted[rows] for wanted in targets]), optimiser, schedule)


def _tune(
    tail: nn.Module,
    heads: _Heads,
    middle: Tensor,
    targets: Sequence[Tensor],
    training: np.ndarray,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
    progress: Callable[[float, str], None],
    pretrained: bool,
) -> None:
    steps = min(epochs * -(-len(training) // batch_size), MAX_TUNING_STEPS)
    parameters = [*tail.parameters(), *heads.parameters()]
    optimiser, schedule = _optimiser(parameters, TUNING_RATE[pretrained], steps)
    heads.train()
    _training_mode(tail, frozen_norms=pretrained)
    for done, rows in enumerate(_batches(training, batch_size, steps, rng)):
        pooled = tail(_flipped(middle[rows], rng))
        _step(heads.loss(pooled, [wanted[rows] for wanted in targets]), optimiser, schedule)
        progress((done + 1) / steps, f"step {done + 1:,} of {steps:,}")


def _optimiser(
    parameters: list[nn.Parameter], rate: float, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=WEIGHT_DECAY, fused=True)
    return optimiser, torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=max(2, steps))


def _step(loss: Tensor, optimiser: torch.optim.Optimizer, schedule: torch.optim.lr_scheduler.LRScheduler) -> None:
    if not loss.requires_grad:  # no picture of the batch has a value
        return
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    schedule.step()


def _batches(rows: np.ndarray, size: int, steps: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """`steps` batches; all rows come once before any comes again."""
    while steps > 0:
        for batch in np.array_split(rng.permutation(rows), max(1, -(-len(rows) // size)))[:steps]:
            yield batch
            steps -= 1


def _flipped(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """(n, channels, height, width), each mirrored with a chance of one half."""
    flipped = torch.from_numpy(rng.random(len(pictures)) < 0.5).to(pictures.device)
    return torch.where(flipped[:, None, None, None], pictures.flip(3), pictures)


def _through(tail: nn.Module, middle: Tensor, batch_size: int) -> Tensor:
    """(n, width) float32; leaves the tail in eval mode."""
    tail.eval()
    with torch.inference_mode():
        return torch.cat([tail(batch).float() for batch in middle.split(batch_size)])


def _accuracy(heads: _Heads, pooled: Tensor, rows: np.ndarray, attributes: Sequence[Labels]) -> list[float]:
    heads.eval()
    with torch.inference_mode():
        scores = [one.cpu().numpy() for one in heads.scores(pooled[rows])]
    return [labels.right(rows, one) for labels, one in zip(attributes, scores, strict=True)]


def _training_mode(network: nn.Module, *, frozen_norms: bool) -> None:
    """Batch norms of pretrained weights do not update their statistics: those of small batches are worse, and some files
    contain none."""
    network.train()
    if frozen_norms:
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
