from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.core import joined_rows
from engine.core.joined_rows import JoinedRows, some_rows, taken
from engine.core.vectors import row_lengths, squared_lengths, unit_rows

N, BEFORE, BESIDE, AFTER = 40, 3, 5, 2
RNG = np.random.default_rng(0)
QUERY = RNG.normal(size=BEFORE + BESIDE + AFTER).astype(np.float32)


def drawn(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


@pytest.fixture(params=["as they are", "others", "some", "some and others"])
def both(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[JoinedRows, np.ndarray]:
    """Joined rows, and the same written out."""
    monkeypatch.setattr(joined_rows, "_AT_ONCE", 16)
    own, scale, shared, centre = drawn(N, BEFORE + AFTER), drawn(N), drawn(N, BESIDE), drawn(BESIDE)
    joined = JoinedRows(own, scale, shared, centre, BEFORE)
    whole = np.hstack([own[:, :BEFORE], (shared - centre) * scale[:, None], own[:, BEFORE:]])
    if "some" in request.param:
        rows = np.array([7, 3, 39, 0, 12, 11])
        joined, whole = joined.taken(rows), whole[rows]
    if "others" in request.param:
        rows, values = np.array([4, 1]), drawn(2, whole.shape[1])
        joined = joined.with_rows(np.array([4]), drawn(1, whole.shape[1])).with_rows(rows, values)
        whole[rows] = values
    return joined, whole


def test_what_the_shared_table_gives_is_told_alone() -> None:
    joined = JoinedRows(drawn(N, 4), drawn(N), drawn(N, BESIDE), drawn(BESIDE), 4)
    rows = np.array([3, 1])
    np.testing.assert_allclose(joined.parts_beside(rows), joined[rows][:, 4:], atol=1e-6)
    np.testing.assert_allclose(joined.parts_beside(3), joined[3][4:], atol=1e-6)


@pytest.mark.parametrize("filled", [1, BESIDE])
def test_products_with_what_the_shared_table_gives_look_at_columns_that_are_there(filled: int) -> None:
    shared = drawn(N, BESIDE)
    shared[:, filled:] = 0.0
    joined = JoinedRows(drawn(N, 4), drawn(N), shared, drawn(BESIDE), 4)
    rows, vectors = np.array([3, 1, 17]), drawn(6, BESIDE)
    found = joined.products_beside(rows, vectors)
    np.testing.assert_allclose(found, vectors @ joined.parts_beside(rows).T, atol=1e-5)
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    "key",
    [
        2,
        -1,
        slice(None),
        slice(1, 5),
        slice(5, 1),
        np.array([4, 1, 1, 0]),
        [1, 3],
        np.array([[0, 1], [-1, 4]]),
        np.array([], dtype=np.int64),
    ],
    ids=str,
)
def test_rows_are_whole_whatever_is_asked_for(both: tuple[JoinedRows, np.ndarray], key: Any) -> None:
    joined, whole = both
    assert joined[key].dtype == np.float32
    assert joined[key].shape == whole[key].shape
    np.testing.assert_allclose(joined[key], whole[key], atol=1e-6)


def test_masks_take_rows(both: tuple[JoinedRows, np.ndarray]) -> None:
    joined, whole = both
    mask = np.arange(len(whole)) % 3 == 1
    np.testing.assert_allclose(joined[mask], whole[mask], atol=1e-6)
    np.testing.assert_allclose(np.asarray(taken(joined, mask)), whole[mask], atol=1e-6)


def test_a_row_that_is_not_there_is_an_error(both: tuple[JoinedRows, np.ndarray]) -> None:
    with pytest.raises(IndexError):
        both[0][[N]]
    with pytest.raises(IndexError, match="rows first"):
        both[0][:, 2]


def test_products_are_those_of_whole_rows(both: tuple[JoinedRows, np.ndarray]) -> None:
    joined, whole = both
    queries = drawn(4, whole.shape[1])
    np.testing.assert_allclose(joined @ QUERY, whole @ QUERY, atol=1e-5)
    np.testing.assert_allclose(joined @ queries.T, whole @ queries.T, atol=1e-5)
    np.testing.assert_allclose(queries @ joined.T, queries @ whole.T, atol=1e-5)
    assert (queries @ joined.T).flags.c_contiguous
    rows = np.array([4, 0, 1])
    np.testing.assert_allclose(joined.products(rows, QUERY), whole[rows] @ QUERY, atol=1e-5)


def test_an_array_is_made_of_it_and_its_shape_is_that_of_one(both: tuple[JoinedRows, np.ndarray]) -> None:
    joined, whole = both
    np.testing.assert_allclose(np.asarray(joined), whole, atol=1e-6)
    assert np.asarray(joined, dtype=np.float64).dtype == np.float64
    assert (joined.shape, joined.size, joined.ndim, len(joined)) == (whole.shape, whole.size, 2, len(whole))
    with pytest.raises(TypeError):
        np.square(joined)  # it would be put together without a word


def test_lengths_and_directions_are_those_of_whole_rows(both: tuple[JoinedRows, np.ndarray]) -> None:
    joined, whole = both
    np.testing.assert_allclose(row_lengths(joined), row_lengths(whole), rtol=1e-5)
    np.testing.assert_allclose(squared_lengths(joined), squared_lengths(whole), rtol=1e-5)
    np.testing.assert_allclose(unit_rows(joined), unit_rows(whole), atol=1e-6)


def test_rows_of_nothing_have_no_direction() -> None:
    scale, own = np.array([0, 1, 0, 0], dtype=np.float32), np.zeros((4, 2), dtype=np.float32)
    own[2, 1] = 1
    joined = JoinedRows(own, scale, drawn(4, 3), np.zeros(3, dtype=np.float32), 1)
    assert joined.any(axis=1).tolist() == [False, True, True, False]
    other = joined.with_rows(np.array([1, 3]), np.array([[0] * 5, [0, 0, 0, 0, 1]], dtype=np.float32))
    assert other.any(axis=1).tolist() == [False, False, True, True]
    assert joined.any(axis=1).tolist() == [False, True, True, False]


def test_rows_are_scaled_and_taken_without_the_shared_table() -> None:
    joined = JoinedRows(drawn(N, 4), drawn(N), drawn(N, BESIDE), drawn(BESIDE), 4)
    joined = joined.with_rows(np.array([13, 2]), drawn(2, 4 + BESIDE))
    factors = drawn(N)
    twice = some_rows(some_rows(joined.times(factors), np.arange(N) > 9), np.array([3, 2]))
    assert isinstance(twice, JoinedRows)
    assert twice.shared is joined.shared
    np.testing.assert_allclose(twice[:], joined[[13, 12]] * factors[[13, 12], None], atol=1e-5)
    assert some_rows(joined, np.ones(N, dtype=bool)) is joined
