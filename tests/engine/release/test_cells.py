"""Cells of candidates: sorted by how far they lie from what all have in common, and searched by bounds that lose nothing."""

from __future__ import annotations

import numpy as np
import pytest

from engine.arms.geometry import completed
from engine.core.vectors import unit_rows
from engine.release.cell_making import make_cells
from engine.release.cells import CellMap


def cone(n: int, dim: int = 12, seed: int = 0) -> np.ndarray:
    """(n, dim + 1) unit rows close to one direction, a few of them further out, as the hybrid's candidates are."""
    rng = np.random.default_rng(seed)
    lengths = 0.7 * np.arange(1, n + 1, dtype=np.float32) ** -0.4
    return completed(unit_rows(rng.normal(size=(n, dim))) * rng.permutation(lengths)[:, None]).astype(np.float32)


def asked(n: int, dim: int = 12, seed: int = 1) -> np.ndarray:
    """(n, dim + 1) queries, which have nothing of that direction."""
    return np.pad(unit_rows(np.random.default_rng(seed).normal(size=(n, dim))), ((0, 0), (0, 1)))


def searched(cells: CellMap, units: np.ndarray, query: np.ndarray, k: int, probes: int) -> tuple[set[int], int]:
    """The k best of what is found, and how many candidates were compared."""
    compared: list[int] = []

    def cosines(positions: np.ndarray) -> np.ndarray:
        compared.extend(positions.tolist())
        return units[positions] @ query

    found = cells.near(query, k, probes, cosines)
    assert len(set(compared)) == len(compared) or probes < len(cells.centres)
    return set(found[np.argsort(-(units[found] @ query), kind="stable")[:k]].tolist()), len(compared)


def best(units: np.ndarray, query: np.ndarray, k: int) -> set[int]:
    return set(np.argsort(-(units @ query), kind="stable")[:k].tolist())


@pytest.mark.parametrize("k", [1, 10, 60])
def test_bounds_lose_nothing_and_leave_out_most(k: int):
    units = cone(20_000)
    cells = make_cells(units, 0)
    compared = []
    for query in asked(40):
        found, n = searched(cells, units, query, k, len(cells.centres))
        assert found == best(units, query, k)
        compared.append(n)
    assert np.mean(compared) < len(units) / (20 if k <= 10 else 5)


def test_every_candidate_lies_within_the_reach_of_its_cell():
    units = cone(3000)
    cells = make_cells(units, 0)
    assert (np.diff(cells.starts) > 0).all()
    for centre, reach, begin, end in zip(cells.centres, cells.reach, cells.starts[:-1], cells.starts[1:], strict=True):
        own = units[cells.members[begin:end]]
        assert np.linalg.norm(own - centre, axis=1).max() <= reach
        assert np.allclose(own.mean(axis=0), centre, atol=1e-6)


def test_those_far_out_share_no_cell_with_the_many_near_the_middle():
    units = cone(20_000)
    cells = make_cells(units, 0)
    far = np.linalg.norm(units - units.mean(axis=0), axis=1)
    for begin, end in zip(cells.starts[:-1], cells.starts[1:], strict=True):
        own = far[cells.members[begin:end]]
        assert own.max() <= 1.415 * own.min() or own.max() < 0.05


def test_few_cells_find_nearly_all_of_a_cone():
    units = cone(20_000)
    cells = make_cells(units, 0)
    shares = [
        len(searched(cells, units, query, 10, len(cells.centres) // 8)[0] & best(units, query, 10)) / 10
        for query in asked(40)
    ]
    assert np.mean(shares) > 0.99


def test_candidates_that_are_out_of_the_question_are_none():
    units = unit_rows(np.random.default_rng(0).normal(size=(900, 6)))
    cells = make_cells(units, 0)
    query = units[5]
    gone = np.argsort(-(units @ query))[:700]

    def cosines(positions: np.ndarray) -> np.ndarray:
        return np.where(np.isin(positions, gone), np.float32(-2), units[positions] @ query)

    found = cells.near(query, 10, 1, cosines)
    assert len(found) >= 10
    assert not set(found.tolist()) & set(gone.tolist())
    assert len(cells.near(query, 300, 1, cosines)) == 200  # there are no more


@pytest.mark.parametrize("alike", [1, 5, 400])
def test_equals_are_all_found(alike: int):
    units = np.repeat(unit_rows(np.random.default_rng(0).normal(size=(2000 // alike, 8))), alike, axis=0)
    cells = make_cells(units, 0)
    found = cells.near(units[0], 1, len(cells.centres), lambda positions: units[positions] @ units[0])
    assert set(range(alike)) <= set(found.tolist())


def test_one_candidate_is_a_cell():
    units = np.float32([[0.6, 0.8]])
    cells = make_cells(units, 0)
    assert cells.near(units[0], 1, 1, lambda positions: units[positions] @ units[0]).tolist() == [0]
