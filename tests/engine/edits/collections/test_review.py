"""Rows beside products, drafts and one another: saved, taken, worth a look."""

from __future__ import annotations

import random
import time

import pytest

from engine.catalogue.product import Product
from engine.edits.collections.review import ALIKE, DraftContent, Existing, review_rows
from engine.edits.collections.rows import CollectionRow

PICTURES = {"a.jpg": "hash-a", "b.jpg": "hash-b", "again.jpg": "hash-a"}


def row(number: int, title: str = "", pictures: tuple[str, ...] = (), product_id: str | None = None, **more):
    return CollectionRow(number, product_id, Product(title=title or f"title {number}", **more), pictures)


def beside(products: str = "", pictures=None, **drafts: DraftContent) -> Existing:
    return Existing(products.split().__contains__, pictures or {}, drafts)


def states(rows, existing: Existing | None = None) -> list[str]:
    return [one.state for one in review_rows(rows, PICTURES, existing or beside())]


def test_rows_of_their_own_are_ready():
    assert states([row(1, pictures=("a.jpg",)), row(2, pictures=("b.jpg",), product_id="x")]) == ["ready", "ready"]


def test_an_id_that_a_product_has_needs_fixing():
    (one,) = review_rows([row(1, product_id="x")], {}, beside("x"))
    assert one.state == "problem"
    assert "the shop has a product x already" in one.problems[0][1]


def test_a_row_that_says_what_its_draft_says_is_saved_and_one_that_says_something_else_needs_fixing():
    saved = DraftContent(Product(title="Coat", price=20.0), ("hash-a",))
    rows = [row(1, "Coat", ("a.jpg",), "x", price=20.0), row(2, "Coat", ("a.jpg",), "y", price=20.0)]
    one, other = review_rows(rows, PICTURES, beside(x=saved, y=DraftContent(Product(title="Hat"), ())))
    assert (one.state, one.saved, one.ready) == ("saved", "x", False)
    assert other.state == "problem"
    assert "with other content exists" in other.problems[0][1]


def test_rows_without_an_id_are_told_by_what_they_say_each_with_a_draft_of_its_own():
    draft = DraftContent(Product(title="Coat"), ())
    rows = [row(1, "Coat"), row(2, "Coat"), row(3, "Coat")]
    found = review_rows(rows, {}, beside(n1=draft, n2=draft))
    assert [one.saved for one in found] == ["n1", "n2", None]
    assert found[2].state == "doubt"


def test_a_draft_that_a_row_names_is_not_given_to_a_row_without_an_id():
    draft = DraftContent(Product(title="Coat"), ())
    found = review_rows([row(1, "Coat"), row(2, "Coat", product_id="x")], {}, beside(x=draft))
    assert [one.saved for one in found] == [None, "x"]


def test_a_row_with_a_problem_of_its_own_is_never_taken_for_saved():
    bad = CollectionRow(1, None, Product(title="Coat"), (), (("price", "no number"),))
    assert states([bad], beside(n1=DraftContent(Product(title="Coat"), ()))) == ["problem"]


@pytest.mark.parametrize(
    ("rows", "existing", "sentence"),
    [
        ([row(1, pictures=("a.jpg",))], beside(pictures={"hash-a": "p1"}), "a.jpg is the picture of p1 in the shop"),
        ([row(1, pictures=("a.jpg",)), row(2, pictures=("again.jpg",))], beside(), "a.jpg is also a picture of row 2"),
        (
            [row(1, pictures=("a.jpg",))],
            beside(d=DraftContent(Product(), ("hash-a",))),
            "a.jpg is the picture of the draft d",
        ),
        ([row(1, "Red coat"), row(2, "Coat, RED!"), row(3, "coat red")], beside(), "title of row 2 and 1 more"),
        ([row(1, "שמלה ירוקה"), row(2, "ירוקה שמלה")], beside(), "title of row 2"),
    ],
)
def test_what_is_worth_checking_is_said_and_stops_nothing(rows, existing, sentence):
    first = review_rows(rows, PICTURES, existing)[0]
    assert (first.state, first.ready) == ("doubt", True)
    assert sentence in "; ".join(text for _, text in first.doubts)


def test_the_same_picture_twice_in_one_row_is_nobody_elses():
    assert states([row(1, pictures=("a.jpg", "again.jpg"))]) == ["ready"]


def test_titles_of_many_words_may_differ_in_one_of_ten():
    words = [f"w{number}" for number in range(20)]
    titles = [" ".join(words), " ".join([*words[:19], "other"]), " ".join([*words[:15], "q", "r", "s", "t", "u"])]
    assert states([row(number, title) for number, title in enumerate(titles, 1)]) == ["doubt", "doubt", "ready"]


def test_alike_titles_are_those_that_comparing_every_pair_finds():
    rng = random.Random(0)
    titles = [" ".join(rng.choices("abcdefghijklmno", k=rng.randint(1, 24))) for _ in range(300)]
    sets = [frozenset(title.split()) for title in titles]
    alike = [
        sum(len(one & other) / len(one | other) >= ALIKE for other in sets) > 1 for one in sets
    ]  # itself and another
    assert [state == "doubt" for state in states([row(n, title) for n, title in enumerate(titles)])] == alike
    assert any(alike)
    assert not all(alike)


def test_a_hundred_thousand_rows_take_seconds():
    rows = [
        row(number, f"Coat in colour {number} with a belt and pockets of {number % 700} kinds")
        for number in range(50_000)
    ]
    rows += [row(number, "The same for all", ("a.jpg",)) for number in range(50_000)]
    began = time.process_time()  # of this process alone, however busy the machine is
    assert len(review_rows(rows, PICTURES, beside())) == 100_000
    assert time.process_time() - began < 30
