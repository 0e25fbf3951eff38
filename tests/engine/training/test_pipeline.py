from __future__ import annotations

import gc
import json
import os
import random
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.arms.plan import TrainingPlan, default_plan
from engine.catalogue.snapshot import read_info, write_snapshot
from engine.comparison.kept_changes import kept_change
from engine.core.errors import NoDataError, ReleaseError, TrainingError
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.evaluation import looked_at
from engine.jobs import run_status, start_run
from engine.jobs.lease import lease_holder
from engine.jobs.recording import lease_file
from engine.models.item_model import ItemModel
from engine.models.user_scoring import UserScoring
from engine.recommend.recommender import Recommender
from engine.release import arm_writer
from engine.release.manifest import Manifest
from engine.release.publish import current_release_id, list_releases, publish, verify_release
from engine.store import Database
from engine.training import pipeline as training
from engine.training.maps import STEP as MAPS
from engine.training.parent import Parent
from engine.training.pipeline import TrainingResult, measure, train
from tests.support.tiny_release import build_tiny_shop

SMALL: dict[str, Any] = {
    "als": {"factors": 8, "iterations": 5},
    "text": {"model": "none"},
    "image": {"kind": "none"},
    "predictor": {"hidden": 32, "layers": 1, "max_steps": 200},
    "evaluation": {"max_targets": 20},
}
FAST: dict[str, str] = {
    "als.factors": "8",
    "als.iterations": "5",
    "text.model": "none",
    "image.kind": "none",
    "predictor.hidden": "32",
    "predictor.max_steps": "200",
    "selection.enabled": "false",
    "evaluation.enabled": "false",
}


def settings(**changed: Any) -> Settings:
    return Settings.model_validate({**SMALL, **changed})


def unmeasured(**changed: Any) -> Settings:
    return settings(selection={"enabled": False}, evaluation={"enabled": False}, **changed)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, TrainingResult, list[str]]:
    """The tiny demo shop, trained once; the steps it told."""
    workspace = Workspace(tmp_path_factory.mktemp("trained") / "workspace")
    build_tiny_shop(workspace, demo=True)
    steps: list[str] = []
    result = train(workspace, settings(), progress=lambda step, done, message="": steps.append(step))
    return workspace, result, list(dict.fromkeys(steps))


@pytest.fixture
def shop(workspace: Workspace) -> Workspace:
    build_tiny_shop(workspace)
    return workspace


def plain_shop(workspace: Workspace, n_items: int = 40, events: int = 400, **columns: Any) -> None:
    """A shop of items that have nothing but an id and `columns`."""
    rng = np.random.default_rng(0)
    items = pd.DataFrame({"item_id": [f"i{n}" for n in range(n_items)]} | columns)
    pairs = pd.DataFrame(
        {
            "user_id": [f"u{n}" for n in rng.integers(0, 30, events)],
            "item_id": [f"i{n}" for n in rng.integers(0, n_items, events)],
        }
    )
    kinds = {"colour": "category"} if "colour" in columns else {}
    write_snapshot(workspace, items, pairs, {"attributes": kinds}, {})


def hashes(workspace: Workspace, release_id: str) -> dict[str, str]:
    return {name: facts["sha256"] for name, facts in verify_release(workspace, release_id).files.items()}


def test_a_trained_release_is_published_and_verifies(trained: tuple[Workspace, TrainingResult, list[str]]) -> None:
    workspace, result, _ = trained
    assert (result.published, result.release_id) == (True, "r0001")
    assert result.decision == "Published: 60 of 60 products have neighbours."
    assert current_release_id(workspace) == "r0001"
    assert verify_release(workspace, "r0001").extra["decision"] == result.decision


def test_neighbours_come_from_the_family_even_without_clicks(
    trained: tuple[Workspace, TrainingResult, list[str]],
) -> None:
    recommender = Recommender.open(trained[0])
    unclicked = recommender.items.loc[recommender.items["interaction_count"] == 0, "item_id"]
    assert len(unclicked) == 6
    for item_id in unclicked:
        neighbours = recommender.neighbours(item_id, "hybrid", 5)
        assert len(neighbours) == 5
        family = sum(neighbour.item_id[:2] == item_id[:2] for neighbour in neighbours)
        assert family >= 4, f"{item_id}: {[neighbour.item_id for neighbour in neighbours]}"
        assert recommender.neighbours(item_id, "als") == []


