"""Campaigns: what may be asked for, and the order in which products are drawn."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from engine.core.errors import InputError, NotFoundError
from engine.core.workspace import Workspace
from engine.curation.campaigns import (
    Plan,
    campaign,
    campaigns,
    close_campaign,
    create_campaign,
    everyday_campaign,
    progress,
)
from engine.curation.rates.irrelevance import count_bins
from engine.recommend.recommender import Recommender
from engine.store import CampaignAnchorRow
from tests.support.tiny_release import build_tiny_release

ON_BOTH_DATABASES = True


@pytest.fixture(scope="module")
def facade(tmp_path_factory) -> Recommender:
    return Recommender.open(build_tiny_release(Workspace(tmp_path_factory.mktemp("campaigns")), 72).workspace)


def order(store, campaign_id: str) -> list[CampaignAnchorRow]:
    with store.database.reading() as session:
        query = select(CampaignAnchorRow).where(CampaignAnchorRow.campaign_id == campaign_id)
        return list(session.scalars(query.order_by(CampaignAnchorRow.stratum, CampaignAnchorRow.position)))


def test_everyday_exists_without_anybody_making_it_once_for_every_release(store, facade):
    first = everyday_campaign(store.database, facade)
    assert everyday_campaign(store.database, facade) == first
    assert (first.name, first.kind, first.release_id) == ("Everyday", "everyday", facade.release_id)
    assert {row.anchor_id for row in order(store, first.id)} == set(facade.items["item_id"])


def test_everyday_goes_on_where_it_was_when_its_release_is_served_again(store, facade, monkeypatch):
    other = copy.copy(facade)
    monkeypatch.setattr(other, "manifest", replace(facade.manifest, release_id="r0099"))
    first, second = everyday_campaign(store.database, facade), everyday_campaign(store.database, other)
    assert second.id != first.id
    assert not campaign(store.database, first.id).is_open(datetime.now(UTC))
    assert everyday_campaign(store.database, facade) == first
    assert not campaign(store.database, second.id).is_open(datetime.now(UTC))
    assert len(campaigns(store.database)) == 2


def test_a_campaign_takes_so_many_of_each_stratum_and_another_one_takes_the_same_first(store, facade):
    small = order(store, create_campaign(store.database, facade, Plan("Small", target=2)))
    large = order(store, create_campaign(store.database, facade, Plan("Large", target=4)))
    sizes = facade.items.groupby(count_bins(facade.items["interaction_count"].to_numpy())).size()
    assert all(row.stratum_size == sizes[row.stratum] for row in small)
    assert {row.position for row in small} == {1, 2}
    assert [row.anchor_id for row in small] == [row.anchor_id for row in large if row.position <= 2]


def test_a_selection_becomes_a_campaign_that_says_how_it_was_made(store, facade):
    plan = Plan("Coats", chosen=("f1-02", "f2-03"), how="picked on the map", created_by="Ada")
    made = campaign(store.database, create_campaign(store.database, facade, plan))
    assert made.kind == "chosen"
    assert made.sampling == "chosen by Ada: picked on the map"
    assert {row.anchor_id for row in order(store, made.id)} == {"f1-02", "f2-03"}


@pytest.mark.parametrize(
    ("plan", "field", "sentence"),
    [
        (Plan("  "), "name", "give the campaign a name"),
        (Plan("A", target=0), "target", "at least one product"),
        (Plan("A", second_share=1.5), "second_share", "between 0 and 1"),
        (Plan("A", deadline=datetime(2020, 1, 1, tzinfo=UTC)), "deadline", "has already passed"),
        (Plan("A", arms=("magic",)), "arms", "has no list 'magic'"),
        (Plan("A", strata=(30,)), "strata", "no product of the shop has"),
        (Plan("A", strata=(0,), arms=("als",)), "arms", "shows nothing beside products with 0 interactions"),
    ],
)
def test_a_campaign_in_which_nothing_could_be_judged_is_refused(store, facade, plan, field, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        create_campaign(store.database, facade, plan)
    assert caught.value.field == field
    assert campaigns(store.database) == []


def test_a_product_that_is_not_there_is_named(store, facade):
    with pytest.raises(NotFoundError, match="'ghost'"):
        create_campaign(store.database, facade, Plan("A", chosen=("ghost",)))


def test_two_open_campaigns_have_two_names(store, facade):
    first = create_campaign(store.database, facade, Plan("Spring"))
    with pytest.raises(InputError, match="choose another name"):
        create_campaign(store.database, facade, Plan(" Spring "))
    close_campaign(store.database, first)
    assert campaign(store.database, create_campaign(store.database, facade, Plan("Spring"))).is_open(datetime.now(UTC))
    assert not campaign(store.database, first).is_open(datetime.now(UTC))


def test_progress_counts_by_stratum_and_promises_no_more_than_there_is(store, facade):
    table = progress(store.database, everyday_campaign(store.database, facade).id)
    sizes = facade.items.groupby(count_bins(facade.items["interaction_count"].to_numpy())).size()
    assert table["size"].tolist() == sizes.tolist()
    assert table["target"].tolist() == [min(30, size) for size in sizes]
    assert table["done"].sum() == 0
