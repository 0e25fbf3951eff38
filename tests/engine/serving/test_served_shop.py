"""The shop as it is served: changes, drafts and rulings in every list, seen when they are made, and waited for by nobody."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.catalogue.product import Product
from engine.core.errors import InputError, NotFoundError, StoreError
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.curation.votes import Judgement, Source, Verdict
from engine.edits.changes.store import ChangeStore
from engine.edits.drafts.store import DraftStore, NewDraft
from engine.recommend.recommender import Recommender
from engine.serving import edits_database, served_shop
from engine.serving.served_shop import ServedShop
from tests.support.tiny_release import TinyRelease, build_tiny_release

ON_BOTH_DATABASES = True

ROOT = Path(__file__).resolve().parents[3]
LIKE_FAMILY_1 = Product(brand="House 1", category="Maxi", attributes={"colour": "navy", "length_cm": 96.0})


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> TinyRelease:
    settings = Settings.model_validate({"text": {"model": "none"}, "image": {"kind": "none"}})
    workspace = Workspace(tmp_path_factory.mktemp("served") / "shop")
    return build_tiny_release(workspace, settings=settings)


@pytest.fixture(autouse=True)
def nothing_worked_out(built):
    """Vectors of drafts and changes are kept in the workspace, which the tests share."""
    shutil.rmtree(built.workspace.features / "edits", ignore_errors=True)


@pytest.fixture
def settings(url) -> Settings:
    """With a database of its own for every test."""
    return Settings.model_validate({"database_url": url})


@pytest.fixture
def store(settings, open_database) -> JudgementStore:
    return JudgementStore(open_database(settings.database_url))


@pytest.fixture
def shop(built, settings, store) -> ServedShop:
    """One that waits, as commands do."""
    return ServedShop.open(built.workspace, settings, open_database=lambda: store.database)


@pytest.fixture
def live(built, settings, store) -> ServedShop:
    """One that does not, as pages do."""
    return ServedShop.open(built.workspace, settings, open_database=lambda: store.database, in_background=True)


def approve(store: JudgementStore, built: TinyRelease, product_id: str, **fields) -> None:
    new = NewDraft(LIKE_FAMILY_1.with_fields(fields), product_id=product_id)
    DraftStore(store.database, built.workspace).save([new], "Ada", lambda _id: False, approve=True)


def change(store: JudgementStore, shop: ServedShop, item_id: str, workspace: Workspace, like: str) -> None:
    """Have a product described as another one is."""
    base = shop.as_trained
    ChangeStore(store.database, workspace).save(item_id, base.product(item_id), dressed_as(base, like), "Ada", 0)


def dressed_as(base: Recommender, item_id: str) -> Product:
    """The content of a product without its picture."""
    return replace(base.product(item_id), image=None)


def rule_out(store: JudgementStore, anchor: str, neighbour: str, verdict: str = "irrelevant") -> None:
    judgement = Judgement(
        client_id=str(uuid.uuid4()), anchor_id=anchor, neighbour_id=neighbour, verdict=Verdict(verdict), rater="Ann",
        source=Source.REVIEW, release_id="r0001", anchor_count=3, ranks={},
    )  # fmt: skip
    store.add([judgement])


def ids(shop: ServedShop, item_id: str, arm: str = "hybrid", k: int = 10) -> list[str]:
    return [one.item_id for one in shop.neighbours(item_id, arm, k)]


def until(told) -> None:
    for _ in range(300):
        if told():
            return
        time.sleep(0.02)
    raise AssertionError("it never came to be")


def test_without_anything_done_since_the_release_is_what_is_shown(shop):
    assert shop.release is shop.as_trained
    assert (shop.drafts.ids, shop.changed_ids, shop.suppressed("f1-02")) == ([], frozenset(), frozenset())
    assert shop.version == shop.release.version
    assert shop.neighbours("f1-02") == shop.as_trained.neighbours("f1-02")
    assert shop.neighbours_all().equals(shop.as_trained.neighbours_all())


def test_no_database_is_made_where_there_is_nothing_to_read(tmp_path):
    workspace = build_tiny_release(Workspace(tmp_path / "shop")).workspace
    workspace.judgements_file.unlink()
    shop = ServedShop.open(workspace, Settings())
    assert len(shop.neighbours("f1-02")) == 10
    assert not workspace.judgements_file.exists()


def test_what_is_ruled_out_leaves_the_list_at_once_in_that_direction_alone(shop, store):
    before = ids(shop, "f1-02", k=11)
    first = before[0]
    rule_out(store, "f1-02", first)
    assert ids(shop, "f1-02") == before[1:]
    assert [one.rank for one in shop.neighbours("f1-02")] == list(range(1, 11))
    assert [one.item_id for one in shop.release.neighbours("f1-02", k=11)] == before  # what is measured stays
    assert shop.neighbours(first) == shop.release.neighbours(first)
    assert ids(shop, "f1-02", k=11)[0] != first
    assert shop.neighbours("f1-02", k=11, suppressed=()) == shop.release.neighbours("f1-02", k=11)
    rule_out(store, "f1-02", first, "withdrawn")
    assert ids(shop, "f1-02", k=11) == before


def test_approved_drafts_are_in_the_lists_and_have_one(shop, store, built):
    approve(store, built, "navy-1")
    approve(store, built, "navy-2")
    own = ids(shop, "navy-1")
    assert "navy-2" in own
    assert {built.families[one] for one in own[:3] if one in built.families} == {1}
    assert any("navy-1" in ids(shop, anchor, k=15) for anchor in built.families if built.families[anchor] == 1)
    assert ids(shop, "navy-1", "content") == []
    assert all("navy-1" not in ids(shop, anchor, "content", 60) for anchor in ("f1-02", "f1-03"))
    rule_out(store, "navy-1", own[0])
    assert ids(shop, "navy-1", k=9) == own[1:]
    with pytest.raises(NotFoundError):
        shop.neighbours("navy-3")


@pytest.mark.parametrize("arm", ["hybrid", "als"])
def test_the_table_holds_the_very_lists(shop, store, built, arm):
    approve(store, built, "navy-1")
    for anchor in ("f1-02", "f4-00", "navy-1"):
        for neighbour in ids(shop, anchor)[:2]:
            rule_out(store, anchor, neighbour)
    table = shop.neighbours_all(arm, 12)
    lists = {anchor: group["neighbour_id"].tolist() for anchor, group in table.groupby("item_id", sort=False)}
    expected = {anchor: ids(shop, anchor, arm, 12) for anchor in [*built.families, "navy-1"]}
    assert lists == {anchor: found for anchor, found in expected.items() if found}
    assert list(lists) == [anchor for anchor in expected if expected[anchor]]
    assert table.dtypes.equals(shop.as_trained.neighbours_all(arm, 12).dtypes)
    assert table.groupby("item_id")["rank"].apply(lambda ranks: ranks.tolist() == sorted(ranks)).all()


def test_the_table_of_some_comes_in_their_order_drafts_among_them(shop, store, built):
    approve(store, built, "navy-1")
    rule_out(store, "f4-00", ids(shop, "f4-00")[0])
    wanted = ["f4-00", "navy-1", "f0-03"]
    table = shop.neighbours_all("hybrid", 5, wanted)
    assert list(dict.fromkeys(table["item_id"])) == wanted
    assert table["neighbour_id"].tolist() == [one for anchor in wanted for one in ids(shop, anchor, k=5)]
    with pytest.raises(NotFoundError):
        shop.neighbours_all("hybrid", 5, ["f4-00", "nobody"])


def test_a_changed_product_moves_and_says_what_it_is_now(shop, store, built):
    change(store, shop, "f1-09", built.workspace, like="f4-09")
    assert shop.changed_ids == {"f1-09"}
    row = shop.release.row("f1-09")
    assert shop.release.items["title"].iloc[row] == shop.as_trained.items["title"].iloc[shop.as_trained.row("f4-09")]
    assert [built.families[one] for one in ids(shop, "f1-09", "content", 5)] == [4] * 5
    ChangeStore(store.database, built.workspace).undo("f1-09")
    assert shop.release is shop.as_trained


def test_a_change_can_be_looked_at_before_it_is_made(shop, store, built):
    approve(store, built, "navy-1")
    would_be = shop.neighbours_if_changed("f1-09", dressed_as(shop.as_trained, "f4-09"))
    assert not shop.changed_ids
    change(store, shop, "f1-09", built.workspace, like="f4-09")
    assert shop.neighbours("f1-09") == would_be


def test_a_product_nobody_has_seen_and_a_shopper_get_their_lists(shop, built):
    found = shop.neighbours_of_unseen(LIKE_FAMILY_1, 4)
    assert [built.families[one.item_id] for one in found] == [1] * 4
    with pytest.raises(InputError):
        shop.neighbours_of_unseen(Product())
    shopper = shop.release.sample_shoppers(1)[0]
    assert shop.recommend(shopper, "hybrid", 5) == shop.release.ranked_by_shopper(shopper, "hybrid", 5)


def test_the_version_is_another_one_whenever_lists_may_be(shop, store, built):
    versions = [shop.version]
    approve(store, built, "navy-1")
    versions.append(shop.version)
    rule_out(store, "f1-02", "f1-03")
    versions.append(shop.version)
    change(store, shop, "f1-09", built.workspace, like="f4-09")
    versions.append(shop.version)
    DraftStore(store.database, built.workspace).withdraw("navy-1")
    versions.append(shop.version)
    assert len(set(versions)) == len(versions)
    assert shop.version == versions[-1]
    assert all(one.startswith("r0001") for one in versions)


def test_what_other_processes_do_is_seen_half_a_second_later(shop, settings, built, open_database):
    other = JudgementStore(open_database(settings.database_url))
    assert shop.drafts.ids == []
    approve(other, built, "navy-1")
    change(other, shop, "f1-09", built.workspace, like="f4-09")
    assert shop.drafts.ids == []
    until(lambda: shop.drafts.ids == ["navy-1"] and "f1-09" in shop.changed_ids)


def test_the_database_is_asked_seldom_however_often_a_page_asks(live, store, monkeypatch):
    asked = []
    stamp = ChangeStore.stamp
    monkeypatch.setattr(ChangeStore, "stamp", lambda self: asked.append(1) or stamp(self))
    began = time.monotonic()
    for _ in range(300):
        assert live.release is live.as_trained
    assert len(asked) <= 1 + (time.monotonic() - began) / edits_database.STAMP_SECONDS


def test_a_page_shows_facts_at_once_and_neighbours_when_they_are_worked_out(live, store, built, monkeypatch):
    may_end = threading.Event()
    found = served_shop.vectors_of_changes

    def slow(*arguments):
        may_end.wait(30)
        return found(*arguments)

    monkeypatch.setattr(served_shop, "vectors_of_changes", slow)
    shutil.rmtree(built.workspace.features / "edits", ignore_errors=True)  # what a test before this one worked out
    change(store, live, "f2-09", built.workspace, like="f5-09")
    before = live.as_trained.neighbours("f2-09", "content")
    live.warm_up().join()
    began = time.monotonic()
    release = live.release
    assert time.monotonic() - began < 5
    assert release.items["title"].iloc[release.row("f2-09")].startswith("Denim day")
    assert live.neighbours("f2-09", "content") == before
    assert not live.is_complete
    may_end.set()
    until(lambda: live.is_complete)
    assert [built.families[one] for one in ids(live, "f2-09", "content", 5)] == [5] * 5


def test_a_draft_appears_when_it_can_be_read_and_one_that_cannot_keeps_nobody_waiting(live, store, built):
    unreadable = NewDraft(Product(attributes={"fabric": "silk"}), product_id="odd-1")
    DraftStore(store.database, built.workspace).save([unreadable], "Ada", lambda _id: False, approve=True)
    approve(store, built, "fine-1", price=33.5)
    until(lambda: live.is_complete)
    assert live.drafts.ids == ["fine-1"]
    live.prepare_drafts(["odd-1", "gone"])


def test_while_the_database_cannot_be_read_pages_show_the_release_as_trained(live, store, built, monkeypatch):
    approve(store, built, "navy-1")
    until(lambda: live.drafts.ids == ["navy-1"])
    clock = [time.monotonic() + 60]
    monkeypatch.setattr(edits_database, "time", SimpleNamespace(monotonic=lambda: clock[0]))

    def fails(self):
        asked.append(1)
        raise StoreError("gone")

    asked: list[int] = []
    with monkeypatch.context() as broken:
        for one in (ChangeStore, DraftStore):
            broken.setattr(one, "stamp", fails)
        for _ in range(5):
            assert live.drafts.ids == []
            assert live.neighbours("f1-02") == live.as_trained.neighbours("f1-02")
            clock[0] += 1
    assert asked == [1]
    assert live.drafts.ids == []
    clock[0] += edits_database.RETRY_SECONDS
    assert live.drafts.ids == ["navy-1"]


def test_commands_are_told_that_the_database_cannot_be_read(built):
    settings = Settings.model_validate({"database_url": "postgresql+psycopg://nobody@127.0.0.1:1/nothing"})
    with pytest.raises(StoreError):
        ServedShop.open(built.workspace, settings).neighbours("f1-02")


def test_what_was_worked_out_once_is_served_by_any_process_without_a_network(shop, store, built, settings):
    approve(store, built, "navy-1", price=71.5)
    change(store, shop, "f3-09", built.workspace, like="f0-09")
    shop.refresh()
    code = (
        "import sys\nfrom pathlib import Path\nfrom engine.core.settings import Settings\n"
        "from engine.core.workspace import Workspace\nfrom engine.serving.served_shop import ServedShop\n"
        "settings = Settings.model_validate({'database_url': sys.argv[2]})\n"
        "shop = ServedShop.open(Workspace(Path(sys.argv[1])), settings, in_background=True)\n"
        "print([one.item_id for one in shop.neighbours('f3-09')], shop.drafts.ids, shop.is_complete, 'torch' in sys.modules)\n"
    )
    command = [sys.executable, "-c", code, str(built.workspace.root), str(settings.database_url)]
    said = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout.strip()
    assert said == f"{ids(shop, 'f3-09')} ['navy-1'] True False"
