"""Where products and approved drafts lie on the map."""

from __future__ import annotations

import numpy as np
import pytest

from engine.catalogue.product import Product
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.edits.drafts.store import DraftStore, NewDraft
from engine.maps.places import NOWHERE, MapPlaces, places_of
from engine.serving.served_shop import ServedShop
from engine.store import Database
from tests.support.tiny_release import TinyRelease, build_tiny_release


@pytest.fixture
def tiny(workspace: Workspace) -> TinyRelease:
    return build_tiny_release(workspace)


def places(tiny: TinyRelease) -> MapPlaces:
    shop = ServedShop.open(tiny.workspace, Settings())
    return places_of(shop.release, shop.drafts)


def test_every_product_has_its_place_and_those_without_behaviour_none_on_its_panel(tiny: TinyRelease) -> None:
    found = places(tiny)
    maps = found.release.maps
    assert len(found) == found.n_products == 60
    assert np.array_equal(found.panel("hybrid"), maps[["hybrid_x", "hybrid_y"]].to_numpy())
    missing = ~np.isfinite(found.panel("als")).all(axis=1)
    assert {found.item_id(int(row)) for row in np.flatnonzero(missing)} == {
        item_id for item_id, count in tiny.counts.items() if count == 0
    }


def test_packed_places_are_what_they_were_to_a_hundredth_of_a_pixel(tiny: TinyRelease) -> None:
    found = places(tiny)
    packed = np.frombuffer(found.packed(), dtype="<u2").reshape(-1, 2, 2)
    nowhere = ~np.isfinite(found.points)
    assert (packed[nowhere] == NOWHERE).all()
    back = packed[~nowhere] / 65_534 * 2 - 1
    assert np.abs(back - found.points[~nowhere]).max() < 2e-5


def test_an_approved_draft_lies_among_its_neighbours_on_longtails_panel_alone(tiny: TinyRelease) -> None:
    before = places(tiny).version
    store = DraftStore(Database(tiny.workspace.database_url), tiny.workspace)
    like = places(tiny).product(0)
    product = Product(category=like.category, attributes=like.attributes, title="A new one")
    (draft_id,) = store.save([NewDraft(product)], "Ada", lambda _: False, approve=True)
    found = places(tiny)
    assert len(found) == 61
    assert found.version != before
    row = found.row(draft_id)
    assert row == 60
    assert (found.item_id(60), found.product(60).title) == (draft_id, "A new one")
    assert found.item_ids([60, 3]) == [draft_id, found.item_id(3)]
    assert not np.isfinite(found.panel("als")[60]).any()
    own = found.panel("hybrid")[[found.row(item_id) for item_id in tiny.families if tiny.families[item_id] == 0]]
    assert (own.min(axis=0) <= found.panel("hybrid")[60]).all()
    assert (found.panel("hybrid")[60] <= own.max(axis=0)).all()


def test_what_is_not_there_has_no_row(tiny: TinyRelease) -> None:
    assert places(tiny).row("gone") is None
    assert places(tiny).row("f1-02") == places(tiny).release.row("f1-02")