def test_steps_are_told_in_a_merchandisers_words_and_timed_in_the_manifest(
    trained: tuple[Workspace, TrainingResult, list[str]],
) -> None:
    workspace, _, steps = trained
    assert steps == [
        "Reading the shop",
        "Reading attributes",
        "Filling in what products lack",
        "Reading words",
        "Choosing settings",
        "Measuring quality",
        "Learning from 306 clicks",
        "Predicting behaviour from content",
        "Carrying behaviour over to look-alikes",
        "Drawing the maps",
        "Building the neighbour index",
        "Listing neighbours",
        "Publishing",
    ]
    timed = verify_release(workspace, "r0001").extra["steps"]
    assert [step["name"] for step in timed] == steps[:-1]
    assert all(step["seconds"] >= 0 for step in timed)


def test_how_the_models_came_about_is_kept(trained: tuple[Workspace, TrainingResult, list[str]]) -> None:
    recommender = Recommender.open(trained[0])
    record = recommender.training
    assert len(record["als_losses"]) == 5
    assert record["als_losses"][-1] < record["als_losses"][0]
    checks = record["predictor"]["checks"]
    assert [check["step"] for check in checks] == list(range(50, 50 * len(checks) + 1, 50))
    assert set(record["encoders"]) == {"attributes"}
    assert record["settings"]["als"]["factors"] == 8
    assert record["plan"] == recommender.plan.to_dict()
    tried = [one.tried for one in recommender.plan.trials.als]
    assert len(tried) == 3  # of the demo shop, whose first training somebody waits for
    assert recommender.plan.als in tried
    assert len(recommender.plan.trials.user_scorings) > 1


def test_what_the_shop_lacks_is_noted(trained: tuple[Workspace, TrainingResult, list[str]]) -> None:
    _, result, _ = trained
    assert "Pictures are not used: image.kind is 'none'." in result.notes  # the products have some
    assert "6 of 60 products have no clicks yet." in result.notes


def test_maps_place_every_product_that_an_arm_knows(trained: tuple[Workspace, TrainingResult, list[str]]) -> None:
    recommender = Recommender.open(trained[0])
    maps, counts = recommender.maps, recommender.items["interaction_count"]
    assert list(maps["item_id"]) == list(recommender.items["item_id"])
    assert (maps["als_x"].notna() == (counts > 0)).all()
    assert maps[["hybrid_x", "hybrid_y"]].notna().all().all()


def test_the_demo_shop_gets_sample_judgements_with_its_first_release_only(
    trained: tuple[Workspace, TrainingResult, list[str]],
) -> None:
    workspace, _, _ = trained
    store = JudgementStore(Database(workspace.database_url))
    assert store.has_demo()
    store.remove_demo()
    train(workspace, unmeasured())
    assert not store.has_demo()
    store.database.close()


def test_a_shop_of_ones_own_gets_no_sample_judgements(shop: Workspace) -> None:
    train(shop, unmeasured())
    assert JudgementStore(Database(shop.database_url)).log().empty


def test_equal_data_settings_and_seed_give_equal_files(shop: Workspace, tmp_path: Path) -> None:
    other = Workspace(tmp_path / "other")
    build_tiny_shop(other)
    first, second, again = (train(one, settings(), publish=False) for one in (shop, shop, other))
    expected = hashes(shop, first.release_id)
    assert len(expected) > 15
    assert hashes(shop, second.release_id) == expected
    assert hashes(other, again.release_id) == expected
    changed = hashes(shop, train(shop, unmeasured(seed=1)).release_id)
    assert changed["item_factors.npy"] != expected["item_factors.npy"]


