"""Places on lists: who gets one, where it shows, and that it ends."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from engine.catalogue.product import Product
from engine.core.errors import InputError, NotFoundError
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.edits.drafts.store import DraftStore, NewDraft
from engine.edits.places.served import BOOST, GUARANTEED_RANK
from engine.edits.places.store import PlaceStore
from engine.recommend.inbound import Inbound
from engine.serving.served_shop import ServedShop
from engine.store import PlaceRow
from engine.store.stamps import renew_stamp
from tests.support.tiny_release import TinyRelease, build_tiny_release

ON_BOTH_DATABASES = True
STRANGER = "f5-09"  # of another family than f1, without an interaction


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> TinyRelease:
    settings = Settings.model_validate({"text": {"model": "none"}, "image": {"kind": "none"}})
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("placed") / "shop"), settings=settings)


@pytest.fixture
def shop(built, store: JudgementStore) -> ServedShop:
    settings = Settings.model_validate({"text": {"model": "none"}, "image": {"kind": "none"}})
    return ServedShop.open(built.workspace, settings, open_database=lambda: store.database)


@pytest.fixture
def places(store: JudgementStore) -> PlaceStore:
    return PlaceStore(store.database)


def give(places: PlaceStore, item_id: str, kind="guaranteed", lists=3, days=7):
    return places.give(item_id, kind, days, "Ada", lambda _: True, lists=lists if kind == "guaranteed" else 0)


def seen(shop: ServedShop) -> None:
    """What another object wrote is read half a second later at the latest."""
    time.sleep(0.6)
    shop.refresh()


def test_a_guaranteed_place_is_the_fifth_of_as_many_lists_as_were_asked_for(shop, places):
    before = {one: shop.neighbours(one, k=20) for one in shop.release.items["item_id"]}
    give(places, STRANGER, lists=60)
    gained = {
        anchor for anchor, found in before.items() if STRANGER not in [one.item_id for one in found[:GUARANTEED_RANK]]
    }
    gained.discard(STRANGER)
    gained = {anchor for anchor in gained if before[anchor]}
    assert len(gained) > 40
    for anchor in gained:
        now = shop.neighbours(anchor)
        assert [one.item_id for one in now].index(STRANGER) == GUARANTEED_RANK - 1
        others = [one.item_id for one in now if one.item_id != STRANGER]
        assert others == [one.item_id for one in before[anchor] if one.item_id != STRANGER][:9]
        assert [one.rank for one in now] == list(range(1, 11))
        assert shop.neighbours(anchor, "als") == shop.release.neighbours(anchor, "als")
    assert set(shop.places.guaranteed(STRANGER)) >= gained


def test_the_lists_are_those_it_belongs_with_most(shop, places):
    give(places, "f1-09", lists=4)
    anchors = shop.places.guaranteed("f1-09")
    assert len(anchors) == 4
    assert {anchor[:2] for anchor in anchors} == {"f1"}


def test_all_lists_in_one_table_are_those_of_each_product(shop, places):
    for kind in ("guaranteed", "boosted"):
        give(places, STRANGER, kind, lists=30)
        table = shop.neighbours_all(k=10)
        for anchor, group in table.groupby("item_id"):
            found = shop.neighbours(str(anchor))
            assert list(group["neighbour_id"]) == [one.item_id for one in found]
            assert list(group["score"]) == pytest.approx([one.score for one in found])


def test_a_boost_overtakes_what_is_just_ahead_and_nothing_else(shop, places):
    before = shop.release.neighbours("f1-02", k=10)
    give(places, before[7].item_id, "boosted")
    after = shop.neighbours("f1-02", k=10)
    now = next(one for one in after if one.item_id == before[7].item_id)
    expected = 1 + sum(one.score >= now.score * BOOST for one in before)
    assert now.rank == min(expected, 8)
    assert {one.item_id for one in after} == {one.item_id for one in before}


def test_what_people_ruled_out_is_stronger_than_a_place(shop, places):
    give(places, STRANGER, lists=60)
    assert STRANGER in [one.item_id for one in shop.neighbours("f1-02")]
    assert STRANGER not in [one.item_id for one in shop.neighbours("f1-02", suppressed={STRANGER})]


def test_a_place_ends_by_itself_and_when_it_is_taken_back(shop, places, store):
    plain, version = shop.neighbours("f1-02"), shop.version
    give(places, STRANGER, lists=60)
    assert shop.version != version
    with store.database.transaction("places") as session:
        renew_stamp(session, "places")
        session.execute(update(PlaceRow).values(until=datetime.now(UTC) + timedelta(seconds=0.5)))
    seen(shop)
    assert shop.places.active == {}
    assert (shop.neighbours("f1-02"), shop.version) == (plain, version)
    give(places, STRANGER, lists=60)
    seen(shop)
    assert shop.neighbours("f1-02") != plain
    places.take_back(STRANGER)
    seen(shop)
    assert (shop.neighbours("f1-02"), places.all()) == (plain, [])


def test_a_draft_says_where_it_is_shown_and_can_have_a_place_there(shop, places, store, built):
    product = Product(brand="House 1", category="Maxi", attributes={"colour": "navy", "length_cm": 96.0})
    DraftStore(store.database, built.workspace).save(
        [NewDraft(product, product_id="navy-1")], "Ada", lambda _id: False, approve=True
    )
    seen(shop)

    def listed() -> list[Inbound]:
        return shop.shown_beside("navy-1")

    ids = list(shop.release.items["item_id"])
    truly = {anchor: one.rank for anchor in ids for one in shop.neighbours(anchor) if one.item_id == "navy-1"}
    assert {one.item_id: one.rank for one in listed()} == truly
    give(places, "navy-1", lists=40)
    seen(shop)
    truly = {anchor: one.rank for anchor in ids for one in shop.neighbours(anchor) if one.item_id == "navy-1"}
    assert {one.item_id: one.rank for one in listed()} == truly
    assert len(truly) >= 40
    with pytest.raises(NotFoundError, match="nobody"):
        shop.shown_beside("nobody")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"kind": "sold"}, "guaranteed or boosted"),
        ({"days": 0}, "1 to 90 days"),
        ({"days": 91}, "1 to 90 days"),
        ({"lists": 0}, "1 to 1000 lists"),
    ],
)
def test_a_place_that_cannot_be_is_refused_in_a_sentence(places, given, told):
    with pytest.raises(InputError, match=told):
        give(places, "f1-02", **given)
    with pytest.raises(NotFoundError, match="no product 'x'"):
        places.give("x", "boosted", 7, "Ada", lambda _: False)
    assert places.all() == []
