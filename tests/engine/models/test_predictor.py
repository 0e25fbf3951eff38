"""The network that predicts factors from content, on data whose answer is known by construction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.core.errors import ReleaseError, TrainingError
from engine.core.settings import PredictorSettings
from engine.models.encoders import Features
from engine.models.predictor import EpochLoss, TrainedPredictor, load_predictor, train_predictor

N, FACTORS = 300, 6
SETTINGS = PredictorSettings(
    hidden=48, layers=1, dropout=0.0, modality_dropout=0.4, batch_size=64, max_epochs=40, patience=20, min_interactions=1,
    learning_rate=3e-3,
)  # fmt: skip
COUNTS = np.full(N, 20)


@pytest.fixture(scope="module")
def linear() -> tuple[dict[str, Features], np.ndarray]:
    """Text and picture carry the same three causes, and the factors are a linear map of the causes."""
    rng = np.random.default_rng(1)
    causes = rng.normal(size=(N, 3)).astype(np.float32)
    features = {
        name: Features((causes @ rng.normal(size=(3, 12)) * 7 + 40).astype(np.float32), np.ones(N, dtype=bool))
        for name in ("text", "image")
    }
    return features, (0.01 * causes @ rng.normal(size=(3, FACTORS))).astype(np.float32)


@pytest.fixture(scope="module")
def trained(linear: tuple[dict[str, Features], np.ndarray]) -> TrainedPredictor:
    return train_predictor(*linear, COUNTS, SETTINGS, seed=0)


def explained(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Share of the truth's variance; 1 is perfect, 0 as good as the mean."""
    return float(1 - np.square(predicted - truth).sum() / np.square(truth - truth.mean(0)).sum())


def without(features: dict[str, Features], modality: str) -> dict[str, Features]:
    gone = Features(np.zeros_like(features[modality].values), np.zeros(N, dtype=bool))
    return features | {modality: gone}


def test_a_linear_relation_is_learned_whatever_the_scales(linear, trained) -> None:  # type: ignore[no-untyped-def]
    features, factors = linear
    predicted = trained.predict(features)
    assert predicted.shape == factors.shape
    assert predicted.dtype == np.float32
    assert explained(predicted, factors) > 0.95


def test_either_modality_alone_is_enough(linear, trained) -> None:  # type: ignore[no-untyped-def]
    features, factors = linear
    for modality in features:
        assert explained(trained.predict(without(features, modality)), factors) > 0.75
        only_the_other = {name: feature for name, feature in features.items() if name != modality}
        assert np.array_equal(trained.predict(only_the_other), trained.predict(without(features, modality)))


def test_an_item_without_any_content_gets_a_prediction_that_says_nothing_of_it(linear, trained) -> None:  # type: ignore[no-untyped-def]
    features, _ = linear
    predicted = trained.predict(without(without(features, "text"), "image"))
    assert np.isfinite(predicted).all()
    assert np.ptp(predicted, axis=0).max() == 0


def test_curves_hold_every_epoch_and_the_best_one_is_kept(linear, trained) -> None:  # type: ignore[no-untyped-def]
    heard: list[EpochLoss] = []
    again = train_predictor(*linear, COUNTS, SETTINGS, seed=0, on_epoch=heard.append)
    assert heard == again.curves == trained.curves
    assert [loss.epoch for loss in heard] == list(range(1, len(heard) + 1))
    best = min(heard, key=lambda loss: loss.validation)
    assert trained.best_epoch in (0, best.epoch)  # 0: the ridge regression that training starts from was not beaten
    assert heard[-1].train < heard[0].train


def test_the_same_seed_gives_the_same_bits_and_leaves_torchs_generator_alone(linear, trained) -> None:  # type: ignore[no-untyped-def]
    before = torch.random.get_rng_state()
    again = train_predictor(*linear, COUNTS, SETTINGS, seed=0)
    assert torch.equal(before, torch.random.get_rng_state())
    assert np.array_equal(again.predict(linear[0]), trained.predict(linear[0]))
    other = train_predictor(*linear, COUNTS, SETTINGS, seed=1)
    assert not np.array_equal(other.predict(linear[0]), trained.predict(linear[0]))


