"""What a training learns from judgements, and that what it was trained on never scores its release."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import select

from engine.cli.main import main
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.curation.campaigns import Plan, create_campaign
from engine.curation.judgements import JudgementStore
from engine.curation.training_judgements import is_for_training, not_trained_on, take_training_judgements
from engine.recommend.recommender import Recommender
from engine.release.judged_products import products_trained_on
from engine.store import CampaignAnchorRow, Database
from engine.training.pipeline import train
from tests.engine.training.test_pipeline import SMALL
from tests.support.tiny_release import build_tiny_shop

ON_BOTH_DATABASES = True


def test_pairs_carry_what_people_agree_on(store, judge):
    store.add([judge("a", "bad", "irrelevant"), judge("a", "good", "relevant", implied=True)])
    store.add(
        [judge("a", "split", verdict, rater=rater) for rater, verdict in (("Ann", "irrelevant"), ("Bo", "relevant"))]
    )
    store.add([judge("a", "unsure", "unsure"), judge("b", "sample", source="demo"), judge("b", "x", "withdrawn")])
    lessons = take_training_judgements(store, (), 1.0)
    assert lessons.pairs.to_dict("records") == [
        {"anchor_id": "a", "neighbour_id": "bad", "irrelevant": True, "implied": False, "teaches": True},
        {"anchor_id": "a", "neighbour_id": "good", "irrelevant": False, "implied": True, "teaches": True},
    ]
    assert lessons.until is not None
    # One person alone, where leads are named, has said nothing yet.
    assert take_training_judgements(store, ("Lea",), 1.0).pairs["neighbour_id"].tolist() == ["good"]


def test_from_nothing_judged_nothing_is_learned(store):
    assert take_training_judgements(store, (), 0.5).pairs.empty


def test_the_split_is_of_products_and_holds_for_ever():
    ids = [f"p{number}" for number in range(4000)]
    first = [is_for_training(one, 0.5) for one in ids]
    assert 0.47 < sum(first) / len(ids) < 0.53
    assert first == [is_for_training(one, 0.5) for one in ids]
    assert not any(
        half and not more for half, more in zip(first, (is_for_training(one, 0.7) for one in ids), strict=True)
    )


def test_a_release_says_whom_it_learned_from_and_is_not_scored_by_them(tmp_path, judge):
    workspace = Workspace(tmp_path / "shop")
    build_tiny_shop(workspace)
    settings = Settings.model_validate({**SMALL, "selection": {"enabled": False}, "evaluation": {"enabled": False}})
    train(workspace, settings)
    first = Recommender.open(workspace)
    store = JudgementStore(Database(workspace.database_url))
    flagged = {}
    for anchor in first.items["item_id"][:30]:
        listed = first.neighbours(anchor, "hybrid", 10)
        flagged[anchor] = listed[0].item_id
        store.add(
            [judge(anchor, one.item_id, "irrelevant" if not place else "relevant", implied=bool(place), release_id="r0001")
             for place, one in enumerate(listed)]
        )  # fmt: skip
    train(workspace, settings)
    again = train(workspace, settings)
    second = Recommender.open(workspace)
    assert second.release_id == again.release_id
    expected = {anchor for anchor in flagged if is_for_training(anchor, 0.5)}
    assert second.trained_on == products_trained_on(second.directory) == expected
    assert 5 < len(expected) < 25
    assert not first.trained_on
    record = second.training["judgements"]
    assert (record["products"], record["irrelevant"]) == (len(expected), len(expected))
    assert second.manifest.extra["judgements_until"]
    # Judged lists have learned: what was first and does not belong is not first any more.
    mended = [second.neighbours(anchor, "hybrid", 1)[0].item_id != flagged[anchor] for anchor in expected]
    assert sum(mended) > 0.6 * len(mended)
    appearances = pd.DataFrame({"release_id": ["r0001", again.release_id] * 2, "anchor_id": [*flagged][:2] * 2})
    appearances["anchor_id"] = [min(expected)] * 2 + [min(set(flagged) - expected)] * 2
    left = not_trained_on(appearances, workspace)
    assert left["release_id"].tolist() == ["r0001", "r0001", again.release_id]
    # Whole lists of both judged on the second release: the one it learned from is in no exported rate.
    for anchor in (min(expected), min(set(flagged) - expected)):
        store.add(
            judge(anchor, one.item_id, "relevant", rater="Bo", release_id=second.release_id, ranks={"hybrid": one.rank})
            for one in second.neighbours(anchor, "hybrid", 10)
        )
    out = tmp_path / "rates.csv"
    assert main(["--workspace", str(workspace.root), "export", "irrelevance", "--out", str(out)]) == 0
    rates = pd.read_csv(out)
    current = store.current()
    judged = set(zip(current["anchor_id"], current["neighbour_id"], strict=True))
    whole = [
        anchor
        for anchor in flagged
        if all((anchor, one.item_id) in judged for one in second.neighbours(anchor, "hybrid", 10))
    ]
    assert min(expected) in whole
    assert rates.loc[rates["arm"] == "hybrid", "anchors"].sum() == len(set(whole) - expected) > 0
    # The next campaign does not ask for products that may not score the release.
    campaign = create_campaign(store.database, second, Plan("All", target=60))
    with store.database.reading() as session:
        asked = session.scalars(
            select(CampaignAnchorRow.anchor_id).where(CampaignAnchorRow.campaign_id == campaign)
        ).all()
    assert not set(asked) & expected
    assert len(asked) == len(second.items) - len(expected)
    store.database.close()


def test_a_training_may_be_told_not_to_learn(tmp_path, judge):
    workspace = Workspace(tmp_path / "shop")
    build_tiny_shop(workspace)
    settings = Settings.model_validate({**SMALL, "selection": {"enabled": False}, "evaluation": {"enabled": False}})
    train(workspace, settings)
    store = JudgementStore(Database(workspace.database_url))
    anchors = [one for one in Recommender.open(workspace).items["item_id"] if is_for_training(one, 0.5)]
    store.add([judge(anchors[0], Recommender.open(workspace).neighbours(anchors[0])[0].item_id)])
    store.database.close()
    train(workspace, settings.model_copy(update={"curation": settings.curation.model_copy(update={"learn": False})}))
    assert not Recommender.open(workspace).trained_on
    assert Recommender.open(workspace).training["judgements"] == {}
