"""Models fitted on data from which the truth was taken out; what choosing has fitted is passed on to measuring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from engine.arms.base import FittedModels
from engine.arms.candidate_mix import CandidateMix
from engine.arms.geometry import ArmVectors
from engine.arms.hybrid_fit import Hybrid, fit_hybrid
from engine.arms.plan import TrainingPlan
from engine.arms.registry import arm_vectors
from engine.core.settings import AlsSettings, Settings
from engine.evaluation.niches import Niches
from engine.evaluation.published_task import TaskScores, score_shoppers
from engine.evaluation.targets import K, ShopperSplit, ThinnedTargets
from engine.models.als import AlsFactors, fit_als, settings_for_prediction
from engine.models.encoders import Features
from engine.models.predictor import train_predictor
from engine.models.recipe import Recipe
from engine.models.residual import residual_factors
from engine.models.user_scoring import fit_user_scorer
from engine.models.views import fit_standard

__all__ = [
    "Behaviour",
    "Content",
    "NicheFit",
    "ShopperSplitFit",
    "ThinnedFit",
    "fit_behaviour",
    "fit_hybrid_on",
    "fit_niches",
    "fit_shopper_split",
    "fit_thinned",
    "fitted_models",
    "predict_factors",
    "with_prediction",
]


@dataclass(frozen=True)
class Content:
    """What is known of the products besides behaviour, in the order of the columns of the interactions.

    Attributes
    ----------
    features : by modality.
    vectors : (n_items, d) float32, what the content arm compares.
    words : (n_items, n_words) TF-IDF rows, one more view for the hybrid; None without.
    """

    features: Mapping[str, Features]
    vectors: np.ndarray
    words: sparse.csr_matrix | None = None


@dataclass(frozen=True)
class Behaviour:
    """Behaviour, and its prediction, from one matrix of interactions.

    Attributes
    ----------
    tuned : factors fitted with the plan's ALS settings: what is compared, and what serves shoppers.
    taught : what the network learns from: the same, with as many factors as it predicts.
    predicted : (n_items, factors) float32, the network's.
    """

    tuned: AlsFactors
    taught: AlsFactors
    predicted: np.ndarray


@dataclass(frozen=True)
class ThinnedFit:
    """Every arm as thinned data gives it, by name."""

    targets: ThinnedTargets
    arms: Mapping[str, ArmVectors]


@dataclass(frozen=True)
class NicheFit:
    """The hybrid as it is fitted where whole neighbourhoods are hidden, with the residual factors (n_items, rank) of what is left.

    Its kernel leaves the prediction out, so that no further network has to learn.
    """

    niches: Niches
    hybrid: Hybrid
    factors: np.ndarray

    def shaped(self, recipe: Recipe) -> NicheFit:
        """The same with the candidates of a recipe of the same kernel; what that has besides stays out."""
        shaped = replace(self.hybrid.recipe, exponent=recipe.exponent, lean=recipe.lean, unseen=recipe.unseen)
        return replace(self, hybrid=self.hybrid.shaped(self.factors, replace(shaped, silence=recipe.silence)))


@dataclass(frozen=True)
class ShopperSplitFit:
    """What serves shoppers, fitted on a shopper split.

    Attributes
    ----------
    als : factors of shoppers and products.
    hybrid : the hybrid's figures for each set of candidates. Where the user scoring was chosen on these shoppers, each of
        them is scored as the others chose.
    """

    split: ShopperSplit
    als: AlsFactors
    hybrid: Mapping[str, TaskScores]


def fit_behaviour(
    train: sparse.csr_matrix, features: Mapping[str, Features], als: AlsSettings, settings: Settings, seed: int
) -> Behaviour:
    """Behaviour by `als`, and the prediction, from `train` alone."""
    tuned = fit_als(train, als, seed)
    return with_prediction(train, tuned, features, als, settings, seed)


def with_prediction(
    train: sparse.csr_matrix,
    tuned: AlsFactors,
    features: Mapping[str, Features],
    als: AlsSettings,
    settings: Settings,
    seed: int,
) -> Behaviour:
    """`tuned`, fitted on `train` by `als`, and its prediction."""
    taught_by = settings_for_prediction(als, settings, train.shape, train.nnz)
    taught = tuned if taught_by == als else fit_als(train, taught_by, seed)
    return Behaviour(tuned, taught, predict_factors(train, taught, features, settings, seed))


def predict_factors(
    train: sparse.csr_matrix, taught: AlsFactors, features: Mapping[str, Features], settings: Settings, seed: int
) -> np.ndarray:
    """(n_items, factors) float32: what a network predicts that learns from `taught`, fitted on `train`."""
    counts = np.bincount(train.indices, minlength=train.shape[1])
    predictor = train_predictor(dict(features), taught.item_factors, counts, settings.predictor, seed)
    return predictor.predict(dict(features))


def fitted_models(
    behaviour: Behaviour, content: Content, counts: np.ndarray, mix: CandidateMix, hybrid: Hybrid | None = None
) -> FittedModels:
    """What arms are made of; `counts` (n_items,) are those of the interactions that `behaviour` was fitted on."""
    return FittedModels(
        counts=counts,
        behaviour=behaviour.tuned.item_factors,
        learned_from=behaviour.taught.item_factors,
        predicted=behaviour.predicted,
        content=content.vectors,
        mix=mix,
        hybrid=hybrid,
    )


def fit_hybrid_on(
    train: sparse.csr_matrix,
    content: Content,
    predicted: np.ndarray,
    recipe: Recipe,
    seed: int,
    *,
    factors: np.ndarray | None = None,
) -> Hybrid:
    """The hybrid by `recipe`; `factors` as for `fit_hybrid`."""
    counts = np.bincount(train.indices, minlength=train.shape[1])
    standard = fit_standard(content.features)
    views = standard.views(content.features, predicted, content.words)
    return fit_hybrid(train, counts, standard, views, recipe, seed, factors=factors)


def fit_niches(niches: Niches, content: Content, recipe: Recipe, seed: int) -> NicheFit:
    """The hybrid by `recipe` on what is left of the interactions."""
    weights = {view: weight for view, weight in recipe.weights.items() if view != "prediction"}
    recipe = replace(recipe, weights=weights or {"content": 1.0}, channels={}, fallback={})
    factors = residual_factors(niches.train, recipe.rank, seed)
    nothing = np.zeros((niches.train.shape[1], 1), dtype=np.float32)
    return NicheFit(niches, fit_hybrid_on(niches.train, content, nothing, recipe, seed, factors=factors), factors)


def fit_thinned(
    targets: ThinnedTargets, content: Content, plan: TrainingPlan, settings: Settings, seed: int
) -> ThinnedFit:
    """Every arm by a plan."""
    train = targets.split.train
    behaviour = fit_behaviour(train, content.features, plan.als, settings, seed)
    hybrid = fit_hybrid_on(train, content, behaviour.predicted, plan.recipe, seed)
    fitted = fitted_models(behaviour, content, targets.counts, plan.mix, hybrid)
    return ThinnedFit(targets, arm_vectors(fitted))


def fit_shopper_split(
    split: ShopperSplit, content: Content, plan: TrainingPlan, settings: Settings, seed: int
) -> ShopperSplitFit:
    """What serves shoppers, by a plan."""
    train = split.task.train
    behaviour = fit_behaviour(train, content.features, plan.als, settings, seed)
    hybrid = fit_hybrid_on(train, content, behaviour.predicted, plan.recipe, seed)
    scoring = plan.recipe.user_scoring
    scorer = fit_user_scorer(train, hybrid.profiles, hybrid.for_shoppers, content.words, (scoring,))

    def score(shoppers: np.ndarray, items: np.ndarray) -> np.ndarray:
        return scorer(train[shoppers], scoring)[:, items]

    scores = {
        name: score_shoppers(split.task, mask, score, k=K, shoppers=split.shoppers)
        for name, mask in split.candidates.items()
    }
    return ShopperSplitFit(split, behaviour.tuned, scores)
