from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.release import ids
from engine.release.ids import Ids, order_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


def made(texts: list[str]) -> Ids:
    column = pa.array(texts, pa.large_string())
    return Ids(column, order_of(column))


@given(st.lists(TEXTS, unique=True, max_size=40), st.lists(TEXTS, max_size=5))
def test_every_id_has_its_row_and_no_other_text_has_one(texts: list[str], others: list[str]):
    known = made(texts)
    assert [known.row(text) for text in texts] == list(range(len(texts)))
    assert list(known) == texts
    for other in others:
        assert known.row(other) == (texts.index(other) if other in texts else None)
        assert (other in known) == (other in texts)
    asked = [*texts, *others]
    assert known.rows(asked).tolist() == [texts.index(one) if one in texts else -1 for one in asked]


@pytest.mark.parametrize("wanted", ["\ud800", "", "zz", "\0"])
def test_texts_that_no_id_can_be_are_not_found(wanted: str):
    assert made(["a", "b"]).row(wanted) is None
    assert wanted not in made(["a", "b"])


def test_many_rows_are_taken_at_once_and_slices_too():
    known = made(["c", "a", "b"])
    assert known.take(np.array([2, 0, 2])).tolist() == ["b", "c", "b"]
    assert known[1:] == ["a", "b"]
    assert len(known) == 3


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ids, "_REMEMBERED", 2)
    known = made(["a", "b", "c"])
    assert [known.row(one) for one in "abcxyzabc"] == [0, 1, 2, None, None, None, 0, 1, 2]
    assert len(known._found) <= 2
