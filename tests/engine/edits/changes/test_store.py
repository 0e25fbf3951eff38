"""Changes are kept, shared, and never written over unseen."""

from __future__ import annotations

import pytest

from engine.catalogue.product import Product
from engine.core.errors import InputError, StoreError
from engine.core.workspace import Workspace
from engine.edits.changes import store as change_store
from engine.edits.changes.store import ChangeStore
from engine.store import ProductChangeRow
from tests.support.clocks import set_clock

ON_BOTH_DATABASES = True

NOW = Product(title="Dress", attributes={"colour": "navy"})


def titled(title: str) -> Product:
    return NOW.with_fields({"title": title})


@pytest.fixture
def store(url, tmp_path, open_database) -> ChangeStore:
    return ChangeStore(open_database(url), Workspace(tmp_path))


def test_a_change_is_there_for_the_next_process(store, url, tmp_path, open_database):
    store.save("a", NOW, titled("Gówn 👗"), "Ada", 0)
    again = ChangeStore(open_database(url), Workspace(tmp_path)).get("a")
    assert again is not None
    assert (again.before, again.after, again.changed_by, again.version) == (
        {"title": "Dress"},
        {"title": "Gówn 👗"},
        "Ada",
        1,
    )


def test_the_second_of_two_who_change_a_product_at_once_is_told(store):
    store.save("a", NOW, titled("Mine"), "Ada", 0)
    with pytest.raises(InputError, match="Someone else edited 'a'; your changes were not saved"):
        store.save("a", NOW, titled("Yours"), "Bob", 0)
    store.save("a", NOW, titled("Yours"), "Bob", 1)
    assert [one.after for one in store.all()] == [{"title": "Yours"}]


def test_a_product_as_it_was_is_no_change(store):
    assert store.save("a", NOW, NOW, "Ada", 0) is None
    store.save("a", NOW, titled("Other"), "Ada", 0)
    assert store.save("a", NOW, NOW, "Ada", 1) is None
    assert store.all() == []


def test_the_stamp_is_another_after_every_change(store):
    stamps = [store.stamp()]
    store.save("a", NOW, titled("1"), "Ada", 0)
    stamps.append(store.stamp())
    store.save("a", NOW, titled("2"), "Ada", 1)
    stamps.append(store.stamp())
    store.undo("a")
    stamps.append(store.stamp())
    assert len(set(stamps)) == 4


@pytest.mark.parametrize("days", [-1, 1])
def test_a_change_in_place_of_another_is_noticed_after_the_clock_was_set(store, monkeypatch, days):
    store.save("a", NOW, titled("1"), "Ada", 0)
    store.save("b", NOW, titled("2"), "Ada", 0)
    before = store.stamp()
    set_clock(monkeypatch, change_store, days)
    store.undo("a")
    store.save("a", NOW, titled("3"), "Ada", 0)
    assert store.stamp() != before


def test_undoing_what_was_not_changed_does_nothing(store):
    store.undo("a")
    assert store.get("a") is None


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [(Product(), "Keep at least a title"), (Product(title="a", image="0" * 64), "is not stored")],
)
def test_what_cannot_be_a_product_is_refused(store, wanted, sentence):
    with pytest.raises(InputError, match=sentence):
        store.save("a", NOW, wanted, "Ada", 0)
    assert store.all() == []


def test_a_change_that_cannot_be_read_is_named_with_the_way_out(store, url, open_database):
    store.save("a", NOW, titled("Other"), "Ada", 0)
    with open_database(url).transaction() as session:
        session.get_one(ProductChangeRow, "a").after = {"price": "much"}
    with pytest.raises(StoreError, match=r"'a' in the database cannot be read.*changes undo"):
        store.all()
    store.undo("a")
    assert store.all() == []
