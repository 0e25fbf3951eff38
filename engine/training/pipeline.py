"""From the shop's data to a release, read top to bottom.

    drafts, changes -> shop -> interactions -> encoders -> features -> plan -> quality -> behaviour -> predictor -> smoother
    -> arms, maps -> release -> published

The same data, settings and seed, after the same release, give the same files, hash by hash; what differs from run to run (times) stands in the
manifest alone.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from engine.access.audit import deed
from engine.access.roles import Action
from engine.arms.plan import TrainingPlan, default_plan
from engine.catalogue.snapshot import Shop
from engine.cluster.session import on_cluster
from engine.core.disk_errors import file_errors_said
from engine.core.errors import ReleaseError
from engine.core.large_arrays import large_arrays_in
from engine.core.progress import Progress, StepClock, silent
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.curation.samples import store_sample_judgements
from engine.curation.training_judgements import TrainingJudgements, judgements_for_training
from engine.demo.build import read_families
from engine.edits.apply_to_catalogue import Applied
from engine.evaluation.looked_at import LookedAt, look_at
from engine.evaluation.report import measure_plan
from engine.models.devices import calculating, name_of_card
from engine.models.threads import bounded_threads
from engine.recommend.recommender import Recommender
from engine.release.contents import ReleaseContents, write_contents
from engine.release.manifest import read_manifest
from engine.release.publish import current_release_id, new_release_id, write_release
from engine.release.publish import publish as publish_release
from engine.selection.plan_choice import PlanChoice, choose_plan
from engine.store import Database, database_url
from engine.training.changes import keep_what_changes
from engine.training.data import TrainingData, encode_products, read_data
from engine.training.edits import apply_edits, mark_drafts
from engine.training.gate import decide, without_nan
from engine.training.maps import served_maps
from engine.training.models import TrainedModels, train_models
from engine.training.notes import notes
from engine.training.parent import Parent
from engine.training.reuse import Reuse
from engine.training.room import check_room

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
    applied : the drafts that became products of the catalogue before it, and the products that were changed.
    """

    release_id: str
    published: bool
    metrics: dict[str, Any]
    seconds: float
    decision: str
    notes: list[str]
    applied: Applied


def train(
    workspace: Workspace,
    settings: Settings,
    *,
    release_id: str | None = None,
    progress: Progress = silent,
    publish: bool = True,
) -> TrainingResult:
    """Fit everything on the shop in use, write a new release, and publish it if it passes the gate.

    Approved drafts and changes become part of the shop's catalogue first, and stay there whatever comes of the training.

    Raises `NoDataError` without a shop, `TrainingError` where there is too little to learn from, `ReleaseError` where
    the release on disk does not verify, `StorageError` where the disk is full, `ClusterError` where the cluster at `cluster.master` fails, `SettingsError` where `device` asks for a graphics card that is not there. In each case what was served before is served still.
    """
    with (
        deed(Action.TRAIN, release_id or "a new release", workspace=workspace, settings=settings) as training,
        bounded_threads(settings.threads),
        file_errors_said(workspace.root),
        large_arrays_in(workspace.root),
        on_cluster(settings.cluster, steps := StepClock(progress)),
        calculating(settings.device),
    ):
        result = _trained(workspace, settings, release_id, steps, publish)
        training.after = {"release": result.release_id, "decision": result.decision}
    return result


def _trained(
    workspace: Workspace, settings: Settings, release_id: str | None, steps: StepClock, publish: bool
) -> TrainingResult:
    began = time.monotonic()
    applied = apply_edits(workspace, settings)
    shop, interactions = read_data(workspace, settings, steps)
    settings = _for_shop(settings, shop)
    judged = judgements_for_training(workspace, settings)
    data = encode_products(shop, interactions, workspace, settings, steps)
    check_room(data, workspace, settings)
    reuse = Reuse.of(workspace, data, settings)
    plan, metrics = reuse.chosen(lambda standing: _chosen(data, settings, steps, standing))
    models = train_models(data, plan, judged, settings, reuse, steps)
    maps = reuse.maps(models.arms, served_maps(workspace), steps)
    fit, verdict = decide(metrics, models.arms["hybrid"], _served_metrics(workspace))
    decision = verdict if publish or not fit else "Not published, as asked."
    contents = replace(_contents(data, plan, models, judged, maps, metrics, settings), decision=decision)
    release_id = release_id or new_release_id(workspace)
    _write(workspace, release_id, contents, reuse, steps)
    reuse.parts.forget_others()
    keep_what_changes(workspace, settings, release_id)
    published = fit and publish
    if published:
        _publish(workspace, release_id, shop, settings, steps)
    steps("Publishing", 1.0, decision)
    return TrainingResult(
        release_id, published, dict(contents.metrics), time.monotonic() - began, decision, list(contents.notes), applied
    )


