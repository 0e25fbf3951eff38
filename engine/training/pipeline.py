"""From the shop's data to a release, read top to bottom.

    drafts, changes -> shop -> interactions -> encoders -> features -> plan -> quality -> behaviour -> predictor -> smoother
    -> arms, maps -> release -> published

The same data, settings and seed give the same files, hash by hash; what differs from run to run (times) stands in the
manifest alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from engine.arms.base import FittedModels
from engine.arms.contributions import contributions
from engine.arms.geometry import ArmVectors
from engine.arms.hybrid_fit import Hybrid, fit_hybrid
from engine.arms.judgement_learning import learn
from engine.arms.plan import TrainingPlan, default_plan
from engine.arms.registry import arm_vectors
from engine.catalogue.interactions import Interactions, read_interactions
from engine.catalogue.snapshot import Shop, read_shop
from engine.core.errors import ReleaseError
from engine.core.progress import Progress, StepClock, silent
from engine.core.settings import AlsSettings, Settings
from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.curation.samples import store_sample_judgements
from engine.curation.training_judgements import TrainingJudgements, judgements_for_training
from engine.demo.build import read_families
from engine.evaluation.fits import Content
from engine.evaluation.report import measure_plan
from engine.models.als import AlsFactors, fit_als
from engine.models.encoders import (
    Encoder,
    Features,
    content_vectors,
    encode_catalogue,
    fit_encoders,
)
from engine.models.predictor import TrainedPredictor, train_predictor
from engine.models.projection import project
from engine.models.recipe import Recipe
from engine.models.residual import residual_factors
from engine.models.tfidf import fit_tfidf
from engine.models.views import fit_standard
from engine.recommend.recommender import Recommender
from engine.release.contents import ReleaseContents, write_contents
from engine.release.manifest import read_manifest
from engine.release.publish import current_release_id, new_release_id, write_release
from engine.release.publish import publish as publish_release
from engine.selection.plan_choice import PlanChoice, choose_plan
from engine.store import Database
from engine.training.gate import decide, without_nan
from engine.training.notes import notes

__all__ = ["TrainingResult", "measure", "train"]


@dataclass(frozen=True)
class TrainingResult:
    """What came of a training.

    Attributes
    ----------
    published : whether the release is served now; `decision` is the sentence that says why.
    metrics : metrics.json of the release.
    seconds : of the whole training.
    notes : what a person should know, e.g. that no product has a picture.
    """

    release_id: str
    published: bool
    metrics: dict[str, Any]
    seconds: float
    decision: str
    notes: list[str]


def train(
    workspace: Workspace,
    settings: Settings,
    *,
    release_id: str | None = None,
    progress: Progress = silent,
    publish: bool = True,
) -> TrainingResult:
    """Fit everything on the shop in use, write a new release, and publish it if it passes the gate.

    Raises `NoDataError` without a shop, `TrainingError` where there is too little to learn from, `ReleaseError` where
    the release on disk does not verify. In each case what was served before is served still.
    """
    began = time.monotonic()
    steps = StepClock(progress)
    shop, interactions = _read(workspace, settings, steps)
    settings = _as_trained(settings, shop)
    judged = judgements_for_training(workspace, settings)
    encoders, features, content = _read_content(shop, workspace, settings, steps)
    vocabulary = fit_tfidf(shop.items, shop.attribute_kinds)
    words = vocabulary.encode(shop.items)
    known = Content(features, content, words)
    choice = _choose(shop, interactions, known, settings, steps)
    plan, metrics = choice.plan, _measure(interactions, known, choice, settings, steps)
    behaviour = _learn_behaviour(shop, interactions, plan.als, settings.seed, steps)
    # The network learns better from factors that are pulled less towards zero than those that compare best.
    taught = behaviour if plan.als == settings.als else fit_als(interactions.user_items, settings.als, settings.seed)
    predictor = _learn_prediction(taught, features, interactions, settings, steps)

    predicted = predictor.predict(features)
    smoothed, shares, learned = _smooth(
        shop, interactions, features, predicted, words, plan.recipe, judged, settings, steps
    )
    fitted = FittedModels(
        interactions.counts,
        behaviour.item_factors,
        taught.item_factors,
        predicted,
        content,
        plan.known_above,
        smoothed,
    )
    arms = arm_vectors(fitted)
    maps = _draw_maps(shop, arms, settings, steps)
    fit, verdict = decide(metrics, arms["hybrid"], _served_metrics(workspace))
    metrics = without_nan(metrics)
    said = notes(shop, interactions, features, metrics, plan)
    decision = verdict if publish or not fit else "Not published, as asked."
    release_id = release_id or new_release_id(workspace)
    contents = ReleaseContents(
        shop=shop,
        interactions=interactions,
        settings=settings,
        behaviour=behaviour,
        encoders=encoders,
        predictor=predictor,
        words=vocabulary,
        fitted=fitted,
        hybrid=smoothed,
        arms=arms,
        maps=maps,
        metrics=metrics,
        plan=plan,
        shares=shares,
        judged=judged.pairs,
        learned=learned,
        judgements_until=judged.until.isoformat() if learned and judged.until else None,
        notes=said,
        decision=decision,
    )

    def fill(directory: Path) -> dict[str, Any]:
        steps("Building the neighbour index", 0.0)
        fields = write_contents(contents, workspace, directory)
        steps("Building the neighbour index", 1.0)
        return fields | {"steps": steps.seconds()}

    write_release(workspace, release_id, fill)
    steps("Publishing", 0.0, "checking every file")
    first = current_release_id(workspace) is None
    published = fit and publish
    if published:
        publish_release(workspace, release_id)  # reads every file again and refuses one that is not what was written
        if first and shop.demo and settings.serving.sample_judgements:
            steps("Publishing", 0.5, "adding sample judgements")
            _store_samples(workspace, settings, release_id)
    steps("Publishing", 1.0, decision)
    return TrainingResult(release_id, published, metrics, time.monotonic() - began, decision, said)


def measure(
    workspace: Workspace, settings: Settings, progress: Progress = silent
) -> tuple[TrainingPlan, dict[str, Any]]:
    """The plan that a training would follow now, and its figures; no release is trained."""
    shop, interactions = _read(workspace, settings, progress)
    settings = _as_trained(settings, shop)
    _, features, content = _read_content(shop, workspace, settings, progress)
    known = Content(features, content, fit_tfidf(shop.items, shop.attribute_kinds).encode(shop.items))
    choice = _choose(shop, interactions, known, settings, progress)
    return choice.plan, _figures(interactions, known, choice, settings, progress)


def _read(workspace: Workspace, settings: Settings, progress: Progress) -> tuple[Shop, Interactions]:
    step = "Reading the shop"
    progress(step, 0.0)
    shop = read_shop(workspace)
    progress(step, 0.3, f"{len(shop.items):,} products")
    interactions = read_interactions(workspace, list(shop.items["item_id"]), settings.interactions)
    progress(step, 1.0, f"{len(shop.items):,} products, {len(interactions.user_ids):,} shoppers")
    return shop, interactions


def _learn_behaviour(
    shop: Shop, interactions: Interactions, settings: AlsSettings, seed: int, progress: Progress
) -> AlsFactors:
    step = f"Learning from {interactions.user_items.nnz:,} {shop.interaction_word}"
    progress(step, 0.0)
    rounds = settings.iterations
    return fit_als(
        interactions.user_items,
        settings,
        seed,
        lambda iteration, loss: progress(step, iteration / rounds, f"round {iteration} of {rounds}"),
    )


def _read_content(
    shop: Shop, workspace: Workspace, settings: Settings, progress: Progress
) -> tuple[dict[str, Encoder], dict[str, Features], np.ndarray]:
    encoders = fit_encoders(shop, workspace, settings, settings.seed, progress)
    features = encode_catalogue(encoders, shop.items, workspace, progress)
    return encoders, features, content_vectors(features)


def _as_trained(settings: Settings, shop: Shop) -> Settings:
    """ALS is not tuned on the demo shop: its first training is watched by somebody who waits."""
    if not shop.demo:
        return settings
    return settings.model_copy(update={"als": settings.als.model_copy(update={"tries": 1})})


def _choose(
    shop: Shop, interactions: Interactions, known: Content, settings: Settings, progress: Progress
) -> PlanChoice:
    if not settings.selection.enabled:
        return PlanChoice(default_plan(settings, len(shop.items), words=known.words is not None))
    return choose_plan(interactions.user_items, known, settings, settings.seed, progress)


def _measure(
    interactions: Interactions, known: Content, choice: PlanChoice, settings: Settings, progress: Progress
) -> dict[str, Any]:
    if not settings.evaluation.enabled:
        return {"seed": settings.seed, "problem": "Quality was not measured: evaluation.enabled is off."}
    return _figures(interactions, known, choice, settings, progress)


def _figures(
    interactions: Interactions, known: Content, choice: PlanChoice, settings: Settings, progress: Progress
) -> dict[str, Any]:
    return measure_plan(
        interactions.user_items,
        known,
        choice.plan,
        settings,
        settings.seed,
        progress,
        thinned=choice.thinned,
        shoppers=choice.shoppers,
    )


def _learn_prediction(
    behaviour: AlsFactors,
    features: dict[str, Features],
    interactions: Interactions,
    settings: Settings,
    progress: Progress,
) -> TrainedPredictor:
    step = "Predicting behaviour from content"
    progress(step, 0.0)
    epochs = settings.predictor.max_epochs
    trained = train_predictor(
        features,
        behaviour.item_factors,
        interactions.counts,
        settings.predictor,
        settings.seed,
        lambda loss: progress(step, min(loss.epoch / epochs, 0.99), f"pass {loss.epoch}"),
    )
    progress(step, 1.0, f"best after {trained.best_epoch} passes")
    return trained


def _smooth(
    shop: Shop,
    interactions: Interactions,
    features: Mapping[str, Features],
    predicted: np.ndarray,
    words: sparse.csr_matrix,
    recipe: Recipe,
    judged: TrainingJudgements,
    settings: Settings,
    progress: Progress,
) -> tuple[Hybrid, list[dict[str, Any]], dict[str, Any]]:
    """The hybrid, whose behaviour speaks for whom in it, and what it learned from judgements."""
    step = "Carrying behaviour over to look-alikes"
    progress(step, 0.0)
    standard = fit_standard(features)
    views = standard.views(features, predicted, words)
    counts = interactions.counts
    factors = residual_factors(interactions.user_items, recipe.rank, settings.seed)
    fitted = fit_hybrid(interactions.user_items, counts, standard, views, recipe, settings.seed, factors=factors)
    progress(step, 0.7)
    shares = contributions(fitted, factors, counts, views, settings.seed)
    progress(step, 1.0)
    if judged.pairs.empty:
        return fitted, shares, {}
    step = "Learning from judgements"
    progress(step, 0.0, f"{int(judged.pairs['teaches'].sum()):,} of {len(judged.pairs):,} judged pairs teach")
    corrected, learned = learn(fitted, views, *judged.as_rows(shop.items["item_id"]), settings.seed)
    progress(step, 1.0)
    return corrected, shares, learned


def _draw_maps(shop: Shop, arms: Mapping[str, ArmVectors], settings: Settings, progress: Progress) -> pd.DataFrame:
    """item_id and x, y of behaviour and hybrid; NaN where the arm knows nothing of the product."""
    step = "Drawing the maps"
    maps: dict[str, Any] = {"item_id": shop.items["item_id"]}
    for place, name in enumerate(("als", "hybrid")):
        progress(step, place / 2, "before" if name == "als" else "after")
        known = arms[name].has_list
        points = np.full((len(known), 2), np.nan, dtype=np.float32)
        points[known] = project(arms[name].query[known], settings.seed)
        maps |= {f"{name}_x": points[:, 0], f"{name}_y": points[:, 1]}
    progress(step, 1.0)
    return pd.DataFrame(maps)


def _served_metrics(workspace: Workspace) -> dict[str, Any] | None:
    """metrics.json of the release that is served now, if this version of Longtail can serve it."""
    directory = workspace.releases / str(current_release_id(workspace))
    try:
        read_manifest(directory)
        return dict(json.loads((directory / "metrics.json").read_text("utf-8")))
    except (ReleaseError, OSError, ValueError):
        return None


def _store_samples(workspace: Workspace, settings: Settings, release_id: str) -> None:
    """The demo shop's sample judgements, once: people may have removed them since, or judged themselves."""
    store = JudgementStore(Database(settings.database_url or workspace.database_url))
    if store.log().empty:
        store_sample_judgements(store, Recommender.open(workspace, release_id), read_families(workspace), settings.seed)
