"""A rank without a part is the one on the list that the shop shows once the product really has no such part."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.catalogue.product import Product
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.edits.changes.store import ChangeStore
from engine.edits.drafts.advice import PARTS
from engine.explain.without import (
    BEHAVIOUR_ALONE,
    NO_BEHAVIOUR,
    product_without,
    ranks_by_other_arms,
    ranks_without,
)
from engine.serving.served_shop import ServedShop
from engine.store import Database
from tests.support.tiny_release import build_tiny_release

ITEM = "f1-03"
FULL = Product(title="A", description="B", brand="C", image="0" * 64, attributes={"colour": "red"})


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("without") / "shop")).workspace


@pytest.fixture
def shop(workspace: Workspace, tmp_path: Path) -> ServedShop:
    return ServedShop.open(workspace, Settings.model_validate({"database_url": f"sqlite:///{tmp_path}/longtail.db"}))


def test_a_part_is_taken_out_where_there_is_more_than_that():
    assert product_without(FULL, "text") == replace(FULL, title=None, description=None)
    assert product_without(Product(title="A"), "text") is None
    assert product_without(Product(title="A", brand="C"), "picture") is None
    assert {part for part in PARTS if product_without(FULL, part)} == set(PARTS)


def test_ranks_without_text_and_details_are_those_of_the_changed_product(shop, workspace, tmp_path):
    found = ranks_without(shop, ITEM, "hybrid")
    assert set(found) == {"text", "facts"}, "this release reads no pictures"
    database = Database(f"sqlite:///{tmp_path}/longtail.db")
    changes = ChangeStore(database, workspace)
    for part, ranks in found.items():
        now = shop.as_trained.product(ITEM)
        changes.save(ITEM, now, replace(now, **PARTS[part]), "Ann", 0)
        changed = ServedShop.open(
            workspace, Settings.model_validate({"database_url": f"sqlite:///{tmp_path}/longtail.db"})
        )
        assert ranks.ranks == {one.item_id: one.rank for one in changed.neighbours(ITEM, "hybrid", 200)}
        assert ranks.listed == len(ranks.ranks)
        changes.undo(ITEM)
    database.close()
    assert found["facts"].ranks != {one.item_id: one.rank for one in shop.neighbours(ITEM, "hybrid", 200)}


def test_without_behaviour_is_the_list_by_content_and_behaviour_alone_is_its_own(shop):
    found = ranks_by_other_arms(shop, ITEM, "hybrid")
    assert set(found) == {NO_BEHAVIOUR, BEHAVIOUR_ALONE}
    for name, arm in ((NO_BEHAVIOUR, "content"), (BEHAVIOUR_ALONE, "als")):
        assert found[name].ranks == {one.item_id: one.rank for one in shop.neighbours(ITEM, arm, 200)}
    assert set(ranks_by_other_arms(shop, ITEM, "als")) == {NO_BEHAVIOUR}
    assert ranks_by_other_arms(shop, ITEM, "content") == {}


def test_behaviour_reads_no_part(shop):
    assert ranks_without(shop, ITEM, "als") == {}
