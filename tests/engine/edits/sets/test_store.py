from __future__ import annotations

import pytest

from engine.core.errors import InputError, NotFoundError
from engine.curation.judgements import JudgementStore
from engine.edits.sets.store import LONGEST_NAME, MOST_PRODUCTS, SetStore

ON_BOTH_DATABASES = True


@pytest.fixture
def sets(store: JudgementStore) -> SetStore:
    return SetStore(store.database)


def test_a_set_is_found_again_and_products_join_and_leave_it(sets):
    made = sets.save(" Spring coats ", ["b", "a", "b"], by="Ada", note="found by “coat”")
    assert (made.name, made.item_ids, made.created_by, made.note) == (
        "Spring coats",
        ("b", "a"),
        "Ada",
        "found by “coat”",
    )
    assert sets.add(made.id, ["a", "c", "d"]) == 2
    sets.drop(made.id, ["b", "d", "x"])
    assert sets.get(made.id).item_ids == ("a", "c")
    sets.rename(made.id, "Coats")
    assert [one.name for one in sets.all()] == ["Coats"]
    assert sets.named(5) == [(made.id, "Coats", None)]
    assert sets.named(0) == []


def test_what_was_removed_comes_back(sets):
    made = sets.save("Coats", ["a"], by=None)
    sets.remove(made.id)
    assert sets.all() == []
    with pytest.raises(NotFoundError, match="gone"):
        sets.get(made.id)
    with pytest.raises(NotFoundError, match="gone"):
        sets.add(made.id, ["b"])
    sets.restore(made.id)
    assert sets.get(made.id).item_ids == ("a",)


def test_a_search_is_kept_as_it_was_asked(sets):
    made = sets.save("Red", by="Ada", search={"q": ["red"], "traffic": ["tail", "none"]})
    assert sets.get(made.id).search == {"q": ["red"], "traffic": ["tail", "none"]}
    with pytest.raises(InputError, match="saved search"):
        sets.add(made.id, ["a"])


def test_names_are_given_once(sets):
    first = sets.save("Coats", ["a"], by=None)
    second = sets.save("Hats", ["a"], by=None)
    with pytest.raises(InputError, match="“Coats” already"):
        sets.save("Coats", ["b"], by=None)
    with pytest.raises(InputError, match="“Coats” already"):
        sets.rename(second.id, "Coats")
    sets.rename(first.id, "Coats")  # its own
    sets.remove(first.id)
    sets.rename(second.id, "Coats")
    with pytest.raises(InputError, match="“Coats” already"):
        sets.restore(first.id)


@pytest.mark.parametrize("name", ["", "  ", "x" * (LONGEST_NAME + 1), "a\0b"], ids=["empty", "spaces", "long", "NUL"])
def test_what_can_be_no_name_is_refused(sets, name):
    with pytest.raises(InputError):
        sets.save(name, ["a"], by=None)
    assert sets.all() == []


def test_a_set_holds_something_and_not_everything(sets):
    with pytest.raises(InputError, match="at least one product"):
        sets.save("None", [], by=None)
    with pytest.raises(InputError, match="at most 100,000"):
        sets.save("All", [str(number) for number in range(MOST_PRODUCTS + 1)], by=None)
    made = sets.save("One", ["a"], by=None)
    with pytest.raises(InputError, match="at least one product"):
        sets.drop(made.id, ["a"])
    assert sets.get(made.id).item_ids == ("a",)
