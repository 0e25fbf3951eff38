"""Changed products among the served lists: where training again would put them, and nobody else moved."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from engine.catalogue.product import Product, with_products
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.edits.changes.merging import Change, difference
from engine.edits.changes.served import cached_changes, changed_products, vectors_of_changes, with_changes
from engine.recommend.recommender import Recommender
from engine.training.pipeline import train
from tests.support.tiny_release import TinyRelease, build_tiny_release, build_tiny_shop

SETTINGS = Settings.model_validate(
    {
        "als": {"factors": 8, "iterations": 5},
        "text": {"model": "none"},
        "image": {"kind": "none"},
        "predictor": {"hidden": 32, "layers": 1, "max_steps": 200},
        "selection": {"enabled": False},
        "evaluation": {"enabled": False},
    }
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("changes") / "shop")
    build_tiny_shop(workspace, 72)
    train(workspace, SETTINGS)
    return workspace


@pytest.fixture(scope="module")
def facade(trained: Workspace) -> Recommender:
    return Recommender.open(trained)


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> TinyRelease:
    """A release from before there was a smoother."""
    workspace = Workspace(tmp_path_factory.mktemp("older") / "shop")
    return build_tiny_release(workspace, 72, settings=SETTINGS)


@pytest.fixture
def scratch(tmp_path: Path) -> Workspace:
    """A workspace to keep vectors in."""
    return Workspace(tmp_path)


def content_of(facade: Recommender, item_id: str) -> Product:
    """A product without its picture, which is not read."""
    return replace(facade.product(item_id), image=None)


def moved(facade: Recommender, scratch: Workspace, products: dict[str, Product]) -> Recommender:
    return with_changes(facade, scratch, products, vectors_of_changes(facade, scratch, products))


def ids(facade: Recommender, item_id: str, arm: str = "hybrid", k: int = 10) -> list[str]:
    return [one.item_id for one in facade.neighbours(item_id, arm, k)]


def families(found: list[str]) -> list[str]:
    return [one.split("-")[0] for one in found]


@pytest.mark.parametrize("arm", ["als", "predicted", "content", "hybrid"])
@pytest.mark.parametrize("release", ["facade", "older"])
def test_the_same_content_again_moves_nothing(request, scratch, release, arm):
    found = request.getfixturevalue(release)
    facade = found if isinstance(found, Recommender) else Recommender.open(found.workspace)
    same = {one: content_of(facade, one) for one in ("f0-01", "f2-03", "f5-11", "f3-00")}
    after = moved(facade, scratch, same)
    for row in (facade.row(one) for one in same):
        before, now = facade.arm(arm), after.arm(arm)
        assert np.allclose(now.query[row], before.query[row], atol=2e-3)
        assert np.allclose(now.candidates[row], before.candidates[row], atol=2e-3)


def test_a_product_with_few_clicks_goes_to_its_new_look_alikes_at_once(facade, scratch):
    item_id = "f1-10"
    after = moved(facade, scratch, {item_id: content_of(facade, "f4-09")})
    assert families(ids(facade, item_id)).count("f1") > families(ids(facade, item_id)).count("f4")
    assert families(ids(after, item_id)).count("f4") >= 8
    assert families(ids(after, item_id, "content")).count("f4") >= 8
    assert ids(after, item_id, "als") == ids(facade, item_id, "als")


def test_on_the_lists_of_others_a_product_without_clicks_moves_too_and_one_with_clicks_stays(facade, scratch):
    cold, warm = "f1-11", "f1-01"
    items = {one: content_of(facade, "f4-09") for one in (cold, warm)}
    after = moved(facade, scratch, items)

    def place(release: Recommender, anchor: str, one: str) -> int:
        return ids(release, anchor, k=72).index(one)

    assert place(after, "f4-02", cold) < place(facade, "f4-02", cold)
    assert place(after, "f1-02", cold) > place(facade, "f1-02", cold)
    assert abs(place(after, "f1-02", warm) - place(facade, "f1-02", warm)) <= 1


def test_the_catalogue_says_what_was_changed_and_the_release_stays_as_it_is(facade, scratch):
    before = facade.items.copy()
    other = Product(title="Other", attributes={"occasions": ("a", "b")})
    after = moved(facade, scratch, {"f2-03": other})
    row = after.items.iloc[after.row("f2-03")]
    assert (row["title"], row["occasions"]) == ("Other", ["a", "b"])
    assert np.isnan(row["price"])
    assert row["interaction_count"] == before["interaction_count"].iloc[facade.row("f2-03")]
    assert facade.items.equals(before)
    assert after.items.dtypes.to_dict() == before.dtypes.to_dict()
    assert after.version != facade.version
    assert after.release_id == facade.release_id
    others = [one for one in before["item_id"] if one != "f2-03"]
    assert after.items.set_index("item_id").loc[others].equals(before.set_index("item_id").loc[others])


def test_training_again_says_the_same(trained, facade, scratch, tmp_path):
    """The network and ALS are fitted anew, so lists differ a little; the changed product's as little as any other's."""
    import pandas as pd

    from engine.catalogue.snapshot import read_shop, write_snapshot

    items = {"f1-03": content_of(facade, "f4-09"), "f2-08": content_of(facade, "f0-07")}
    after = moved(facade, scratch, items)
    shop = read_shop(trained)
    other = Workspace(tmp_path / "again")
    events = pd.read_parquet(trained.current_snapshot() / "interactions.parquet")
    rows = {facade.row(one): item for one, item in items.items()}
    changed_items = with_products(shop.items, rows, shop.attribute_kinds, trained)
    write_snapshot(other, changed_items, events, {"attributes": shop.attribute_kinds}, {})
    train(other, SETTINGS)
    again = Recommender.open(other)
    for one in items:
        common = set(ids(after, one)) & set(ids(again, one))
        assert len(common) >= 7, (one, ids(facade, one), ids(after, one), ids(again, one))


def test_vectors_are_cached_and_read_again_without_the_readers(facade, scratch):
    items = {"f2-03": content_of(facade, "f4-09")}
    assert cached_changes(facade, scratch, items) == {}
    computed = vectors_of_changes(facade, scratch, items)
    cached = cached_changes(facade, scratch, items)
    assert {name: array.tolist() for name, array in cached["f2-03"].items()} == {
        name: array.tolist() for name, array in computed["f2-03"].items()
    }
    assert cached_changes(facade, scratch, {"f2-03": items["f2-03"].with_fields({"title": "Other"})}) == {}


def test_changes_hold_for_products_of_the_release_that_are_still_as_they_were(facade, scratch):
    def change(item_id: str, now: Product, wanted: Product) -> Change:
        return Change(item_id, *difference(now, wanted), "Ada", datetime.now(UTC), 1)

    now = content_of(facade, "f2-03")
    changes = [
        change("f2-03", now, now.with_fields({"title": "Other"})),
        change("f2-04", Product(title="Not what it is"), Product(title="Other")),
        change("nobody", Product(title="a"), Product(title="b")),
    ]
    found = changed_products(facade, scratch, changes)
    assert list(found) == ["f2-03"]
    assert found["f2-03"].title == "Other"
    assert with_changes(facade, scratch, {}, {}) is facade