def test_training_stops_early_where_there_is_nothing_to_learn() -> None:
    rng = np.random.default_rng(0)
    noise = {"text": Features(rng.normal(size=(N, 8)).astype(np.float32), np.ones(N, dtype=bool))}
    settings = SETTINGS.model_copy(update={"patience": 4, "max_epochs": 200})
    trained = train_predictor(noise, rng.normal(size=(N, FACTORS)).astype(np.float32), COUNTS, settings, seed=0)
    assert len(trained.curves) == trained.best_epoch + 4 < 200


def test_items_below_the_threshold_are_not_learned_from(linear) -> None:  # type: ignore[no-untyped-def]
    features, factors = linear
    counts = np.where(np.arange(N) < 200, 20, 2)
    poisoned = factors.copy()
    poisoned[200:] *= -50
    settings = SETTINGS.model_copy(update={"min_interactions": 5})
    assert explained(train_predictor(features, poisoned, counts, settings, seed=0).predict(features), factors) > 0.9


def test_the_threshold_is_chosen_so_that_noisy_items_are_left_out(linear) -> None:  # type: ignore[no-untyped-def]
    features, factors = linear
    rng = np.random.default_rng(2)
    counts = np.where(np.arange(N) % 3 == 0, 40, 1)
    noisy = np.where(counts[:, None] == 1, rng.normal(scale=1.0, size=factors.shape), factors).astype(np.float32)
    settings = SETTINGS.model_copy(update={"min_interactions": None})
    trained = train_predictor(features, noisy, counts, settings, seed=0)
    assert trained.min_interactions > 1
    assert trained.thresholds[1] > trained.thresholds[trained.min_interactions]


def test_the_lowest_threshold_is_kept_where_every_item_is_as_good(linear) -> None:  # type: ignore[no-untyped-def]
    features, factors = linear
    counts = np.random.default_rng(0).integers(1, 60, size=N)
    settings = SETTINGS.model_copy(update={"min_interactions": None, "max_epochs": 1})
    assert train_predictor(features, factors, counts, settings, seed=0).min_interactions == 1


def test_a_saved_network_predicts_the_same_bits(linear, trained, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    trained.save(tmp_path / "predictor")
    loaded = load_predictor(tmp_path / "predictor")
    assert np.array_equal(loaded.predict(linear[0]), trained.predict(linear[0]))
    assert loaded.curves == trained.curves
    assert (loaded.best_epoch, loaded.min_interactions) == (trained.best_epoch, trained.min_interactions)
    assert loaded.thresholds == trained.thresholds


@pytest.mark.parametrize("file", ["predictor.json", "predictor.safetensors"])
@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_damaged_file_is_named_and_refused(trained: TrainedPredictor, tmp_path: Path, file: str, damage: str) -> None:
    trained.save(tmp_path)
    if damage == "gone":
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes((tmp_path / file).read_bytes()[:-40])
    with pytest.raises(ReleaseError, match="cannot be read"):
        load_predictor(tmp_path)


def test_too_few_items_are_refused_with_what_to_do(linear) -> None:  # type: ignore[no-untyped-def]
    features, factors = linear
    few = np.where(np.arange(N) < 10, 5, 0)
    with pytest.raises(TrainingError, match="Only 10 products"):
        train_predictor(features, factors, few, SETTINGS, seed=0)
    with pytest.raises(TrainingError, match=r"Lower predictor\.min_interactions"):
        train_predictor(features, factors, COUNTS, SETTINGS.model_copy(update={"min_interactions": 99}), seed=0)


def test_zero_hidden_layers_make_a_linear_map(linear) -> None:  # type: ignore[no-untyped-def]
    settings = SETTINGS.model_copy(update={"layers": 0, "learning_rate": 0.01})
    trained = train_predictor(*linear, COUNTS, settings, seed=0)
    assert explained(trained.predict(linear[0]), linear[1]) > 0.9


def test_no_items_give_no_predictions(trained: TrainedPredictor) -> None:
    empty = {name: Features(np.zeros((0, 12), np.float32), np.zeros(0, bool)) for name in ("text", "image")}
    assert trained.predict(empty).shape == (0, FACTORS)
