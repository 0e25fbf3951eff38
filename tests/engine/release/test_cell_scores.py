from __future__ import annotations

import numpy as np
import pytest

from engine.core.joined_rows import JoinedRows
from engine.core.vectors import unit_rows
from engine.release import cells
from engine.release.cell_making import make_cells
from engine.release.cell_scores import OUT, candidate_scores
from engine.release.cells import Cells

N, OWN, BESIDE, AT = 400, 6, 20, 4


def made(loud: float) -> JoinedRows:
    """Candidates to whom the other table gives `loud` times as much as they have, but for some."""
    rng = np.random.default_rng(1)
    own = unit_rows(rng.normal(size=(N, OWN)))
    scale = np.where(np.arange(N) % 10 == 0, 0.5, loud).astype(np.float32)
    content = unit_rows(rng.normal(size=(N, BESIDE)))
    return JoinedRows(own, scale, content, content.mean(axis=0), AT)


def queries(n: int) -> np.ndarray:
    return unit_rows(np.random.default_rng(2).normal(size=(n, OWN + BESIDE)))


@pytest.mark.parametrize("loud", [0.01, 0.2, 3.0])
@pytest.mark.parametrize("least", [-2.0, 0.3, 0.6, 0.9])
def test_no_score_above_the_least_is_lost_and_none_is_wrong(loud: float, least: float) -> None:
    units, asked = made(loud), queries(50)
    bounds = np.full(50, least, dtype=np.float32)
    bounds[::7] = 5.0  # they have enough
    whole = asked @ np.asarray(units)[30:230].T
    found = candidate_scores(units)(asked, 30, 230, bounds)
    told = found > OUT
    np.testing.assert_allclose(found[told], whole[told], atol=1e-5)
    assert told[whole > bounds[:, None] + 1e-5].all()


def test_most_pairs_are_not_looked_at_where_little_is_added() -> None:
    found = candidate_scores(made(0.01))(queries(50), 0, N, np.full(50, 0.7, dtype=np.float32))
    assert (found == OUT).mean() > 0.5


def test_where_nobody_has_anything_yet_all_are_compared() -> None:
    found = candidate_scores(made(0.2))(queries(5), 0, N, np.full(5, OUT, dtype=np.float32))
    assert (found > OUT).all()


def test_a_cell_without_candidates_has_no_scores() -> None:
    assert candidate_scores(made(0.2))(queries(5), 7, 7, np.zeros(5, dtype=np.float32)).shape == (5, 0)


@pytest.mark.parametrize("loud", [0.01, 0.3])
@pytest.mark.parametrize("many", [0, 64])
def test_cells_find_the_same_whether_or_not_pairs_are_left_out(
    loud: float, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a cell's best are taken for all who ask, some of whom have enough already."""
    monkeypatch.setattr(cells, "_MANY", many)
    units, asked = made(loud), queries(120)
    units = units.times(1 / np.linalg.norm(np.asarray(units), axis=1).astype(np.float32))
    whole = np.asarray(units)
    found = make_cells(whole, 0)
    lists = []
    for candidates in (units.taken(found.members.astype(np.int64)), whole[found.members]):
        best = np.empty((len(asked), 7), dtype=np.int64)
        for places, rows in Cells.of(found, candidates).nearest(asked, 7, len(found.centres), lambda *both: both):
            best[places] = np.sort(rows, axis=1)
        lists.append(best)
    np.testing.assert_array_equal(lists[0], lists[1])
    np.testing.assert_array_equal(lists[0], np.sort(np.argsort(-(asked @ whole.T), axis=1)[:, :7], axis=1))