def measure(
    workspace: Workspace, settings: Settings, progress: Progress = silent
) -> tuple[TrainingPlan, dict[str, Any]]:
    """The plan that a training would follow now, and its figures, as for metrics.json; no release is trained."""
    with (
        bounded_threads(settings.threads),
        large_arrays_in(workspace.root),
        on_cluster(settings.cluster, progress),
        calculating(settings.device),
    ):
        shop, interactions = read_data(workspace, settings, progress)
        settings = _for_shop(settings, shop)
        data = encode_products(shop, interactions, workspace, settings, progress)
        parent = Parent.served(workspace)
        return _chosen(data, settings, progress, None if parent is None else parent.plan(settings))


def _for_shop(settings: Settings, shop: Shop) -> Settings:
    """Few ALS settings are tried on the demo shop: its first training is watched by somebody who waits."""
    if not shop.demo:
        return settings
    return settings.model_copy(update={"als": settings.als.model_copy(update={"tries": min(3, settings.als.tries)})})


def _chosen(
    data: TrainingData, settings: Settings, progress: Progress, standing: TrainingPlan | None
) -> tuple[TrainingPlan, dict[str, Any]]:
    """The plan and its figures, as for metrics.json; by a sample of the products where the whole shop costs more than the budget.

    Parameters
    ----------
    standing : the plan of the served release, which another must beat; None where there is none.
    """
    progress("Choosing settings", 0.0, "picking the products to compare them on")
    looked = look_at(data.interactions.user_items, data.content, settings)
    choice = _choose(looked, data, settings, progress, standing)
    measured = _measure(looked, choice, progress) if settings.evaluation.enabled else _unmeasured(settings)
    return looked.for_catalogue(choice.plan, settings), measured | looked.facts()


def _choose(
    looked: LookedAt, data: TrainingData, settings: Settings, progress: Progress, standing: TrainingPlan | None
) -> PlanChoice:
    if not settings.selection.enabled:
        return PlanChoice(default_plan(looked.settings, len(looked.rows), words=data.content.words is not None))
    return choose_plan(
        looked.user_items,
        looked.content,
        looked.settings,
        settings.seed,
        progress,
        n_items=looked.n_items,
        standing=None if standing is None else looked.for_these(standing),
    )


def _measure(looked: LookedAt, choice: PlanChoice, progress: Progress) -> dict[str, Any]:
    return measure_plan(
        looked.user_items,
        looked.content,
        choice.plan,
        looked.settings,
        looked.settings.seed,
        progress,
        thinned=choice.thinned,
        niches=choice.niches,
        shoppers=choice.shoppers,
    )


def _unmeasured(settings: Settings) -> dict[str, Any]:
    return {"seed": settings.seed, "problem": "Quality was not measured: evaluation.enabled is off."}


def _contents(
    data: TrainingData,
    plan: TrainingPlan,
    models: TrainedModels,
    judged: TrainingJudgements,
    maps: pd.DataFrame,
    metrics: dict[str, Any],
    settings: Settings,
) -> ReleaseContents:
    """The release, not yet decided upon."""
    figures = without_nan(metrics)
    return ReleaseContents(
        shop=data.shop,
        interactions=data.interactions,
        settings=settings,
        behaviour=models.behaviour.tuned,
        encoders=data.encoders,
        imputer=data.imputer,
        predictor=models.predictor,
        words=data.vocabulary,
        fitted=models.fitted,
        hybrid=models.hybrid,
        item_weights=models.item_weights,
        arms=models.arms,
        maps=maps,
        metrics=figures,
        plan=plan,
        shares=models.shares,
        judged=judged.pairs,
        learned=models.learned,
        judgements_until=judged.until.isoformat() if models.learned and judged.until else None,
        notes=notes(data, figures, plan),
    )


def _write(workspace: Workspace, release_id: str, contents: ReleaseContents, reuse: Reuse, steps: StepClock) -> None:
    def fill(directory: Path) -> dict[str, Any]:
        steps("Building the neighbour index", 0.0)
        fields = write_contents(contents, workspace, directory, steps, reuse.lists(contents))
        steps("Building the neighbour index", 1.0)
        return fields | reuse.facts() | {"graphics_card": name_of_card(), "steps": steps.seconds()}

    write_release(workspace, release_id, fill)


def _publish(workspace: Workspace, release_id: str, shop: Shop, settings: Settings, steps: StepClock) -> None:
    """Serve the release; publishing reads every file again and refuses one that is not what was written."""
    steps("Publishing", 0.0, "checking every file")
    first = current_release_id(workspace) is None
    publish_release(workspace, release_id, settings)
    if first and shop.demo and settings.serving.sample_judgements:
        steps("Publishing", 0.5, "adding sample judgements")
        _store_samples(workspace, settings, release_id)
    mark_drafts(workspace, settings, shop.items["item_id"])


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
    store = JudgementStore(Database(database_url(workspace, settings)))
    if store.log().empty:
        store_sample_judgements(store, Recommender.open(workspace, release_id), read_families(workspace), settings.seed)
