"""A release whose sides of Longtail refer to its content is served as one in which everything is written out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from engine.arms import hybrid
from engine.arms.registry import SERVED
from engine.catalogue.product import Product
from engine.core.joined_rows import JoinedRows
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.edits.changes.store import ChangeStore
from engine.edits.drafts.store import DraftStore, NewDraft
from engine.edits.places.store import PlaceStore
from engine.explain.without import ranks_by_other_arms, ranks_without
from engine.recommend.inbound import inbound_of
from engine.recommend.unseen import neighbours_of_unseen, vectors_of_unseen
from engine.serving.served_shop import ServedShop
from engine.store import Database
from engine.training.parent import Parent
from tests.support import tiny_release
from tests.support.tiny_release import build_tiny_release

SETTINGS = Settings.model_validate({"text": {"model": "none"}, "image": {"kind": "none"}})
NEW = Product(title="Striped maxi dress in navy", brand="House 1", attributes={"colour": "navy"})
Told = TypeVar("Told")


@pytest.fixture(scope="module")
def workspaces(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Workspace]:
    """With joined sides, and with all written out."""
    folder = tmp_path_factory.mktemp("joined")
    made = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiny_release, "_written", {})
        for name, large in (("joined", 0), ("whole", hybrid.LARGE)):
            patch.setattr(hybrid, "LARGE", large)
            tiny_release._written.clear()
            made.append(build_tiny_release(Workspace(folder / name), settings=SETTINGS).workspace)
    return made[0], made[1]


@pytest.fixture
def shops(workspaces: tuple[Workspace, Workspace], tmp_path: Path) -> tuple[ServedShop, ServedShop]:
    return served(workspaces[0], tmp_path / "a.db"), served(workspaces[1], tmp_path / "b.db")


def served(workspace: Workspace, database: Path) -> ServedShop:
    return ServedShop.open(workspace, SETTINGS.model_copy(update={"database_url": f"sqlite:///{database}"}))


def same(shops: tuple[ServedShop, ServedShop], tell: Callable[[ServedShop], Told]) -> Told:
    """What both tell."""
    first, second = (tell(shop) for shop in shops)
    assert first == second
    return first


def names(shop: ServedShop, k: int) -> dict[str, list[str]]:
    return {one: [found.item_id for found in shop.neighbours(one, k=k)] for one in shop.release.items["item_id"]}


@pytest.mark.parametrize("k", [10, 40])
def test_lists_are_the_same_looked_up_and_searched(shops: tuple[ServedShop, ServedShop], k: int) -> None:
    sides = shops[0].release.arm(SERVED), shops[1].release.arm(SERVED)
    assert isinstance(sides[0].query, JoinedRows)
    assert isinstance(sides[1].query, np.ndarray)
    assert same(shops, lambda shop: names(shop, k))["f1-03"]


def test_what_is_new_finds_and_is_found_by_the_same(
    shops: tuple[ServedShop, ServedShop], workspaces: tuple[Workspace, Workspace]
) -> None:
    def told(shop: ServedShop) -> tuple[list[str], list[str]]:
        found = neighbours_of_unseen(shop.release, workspaces[0], NEW, 10)
        on_lists = inbound_of(shop.release, vectors_of_unseen(shop.release, workspaces[0], [NEW]), 10)
        return [one.item_id for one in found], [one.item_id for one in on_lists]

    found, on_lists = same(shops, told)
    assert found
    assert on_lists


def test_reasons_are_the_same(shops: tuple[ServedShop, ServedShop]) -> None:
    same(shops, lambda shop: ranks_without(shop, "f1-03", SERVED))
    same(shops, lambda shop: ranks_by_other_arms(shop, "f1-03", SERVED))


def test_changes_drafts_and_places_lead_to_the_same_lists(
    workspaces: tuple[Workspace, Workspace], tmp_path: Path
) -> None:
    shops = []
    for workspace, file in zip(workspaces, (tmp_path / "a.db", tmp_path / "b.db"), strict=True):
        database = Database(f"sqlite:///{file}")
        now = served(workspace, file).as_trained.product("f1-03")
        other = replace(now, title="Velvet evening dress in olive", attributes={**now.attributes, "colour": "olive"})
        ChangeStore(database, workspace).save("f1-03", now, other, "Ann", 0)
        PlaceStore(database).give("f5-09", "guaranteed", 7, "Ann", lambda _: True, lists=20)
        DraftStore(database, workspace).save([NewDraft(NEW, product_id="new")], "Ann", lambda _: False, approve=True)
        shops.append(served(workspace, file))
    lists = same((shops[0], shops[1]), lambda shop: names(shop, 15))
    assert any("f5-09" in found[:5] for item, found in lists.items() if not item.startswith("f5"))
    assert any("new" in found for found in lists.values())


def test_lists_are_copied_with_all_their_files(workspaces: tuple[Workspace, Workspace], tmp_path: Path) -> None:
    parent = Parent.served(workspaces[0])
    assert parent is not None
    entries = parent.copy_lists(tmp_path)
    assert entries is not None
    assert entries[SERVED]["query_beside"]["file"] == "content.npy"
    copied = {file.name for file in tmp_path.iterdir()}
    assert {"content.npy", "hybrid_query.npy", "hybrid_candidates.npy", "hybrid_candidates_centre.npy"} <= copied