def test_a_training_of_the_same_data_after_another_changes_nothing_and_makes_nothing_again(shop: Workspace) -> None:
    first, second = train(shop, unmeasured()).release_id, train(shop, unmeasured()).release_id
    assert hashes(shop, first) == hashes(shop, second)
    facts = [verify_release(shop, one).extra for one in (first, second)]
    assert (facts[0]["parent"], facts[0]["reused"]) == (None, [])
    assert (facts[1]["parent"], facts[1]["inputs"]) == (first, facts[0]["inputs"])
    assert facts[1]["reused"] == ["choosing", "behaviour", "prediction", "hybrid", "maps", "lists"]
    change = kept_change(shop, first, second, 10)  # worked out while it was trained
    assert change is not None
    assert (change.lists.changed, change.lists.compared) == (0, 60)


def test_a_release_beside_which_memory_does_not_hold_another_is_published_all_the_same(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = train(shop, unmeasured()).release_id
    monkeypatch.setattr("engine.release.room.free_memory", lambda: 100)
    second = train(shop, unmeasured(seed=1)).release_id
    assert current_release_id(shop) == second
    assert kept_change(shop, first, second, 10) is None
    assert f"what {second} changes beside {first} could not be worked out: Opening release 1 takes" in caplog.text


def test_a_training_that_ends_halfway_is_gone_on_with_and_gives_the_same_release(
    shop: Workspace, tmp_path: Path
) -> None:
    other = Workspace(tmp_path / "other")
    shutil.copytree(shop.root, other.root)

    def end_at_the_maps(step: str, done: float, message: str = "") -> None:
        if step == MAPS:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(shop, unmeasured(), progress=end_at_the_maps)
    halfway, whole = train(shop, unmeasured()).release_id, train(other, unmeasured()).release_id
    assert hashes(shop, halfway) == hashes(other, whole)
    assert verify_release(shop, halfway).extra["reused"] == ["choosing", "behaviour", "prediction", "hybrid"]


def test_behaviour_and_maps_go_on_from_the_release_that_is_served_and_follow_from_it_alone(
    shop: Workspace, tmp_path: Path
) -> None:
    longer = unmeasured(als={"factors": 8, "iterations": 9, "warm_iterations": 4})
    train(shop, longer)
    other = Workspace(tmp_path / "other")
    shutil.copytree(shop.root, other.root)
    shutil.rmtree(other.finished_parts)
    for one in (shop, other):
        items, events = (
            pd.read_parquet(one.current_snapshot() / f"{part}.parquet") for part in ("items", "interactions")
        )
        write_snapshot(one, items, events.iloc[5:], read_info(one.current_snapshot()), {})
        train(one, longer)
    assert hashes(shop, "r0002") == hashes(other, "r0002")
    opened = [Recommender.open(shop, one) for one in ("r0001", "r0002")]
    assert [len(one.training["als_losses"]) for one in opened] == [9, 4]
    assert opened[1].training["als_losses"][0] < opened[0].training["als_losses"][2]
    maps = [one.maps[["hybrid_x", "hybrid_y"]].to_numpy() for one in opened]
    moved = np.linalg.norm(maps[1] - maps[0], axis=1)
    apart = np.linalg.norm(maps[1] - maps[0][::-1], axis=1)
    assert np.median(moved) < np.median(apart) / 3


def test_a_plan_that_was_chosen_stands_for_the_next_training_with_the_same_settings(
    trained: tuple[Workspace, TrainingResult, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path / "workspace")
    shutil.copytree(trained[0].root, workspace.root)
    publish(workspace, trained[1].release_id, settings())
    snapshot = workspace.current_snapshot()
    items, events = (pd.read_parquet(snapshot / f"{part}.parquet") for part in ("items", "interactions"))
    write_snapshot(workspace, items, events.iloc[5:], read_info(snapshot), {})
    served = Parent.served(workspace)
    assert served is not None
    plan = served.plan(settings(als={**SMALL["als"], "tries": 3}))  # as few as a demo shop gets
    assert plan is not None
    assert plan.trials.als
    asked: list[TrainingPlan | None] = []

    def choose(*args: Any, standing: TrainingPlan | None = None, **kwargs: Any) -> Any:
        asked.append(standing)
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "choose_plan", choose)
    others = settings(als={"factors": 12, "iterations": 5})
    for wanted in (settings(), others):
        for work in (train, measure):
            with pytest.raises(KeyboardInterrupt):
                work(workspace, wanted)
    before = [None if one is None else one.to_dict() for one in asked]
    assert before == [plan.to_dict()] * 2 + [None] * 2


@pytest.mark.parametrize("damage", [False, True])
def test_cells_of_arms_that_are_what_they_were_are_taken_from_the_release_that_is_served(
    shop: Workspace, tmp_path: Path, damage: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arm_writer, "EXACT_NUMBERS", 0)
    monkeypatch.setattr(arm_writer, "MOST_CELLS", 1)  # all of them, so that few products are searched by cells
    train(shop, unmeasured())
    items, events = (pd.read_parquet(shop.current_snapshot() / f"{part}.parquet") for part in ("items", "interactions"))
    write_snapshot(shop, items, events.iloc[5:], read_info(shop.current_snapshot()), {})
    other = Workspace(tmp_path / "other")
    shutil.copytree(shop.root, other.root)
    if damage:
        (shop.releases / "r0001" / "arm_cells.npz").write_bytes(b"x")
    train(shop, unmeasured())
    monkeypatch.setattr(Parent, "cells", lambda self, arm: None)
    train(other, unmeasured())
    assert hashes(shop, "r0002") == hashes(other, "r0002")
    facts, made = (verify_release(one, "r0002") for one in (shop, other))
    assert facts.extra["reused"] == ([] if damage else ["cells of content"])
    assert made.extra["reused"] == []
    assert facts.arms["content"] == made.arms["content"]
    assert facts.arms["content"]["probes"] > 0


def test_the_number_of_threads_changes_nothing(shop: Workspace) -> None:
    one, two = (train(shop, unmeasured(threads=threads), publish=False) for threads in (1, 2))
    first, second = hashes(shop, one.release_id), hashes(shop, two.release_id)
    assert {name for name in first if first[name] != second[name]} == {"training.json"}  # it records the settings


def test_what_is_served_is_the_same_whether_or_not_quality_is_measured(shop: Workspace) -> None:
    measured = train(shop, settings(), publish=False)
    silent = train(shop, settings(evaluation={"enabled": False, **SMALL["evaluation"]}), publish=False)
    assert "thinning" in measured.metrics
    assert "thinning" not in silent.metrics
    first, second = hashes(shop, measured.release_id), hashes(shop, silent.release_id)
    assert {name for name in first if first[name] != second[name]} == {"metrics.json", "training.json"}
    plans = [Recommender.open(shop, one.release_id).plan for one in (measured, silent)]
    assert plans[0] == plans[1]
    assert plans[0].trials.user_scorings


def test_a_release_can_be_kept_unpublished(shop: Workspace) -> None:
    train(shop, unmeasured())
    result = train(shop, unmeasured(), publish=False)
    assert (result.published, result.decision) == (False, "Not published, as asked.")
    assert current_release_id(shop) == "r0001"
    assert [manifest.release_id for manifest in list_releases(shop)] == ["r0002", "r0001"]


def test_a_figure_that_is_no_number_keeps_a_release_from_being_served(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        training,
        "measure_plan",
        lambda *args, **named: {"seed": 0, "thinning": {}, "odd": {"mean": np.nan}},
    )
    result = train(shop, settings())
    assert not result.published
    assert "quality figure is not a number" in result.decision
    assert current_release_id(shop) is None
    manifest: Manifest = verify_release(shop, result.release_id)
    assert manifest.extra["decision"] == result.decision
    assert json.loads((shop.releases / result.release_id / "metrics.json").read_text())["odd"] == {"mean": None}


def test_a_release_records_who_reads_its_texts_and_says_why(workspace: Workspace) -> None:
    titles = ["Warmer Wintermantel", "Laufschuhe für Herren", "Stehlampe mit Stoffschirm", "Bettwäsche aus Leinen"]
    plain_shop(workspace, title=titles * 10)
    result = train(workspace, unmeasured(text={"model": "auto"}))
    assert verify_release(workspace, result.release_id).extra["readers"] == {"text": "e5"}
    assert "Most texts are German, so multilingual E5 reads them." in result.notes


def test_a_budget_that_is_too_small_for_the_shop_chooses_and_measures_on_a_part_of_it_and_says_so(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looked_at, "LEAST_PRODUCTS", 45)
    monkeypatch.setattr(looked_at, "GROUPS", 10)
    monkeypatch.setattr(looked_at, "seconds", lambda size, settings: float(size.products))
    result = train(shop, settings(evaluation={"max_targets": 20, "budget_seconds": 50}))
    part = result.metrics["looked_at"]
    assert (part["products"], part["of"], part["budget_seconds"]) == (50, 60, 50.0)
    assert part["interactions"] < part["of_interactions"]
    assert result.decision == "Published: 60 of 60 products have neighbours."
    assert verify_release(shop, result.release_id).extra["looked_at"] == part


def test_a_shop_too_small_to_measure_is_trained_all_the_same(workspace: Workspace) -> None:
    plain_shop(workspace, colour=["red", "blue"] * 20, events=120)
    result = train(workspace, settings())
    assert result.published
    assert result.metrics["problem"] in result.notes


def test_products_that_nothing_tells_apart_cannot_be_learned_from(workspace: Workspace) -> None:
    plain_shop(workspace)
    with pytest.raises(TrainingError, match="titles, pictures or attributes"):
        train(workspace, settings())
    assert current_release_id(workspace) is None


def test_too_few_interactions_are_said_so_and_the_old_release_is_served_still(shop: Workspace) -> None:
    train(shop, unmeasured())
    plain_shop(shop, events=5, colour=["red", "blue"] * 20)
    with pytest.raises(TrainingError, match="at least 20 products need both interactions and content"):
        train(shop, unmeasured())
    assert Recommender.open(shop).release_id == "r0001"
    assert [path.name for path in shop.releases.glob(".*.part")] == []


def test_without_a_shop_there_is_nothing_to_train_on(workspace: Workspace) -> None:
    with pytest.raises(NoDataError, match="Load one with `ingest`"):
        train(workspace, settings())


def test_measuring_writes_no_release(shop: Workspace) -> None:
    plan, metrics = measure(shop, settings())
    assert plan.trials.user_scorings
    assert "als" in metrics["thinning"]
    assert not shop.releases.exists()


def test_a_training_killed_at_any_moment_leaves_a_workspace_in_which_the_next_one_succeeds(shop: Workspace) -> None:
    moments = random.Random(3)
    for _ in range(3):
        run_id = start_run(shop, "train", FAST)
        time.sleep(moments.uniform(1.0, 9.0))
        holder = lease_holder(lease_file(shop))
        if holder and holder.run_id == run_id:
            os.kill(holder.pid, signal.SIGKILL)
        while run_status(shop, run_id).state == "running":
            time.sleep(0.05)
    run_id = start_run(shop, "train", FAST)
    while (status := run_status(shop, run_id)).state == "running":
        time.sleep(0.1)
    assert status.state == "done", status.message
    assert current_release_id(shop) == status.release_id
    assert [path.name for path in shop.releases.glob(".*.part")] == []
    assert all(manifest.damage is None for manifest in list_releases(shop))


def test_shoppers_are_served_by_the_item_model_where_the_plan_says_so(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    scoring = UserScoring(1, 8.0, ItemModel(0.5, 0.25, 32))

    def chosen(*given: Any, **more: Any) -> TrainingPlan:
        plan = default_plan(*given, **more)
        return replace(plan, recipe=replace(plan.recipe, user_scoring=scoring))

    monkeypatch.setattr(training, "default_plan", chosen)
    result = train(shop, unmeasured())
    assert "item_weights.npz" in hashes(shop, result.release_id)
    recommender = Recommender.open(shop)
    assert recommender.plan.recipe.user_scoring == scoring
    for shopper in recommender.sample_shoppers(5):
        families = [item_id[:2] for item_id in recommender.history(shopper)]
        found = [one.item_id[:2] for one in recommender.ranked_by_shopper(shopper, "hybrid", 3)]
        assert set(found) <= set(families), f"{shopper} has {families} and gets {found}"
    directory, manifest = recommender.directory, recommender.manifest
    (directory / "item_weights.npz").write_bytes(b"damaged")
    assert Recommender(directory, manifest).ranked_by_shopper(shopper)  # as long as one process holds what it was
    del recommender
    gc.collect()
    with pytest.raises(ReleaseError, match=r"item_weights\.npz has 7 bytes"):
        Recommender(directory, manifest).ranked_by_shopper(shopper)
