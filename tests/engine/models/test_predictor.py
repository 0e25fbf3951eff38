"""The network that predicts factors from content, on data whose answer is known by construction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.core.errors import ReleaseError, TrainingError
from engine.core.settings import PredictorSettings
from engine.core.vectors import unit_rows
from engine.models.encoders import Features
from engine.models.predictor import Check, TrainedPredictor, load_predictor, train_predictor

N, FACTORS = 300, 6
SETTINGS = PredictorSettings(
    hidden=48, layers=1, dropout=0.0, modality_dropout=0.4, batch_size=64, max_steps=400, learning_rate=3e-3
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


def agreement(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Mean cosine; 1 is perfect, and directions that have nothing to do with the truth give 0."""
    return float((unit_rows(predicted) * unit_rows(truth)).sum(axis=1).mean())


def without(features: dict[str, Features], modality: str) -> dict[str, Features]:
    gone = Features(np.zeros_like(features[modality].values), np.zeros(N, dtype=bool))
    return features | {modality: gone}


def test_a_linear_relation_is_learned_whatever_the_scales(linear, trained) -> None:  # type: ignore[no-untyped-def]
    features, factors = linear
    predicted = trained.predict(features)
    assert predicted.shape == factors.shape
    assert predicted.dtype == np.float32
    assert agreement(predicted, factors) > 0.97


def test_either_modality_alone_is_enough(linear, trained) -> None:  # type: ignore[no-untyped-def]
    features, factors = linear
    for modality in features:
        assert agreement(trained.predict(without(features, modality)), factors) > 0.9
        only_the_other = {name: feature for name, feature in features.items() if name != modality}
        assert np.array_equal(trained.predict(only_the_other), trained.predict(without(features, modality)))


def test_an_item_without_any_content_gets_a_prediction_that_says_nothing_of_it(linear, trained) -> None:  # type: ignore[no-untyped-def]
    features, _ = linear
    predicted = trained.predict(without(without(features, "text"), "image"))
    assert np.isfinite(predicted).all()
    assert np.ptp(predicted, axis=0).max() == 0


def test_the_network_of_the_check_that_ranks_best_is_kept(linear, trained) -> None:  # type: ignore[no-untyped-def]
    heard: list[Check] = []
    again = train_predictor(*linear, COUNTS, SETTINGS, seed=0, on_check=heard.append)
    assert heard == again.checks == trained.checks
    assert [check.step for check in heard] == list(range(50, 50 * len(heard) + 1, 50))
    assert trained.best_step == max(heard, key=lambda check: check.ranking).step
    assert heard[-1].train < heard[0].train
    until = SETTINGS.model_copy(update={"max_steps": trained.best_step})
    stopped = train_predictor(*linear, COUNTS, until, seed=0)
    assert np.array_equal(stopped.predict(linear[0]), trained.predict(linear[0]))


def test_the_ranking_is_perfect_where_factors_are_predicted_exactly(linear) -> None:  # type: ignore[no-untyped-def]
    factors = linear[1]
    direct = {"text": Features(unit_rows(factors), np.ones(N, dtype=bool))}
    settings = SETTINGS.model_copy(update={"layers": 0, "modality_dropout": 0.0, "learning_rate": 0.02})
    trained = train_predictor(direct, factors, COUNTS, settings, seed=0)
    assert max(check.ranking for check in trained.checks) > 0.99


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
    settings = SETTINGS.model_copy(update={"patience": 3, "max_steps": 3000})
    trained = train_predictor(noise, rng.normal(size=(N, FACTORS)).astype(np.float32), COUNTS, settings, seed=0)
    assert trained.checks[-1].step == trained.best_step + 150 < 3000


def test_the_fewer_interactions_an_item_has_the_less_is_learned_from_it(linear) -> None:  # type: ignore[no-untyped-def]
    features, factors = linear
    wrong = np.where(np.arange(N)[:, None] < 150, factors, -2 * factors)
    agreed = [
        agreement(train_predictor(features, wrong, counts, SETTINGS, seed=0).predict(features), factors)
        for counts in (np.where(np.arange(N) < 150, 200, 1), np.where(np.arange(N) < 150, 60, 20))
    ]
    assert agreed[0] > 0.9 > agreed[1]


def test_a_catalogue_of_any_size_takes_no_more_steps_than_are_set(linear) -> None:  # type: ignore[no-untyped-def]
    settings = SETTINGS.model_copy(update={"max_steps": 120, "batch_size": 8})
    trained = train_predictor(*linear, COUNTS, settings, seed=0)
    assert [check.step for check in trained.checks] == [50, 100, 120]


def test_a_saved_network_predicts_the_same_bits(linear, trained, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    trained.save(tmp_path / "predictor")
    loaded = load_predictor(tmp_path / "predictor")
    assert np.array_equal(loaded.predict(linear[0]), trained.predict(linear[0]))
    assert (loaded.checks, loaded.best_step) == (trained.checks, trained.best_step)


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


def test_what_cannot_be_learned_is_refused_with_what_to_do(linear) -> None:  # type: ignore[no-untyped-def]
    features, factors = linear
    few = np.where(np.arange(N) < 10, 5, 0)
    with pytest.raises(TrainingError, match="there are 10"):
        train_predictor(features, factors, few, SETTINGS, seed=0)
    with pytest.raises(TrainingError, match=r"Lower predictor\.learning_rate"):
        train_predictor(features, factors, COUNTS, SETTINGS.model_copy(update={"learning_rate": 1e30}), seed=0)


def test_zero_hidden_layers_make_a_linear_map(linear) -> None:  # type: ignore[no-untyped-def]
    settings = SETTINGS.model_copy(update={"layers": 0, "learning_rate": 0.01})
    trained = train_predictor(*linear, COUNTS, settings, seed=0)
    assert agreement(trained.predict(linear[0]), linear[1]) > 0.9


def test_no_items_give_no_predictions(trained: TrainedPredictor) -> None:
    empty = {name: Features(np.zeros((0, 12), np.float32), np.zeros(0, bool)) for name in ("text", "image")}
    assert trained.predict(empty).shape == (0, FACTORS)
