"""Picture classifiers, one per attribute of this catalogue: the training loop.

Each starts from the same backbone and learns to distinguish the values of one attribute; its activations before the last
layer become the picture's vector. Classifiers train in parallel with one thread each: small networks gain little from more
threads, and one thread gives the same bits on every machine of a kind.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from engine.core.settings import ImageSettings
from engine.models.devices import pick_device, seeded
from engine.models.encoders.backbone import Backbone, normalised
from engine.models.encoders.picture_labels import Labels

__all__ = ["Classifier", "activations_of", "train_classifiers"]

HELD_OUT, MAX_HELD_OUT = 0.15, 2000
LEARNING_RATE = {False: 3e-3, True: 5e-4}
"""From random and from pretrained weights."""
WEIGHT_DECAY = 0.05
SMOOTHING = 0.1


@dataclass(frozen=True)
class Classifier:
    """A backbone that learned one attribute.

    Attributes
    ----------
    accuracy : on held-out pictures; `majority` is the accuracy of always guessing the most frequent value.
    activations : (n, width) float32, of every picture before the last layer.
    """

    name: str
    classes: tuple[str, ...]
    accuracy: float
    majority: float
    network: nn.Module
    activations: np.ndarray


def train_classifiers(
    backbone: Backbone,
    pixels: np.ndarray,
    attributes: Sequence[Labels],
    settings: ImageSettings,
    seed: int,
    progress: Callable[[float, str], None],
) -> list[Classifier]:
    """Train one classifier per attribute on `pixels` (n, size, size, 3) uint8; the same seed gives the same networks."""
    device = pick_device()
    threads = torch.get_num_threads()
    workers = min(len(attributes), threads) if device.type == "cpu" else 1
    data = torch.from_numpy(pixels).to(device)
    # Initial weights come from torch's one generator, so they are drawn before the threads start.
    with seeded(seed):
        parts = [_Parts.make(backbone, labels, pixels.shape[1], device) for labels in attributes]
    on_epoch = _epoch_counter(settings.epochs * len(attributes), progress)

    def train(position: int) -> Classifier:
        if device.type == "cpu":
            torch.set_num_threads(max(1, threads // workers))  # of this thread
        return _train(parts[position], data, attributes[position], backbone, settings, seed + position, on_epoch)

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(train, range(len(attributes))))


def _epoch_counter(total: int, progress: Callable[[float, str], None]) -> Callable[[Labels], None]:
    """A function that threads call after each epoch; it reports the share of all epochs that are done."""
    lock, done = threading.Lock(), 0

    def count(labels: Labels) -> None:
        nonlocal done
        with lock:
            done += 1
            progress(done / total, f"learning {labels.name}")

    return count


def activations_of(network: nn.Module, backbone: Backbone, data: Tensor, batch_size: int) -> np.ndarray:
    """(n, width) float32 of pixels (n, size, size, 3) uint8 on the network's device; leaves the network in eval mode."""
    network.eval()
    with torch.inference_mode():
        batches = [normalised(batch, backbone.mean, backbone.deviation) for batch in data.split(batch_size)]
        return np.concatenate([network(batch).float().cpu().numpy() for batch in batches])


@dataclass(frozen=True)
class _Parts:
    network: nn.Module
    head: nn.Linear

    @classmethod
    def make(cls, backbone: Backbone, labels: Labels, size: int, device: torch.device) -> _Parts:
        network = backbone.network().to(device)
        # Measured, because timm's num_features is the width before a head's own layers.
        with torch.inference_mode():
            width = network.eval()(torch.zeros(1, 3, size, size, device=device)).shape[1]
        return cls(network, nn.Linear(width, len(labels.classes)).to(device))


def _train(
    parts: _Parts,
    data: Tensor,
    labels: Labels,
    backbone: Backbone,
    settings: ImageSettings,
    seed: int,
    on_epoch: Callable[[Labels], None],
) -> Classifier:
    rng = np.random.default_rng(seed)
    known = rng.permutation(np.flatnonzero(labels.targets >= 0))
    held_out, training = np.split(known, [min(MAX_HELD_OUT, max(1, round(HELD_OUT * len(known))))])
    targets = torch.from_numpy(labels.targets).to(data.device)
    parameters = [*parts.network.parameters(), *parts.head.parameters()]
    rate = LEARNING_RATE[backbone.pretrained]
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=WEIGHT_DECAY, fused=True)
    batches = -(-len(training) // settings.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=max(1, settings.epochs * batches))
    for _ in range(settings.epochs):
        _training_mode(parts.network, frozen_norms=backbone.pretrained)
        for rows in np.array_split(rng.permutation(training), batches):
            loss = _loss(parts, normalised(_flipped(data[rows], rng), backbone.mean, backbone.deviation), targets[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        on_epoch(labels)
    activations = activations_of(parts.network, backbone, data, settings.batch_size)
    with torch.inference_mode():
        scores = parts.head(torch.from_numpy(activations[held_out]).to(data.device))
        accuracy = float((scores.argmax(1) == targets[held_out]).float().mean())
    return Classifier(labels.name, labels.classes, accuracy, labels.majority, parts.network, activations)


def _flipped(pixels: Tensor, rng: np.random.Generator) -> Tensor:
    """The pictures, each mirrored with a chance of one half."""
    flipped = torch.from_numpy(rng.random(len(pixels)) < 0.5).to(pixels.device)
    return torch.where(flipped[:, None, None, None], pixels.flip(2), pixels)


def _loss(parts: _Parts, batch: Tensor, targets: Tensor) -> Tensor:
    return nn.functional.cross_entropy(parts.head(parts.network(batch)), targets, label_smoothing=SMOOTHING)


def _training_mode(network: nn.Module, *, frozen_norms: bool) -> None:
    """Batch norms of pretrained weights do not update their statistics: those of small batches are worse, and some files
    contain none."""
    network.train()
    if frozen_norms:
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
