"""The recipes of docs/extending.md, followed: a toy arm and a toy encoder are trained, written, opened and served."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.arms.geometry import similarities
from engine.arms.hybrid import hybrid_arm
from engine.arms.registry import arms, registered
from engine.catalogue.interactions import read_interactions
from engine.catalogue.snapshot import read_shop
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.models.encoders import MODALITIES
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import neighbours_of_unseen
from engine.release.contents import ReleaseContents, write_contents
from engine.release.publish import new_release_id, publish, write_release
from engine.training.pipeline import train
from tests.engine.training.test_pipeline import settings as quick
from tests.support.tiny_release import build_tiny_shop, tiny_contents
from tests.support.toy_arm import TOY
from tests.support.toy_encoder import TITLE_LENGTH

SETTINGS = Settings.model_validate({"text": {"model": "none"}, "image": {"kind": "none"}})


def contents_of(workspace: Workspace) -> ReleaseContents:
    build_tiny_shop(workspace, 72)
    shop = read_shop(workspace)
    interactions = read_interactions(workspace, list(shop.items["item_id"]), SETTINGS.interactions)
    return tiny_contents(shop, workspace, interactions, SETTINGS)


def served(workspace: Workspace, contents: ReleaseContents) -> Recommender:
    release_id = new_release_id(workspace)
    write_release(workspace, release_id, lambda directory: write_contents(contents, workspace, directory))
    publish(workspace, release_id)
    return Recommender.open(workspace)


def test_a_toy_arm_has_lists_for_the_catalogue_and_for_products_nobody_has_seen(workspace: Workspace) -> None:
    with registered(TOY):
        facade = served(workspace, contents_of(workspace))
        assert set(facade.arms) == set(arms())
        table = facade.neighbours_all(TOY.name, 5)
        assert table["item_id"].nunique() == 72
        described = facade.product("f2-03")
        found = [one.item_id for one in neighbours_of_unseen(facade, workspace, described, 6, TOY.name)]
        assert found[0] == "f2-03"  # itself is in the catalogue
        assert found[1:] == [one.item_id for one in facade.neighbours("f2-03", TOY.name, 5)]


def test_a_toy_channel_counts_beside_the_hybrid_for_both(workspace: Workspace) -> None:
    with registered(TOY):
        contents = contents_of(workspace)
        recipe = replace(contents.hybrid.recipe, channels={TOY.name: {0: 4.0}})
        hybrid = replace(contents.hybrid, recipe=recipe)
        others = {name: arm for name, arm in contents.arms.items() if name != "hybrid"}
        mixed = hybrid_arm(hybrid, recipe, others)
        facade = served(workspace, replace(contents, hybrid=hybrid, arms=others | {"hybrid": mixed}))
        plain, with_toy = contents.arms["hybrid"], mixed
        rows = np.arange(72)
        toy = similarities(contents.arms[TOY.name], rows)
        assert _agreement(similarities(with_toy, rows), toy) > _agreement(similarities(plain, rows), toy) + 0.2
        cold = next(row for row in rows if contents.interactions.counts[row] == 0)
        item = facade.product(int(cold))
        asked = [one.item_id for one in neighbours_of_unseen(facade, workspace, item, 6)]
        known = [one.item_id for one in facade.neighbours(str(facade.items["item_id"][cold]), "hybrid", 5)]
        assert [one for one in asked if one != facade.items["item_id"][cold]][:5] == known


def _agreement(scores: np.ndarray, others: np.ndarray) -> float:
    return float(np.mean([np.corrcoef(one, other)[0, 1] for one, other in zip(scores, others, strict=True)]))


def test_a_toy_encoder_is_trained_with_and_reads_a_product_nobody_has_seen(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODALITIES, TITLE_LENGTH.name, TITLE_LENGTH)
    build_tiny_shop(workspace)
    result = train(workspace, quick(evaluation={"enabled": False}, selection={"enabled": False}))
    assert result.published
    facade = Recommender.open(workspace)
    assert facade.training["encoders"][TITLE_LENGTH.name]["dim"] == 2
    item = replace(facade.product("f1-02"), attributes={}, brand=None, category=None, price=None, image=None)
    longer = replace(item, title=f"{item.title}, in many more words than before")
    assert len(neighbours_of_unseen(facade, workspace, item, 5)) == 5
    assert neighbours_of_unseen(facade, workspace, item, 5, "content") != neighbours_of_unseen(
        facade, workspace, longer, 5, "content"
    )
