"""Lists of many products at once: those of comparing everything with everything, and nearly those where candidates lie in cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.core.best_columns import best_columns
from engine.core.vectors import unit_rows
from engine.release.all_lists import NOBODY, Compared, best_lists
from engine.release.cell_making import make_cells
from engine.release.cells import Cells


def families(n: int, dim: int = 24, seed: int = 0, spread: float = 0.3) -> np.ndarray:
    """(n, dim) unit rows around n / 50 directions."""
    rng = np.random.default_rng(seed)
    centres = unit_rows(rng.normal(size=(n // 50, dim)))
    return unit_rows(centres[np.arange(n) % len(centres)] + spread * rng.normal(size=(n, dim)) / dim**0.5)


def compared_with(vectors: np.ndarray, others: list[int] | None = None) -> Compared:
    lengths = np.linalg.norm(vectors, axis=1)
    inverse = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return Compared(vectors, inverse, np.array(others or [], dtype=np.int64))


def listed(compared: Compared, units: np.ndarray, own: np.ndarray, k: int, cells_above: int) -> np.ndarray:
    rows = np.full((len(units), k), -9, dtype=np.int64)
    for lists in best_lists(compared, units, own, k, cells_above):
        assert (rows[lists.places] == -9).all()  # each comes once
        rows[lists.places] = lists.rows
    return rows


def by_sorting(vectors: np.ndarray, units: np.ndarray, own: np.ndarray, k: int) -> np.ndarray:
    """The definition: all cosines in double precision, rounded, in a stable order."""
    wide = vectors.astype(np.float64)
    scores = (units.astype(np.float64) @ wide.T / np.linalg.norm(wide, axis=1)).round(6)
    scores[np.arange(len(units)), own] = -9
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]


@given(st.integers(1, 6), st.integers(0, 2**31), st.sampled_from([7, 40, 500]))
def test_the_largest_of_every_row_are_found(k: int, seed: int, m: int):
    scores = np.random.default_rng(seed).integers(0, 30, (5, m)).astype(np.float32)  # many equal ones
    found = best_columns(scores, k)
    assert found.shape == (5, k)
    assert [len(set(row)) for row in found.tolist()] == [k] * 5
    best = -np.sort(-scores, axis=1)[:, :k]
    assert np.array_equal(-np.sort(-np.take_along_axis(scores, found, axis=1), axis=1), best)


@given(arrays(np.float32, (3, 333), elements=st.floats(-1, 1, width=32)))
def test_columns_beyond_the_last_whole_group_are_seen(scores: np.ndarray):
    scores[:, -1] = 2
    assert (best_columns(scores, 1) == 332).all()


@pytest.mark.parametrize("alike", [1, 90])
def test_comparing_with_all_gives_the_definition(alike: int):
    vectors = np.repeat(families(900 // alike + 100), alike, axis=0)[:900]  # more equals than a list holds
    own = np.arange(0, 900, 7)
    rows = listed(compared_with(vectors), vectors[own], own, 20, cells_above=10**9)
    assert np.array_equal(rows, by_sorting(vectors, vectors[own], own, 20))


def test_cells_find_nearly_all_that_comparing_with_all_finds_in_every_corner():
    vectors = families(6000, spread=0.6)
    vectors[:600] = unit_rows(np.random.default_rng(9).normal(size=(600, 24)))  # belonging nowhere
    own = np.arange(6000)
    exact, near = (listed(compared_with(vectors), vectors, own, 20, above) for above in (10**9, 0))
    same = np.array([len(set(a) & set(b)) / 20 for a, b in zip(exact.tolist(), near.tolist(), strict=True)])
    assert same.mean() > 0.998
    assert same[:600].mean() > 0.99
    assert (near != own[:, None]).all()


def test_neighbours_of_noise_lie_anywhere_so_many_cells_are_looked_into_and_a_little_less_will_do(
    monkeypatch: pytest.MonkeyPatch,
):
    noise = unit_rows(np.random.default_rng(0).normal(size=(3000, 24)))
    own = np.arange(0, 3000, 10)
    exact = by_sorting(noise, noise[own], own, 10)
    for many, least in ((256, 0.9995), (16, 0.98)):
        monkeypatch.setattr("engine.release.all_lists._MANY_PROBES", many)
        (recall,) = {lists.recall for lists in best_lists(compared_with(noise), noise[own], own, 10, cells_above=0)}
        assert recall >= least
        found = listed(compared_with(noise), noise[own], own, 10, cells_above=0)
        same = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(exact.tolist(), found.tolist(), strict=True)])
        assert same > least - 0.01
    easy = families(3000)
    (recall,) = {lists.recall for lists in best_lists(compared_with(easy), easy[own], own, 10, cells_above=0)}
    assert 0.99 < recall <= 1.0


def test_cells_hold_each_candidate_once_and_the_same_seed_gives_the_same():
    vectors = families(2000)
    cells, again = make_cells(vectors, 3), make_cells(vectors, 3)
    assert sorted(cells.members.tolist()) == list(range(2000))
    assert np.array_equal(cells.reach, again.reach)
    assert np.array_equal(cells.members, again.members)
    assert np.array_equal(cells.centres, again.centres)


def test_all_cells_together_are_all_candidates():
    vectors = families(500)
    made = make_cells(vectors, 0)
    cells = Cells.of(made, vectors[made.members])
    found = np.empty((500, 10), dtype=np.int64)
    for places, rows in cells.nearest(vectors, 10, len(cells.map.centres), lambda *both: both):
        found[places] = rows
    best = by_sorting(vectors, vectors, np.full(500, 0), 11)
    assert all(len(set(row) & set(wanted)) >= 9 for row, wanted in zip(found.tolist(), best.tolist(), strict=True))


@pytest.mark.parametrize("cells_above", [0, 10**9])
def test_candidates_that_are_all_alike_and_too_few_give_short_lists(cells_above: int):
    vectors = np.tile(unit_rows(np.ones((1, 4))), (9, 1))
    compared = compared_with(vectors, others=[0, 1])
    rows = listed(compared, vectors[:3], np.arange(3), 20, cells_above)
    assert [set(row) - {NOBODY} for row in rows.tolist()] == [set(range(2, 9)), set(range(2, 9)), set(range(3, 9))]
    assert listed(compared_with(vectors, list(range(9))), vectors[:1], np.arange(1), 5, cells_above).tolist() == [
        [-9] * 5
    ]
