"""Fitting every model of a release by a plan: behaviour, its prediction from content, and the hybrid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pandas.util import hash_array
from scipy import sparse

from engine.arms.base import FittedModels
from engine.arms.contributions import contributions
from engine.arms.geometry import ArmVectors
from engine.arms.hybrid_fit import Hybrid, fit_hybrid
from engine.arms.judgement_learning import learn
from engine.arms.plan import TrainingPlan
from engine.arms.registry import arm_vectors
from engine.core.progress import Progress
from engine.core.settings import AlsSettings, Settings
from engine.curation.training_judgements import TrainingJudgements
from engine.evaluation.fits import Behaviour, fitted_models
from engine.models.als import AlsFactors, fit_als, settings_for_prediction
from engine.models.item_model import item_weights
from engine.models.kernel import Rows
from engine.models.predictor import TrainedPredictor, train_predictor
from engine.models.recipe import Recipe
from engine.models.residual import residual_factors
from engine.models.views import fit_standard
from engine.training.data import TrainingData
from engine.training.reuse import Factors, HybridParts, Prediction, Reuse, Starts

__all__ = ["TrainedModels", "train_models"]


@dataclass(frozen=True)
class TrainedModels:
    """All models of a release.

    Attributes
    ----------
    fitted : what arms are made of, and `arms` their vectors, by name.
    shares : whose behaviour speaks for a product, from `contributions`.
    learned : what the hybrid learned from judgements; empty where it learned nothing.
    item_weights : the item model that serves shoppers, (n_items, n_items) float32; None where another scoring does.
    """

    behaviour: Behaviour
    predictor: TrainedPredictor
    hybrid: Hybrid
    fitted: FittedModels
    arms: Mapping[str, ArmVectors]
    shares: list[dict[str, Any]]
    learned: dict[str, Any]
    item_weights: sparse.csr_matrix | None


def train_models(
    data: TrainingData,
    plan: TrainingPlan,
    judged: TrainingJudgements,
    settings: Settings,
    reuse: Reuse,
    progress: Progress,
) -> TrainedModels:
    """Fit everything by `plan`, but for what is kept; raises `TrainingError` where there is too little to learn from."""
    behaviour, predictor = _learn_behaviour(data, plan.als, settings, reuse, progress)
    features, words, compared = data.content.features, data.content.words, plan.recipe.kernel().weights
    views = fit_standard(features).views(features, behaviour.predicted, words, only=compared)
    step = "Carrying behaviour over to look-alikes"
    progress(step, 0.0)
    plain, shares, weights = reuse.hybrid(
        behaviour.predicted, plan.recipe, lambda: _fit_hybrid(data, views, plan.recipe, settings.seed, progress)
    )
    progress(step, 1.0)
    hybrid, learned = _learn_from_judgements(plain, views, data, judged, settings.seed, progress)
    fitted = fitted_models(behaviour, data.content, data.interactions.counts, plan.mix, hybrid)
    return TrainedModels(behaviour, predictor, hybrid, fitted, arm_vectors(fitted), shares, learned, weights)


def _learn_behaviour(
    data: TrainingData, als: AlsSettings, settings: Settings, reuse: Reuse, progress: Progress
) -> tuple[Behaviour, TrainedPredictor]:
    user_items = data.interactions.user_items
    step = f"Learning from {user_items.nnz:,} {data.shop.interaction_word}"
    progress(step, 0.0)
    taught_by = settings_for_prediction(als, settings, user_items.shape, user_items.nnz)

    def fit(starts: Starts) -> Factors:
        rounds = als.iterations if starts is None else settings.als.warm_iterations
        tuned_start, taught_start = starts or (None, None)

        def note(iteration: int, loss: float) -> None:
            progress(step, iteration / rounds, f"round {iteration} of {rounds}")

        shorter = {"iterations": rounds}
        tuned = fit_als(user_items, als.model_copy(update=shorter), settings.seed, note, start=tuned_start)
        if taught_by == als:
            return tuned, tuned
        return tuned, fit_als(user_items, taught_by.model_copy(update=shorter), settings.seed, start=taught_start)

    tuned, taught = reuse.behaviour(als, taught_by, fit)
    progress(step, 1.0)
    step = "Predicting behaviour from content"
    progress(step, 0.0)
    predictor, predicted = reuse.prediction(taught, lambda: _learn_prediction(taught, data, settings, progress))
    progress(step, 1.0, f"best after {predictor.best_step:,} steps")
    return Behaviour(tuned, taught, predicted), predictor


def _learn_prediction(taught: AlsFactors, data: TrainingData, settings: Settings, progress: Progress) -> Prediction:
    most = settings.predictor.max_steps
    trained = train_predictor(
        dict(data.content.features),
        taught.item_factors,
        data.interactions.counts,
        settings.predictor,
        settings.seed,
        lambda check: progress(
            "Predicting behaviour from content", min(check.step / most, 0.99), f"step {check.step:,}"
        ),
    )
    return trained, trained.predict(dict(data.content.features))


def _fit_hybrid(
    data: TrainingData, views: Mapping[str, Rows], recipe: Recipe, seed: int, progress: Progress
) -> HybridParts:
    """The hybrid, whose behaviour speaks for whom in it, and the item model where the recipe has one."""
    user_items, counts = data.interactions.user_items, data.interactions.counts
    standard = fit_standard(data.content.features)
    factors = residual_factors(user_items, recipe.rank, seed)
    names = hash_array(data.shop.items["item_id"].to_numpy(dtype=object))  # so that tomorrow's landmarks are today's
    fitted = fit_hybrid(user_items, counts, standard, views, recipe, seed, factors=factors, names=names)
    progress("Carrying behaviour over to look-alikes", 0.7)
    return fitted, contributions(fitted, factors, counts, views, seed), _fit_item_model(data, fitted, recipe)


def _fit_item_model(data: TrainingData, hybrid: Hybrid, recipe: Recipe) -> sparse.csr_matrix | None:
    if recipe.user_scoring.items is None:
        return None
    user_items, words = data.interactions.user_items, data.content.words
    return item_weights(user_items, hybrid.for_shoppers, words, (recipe.user_scoring.items,))[0]


def _learn_from_judgements(
    fitted: Hybrid,
    views: Mapping[str, Rows],
    data: TrainingData,
    judged: TrainingJudgements,
    seed: int,
    progress: Progress,
) -> tuple[Hybrid, dict[str, Any]]:
    if judged.pairs.empty:
        return fitted, {}
    step = "Learning from judgements"
    progress(
        step, 0.0, f"{int(judged.pairs['teaches'].sum()):,} of {len(judged.pairs):,} judged pairs are for training"
    )
    hybrid, learned = learn(fitted, views, *judged.as_rows(data.shop.items["item_id"]), seed)
    progress(step, 1.0)
    return hybrid, learned
