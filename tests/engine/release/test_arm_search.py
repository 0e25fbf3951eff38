from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.arms.geometry import ArmVectors
from engine.core.errors import IndexFileError, ReleaseError
from engine.release import arm_files
from engine.release.arm_search import MASKS_FILE, ArmSearch, open_arms
from engine.release.arm_writer import write_arms
from engine.release.files import ReleaseFiles
from engine.release.manifest import Manifest, described_files


def clustered(n_items: int, dim: int, seed: int = 0) -> np.ndarray:
    """Directions in clusters of about twenty, as item factors are."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(n_items // 20, 1), dim))
    return (centres[rng.integers(len(centres), size=n_items)] + 0.6 * rng.normal(size=(n_items, dim))).astype(
        np.float32
    )


def arm(query: np.ndarray, candidates: np.ndarray | None = None) -> ArmVectors:
    return ArmVectors(query, query if candidates is None else candidates)


def only(vectors: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The rows of a mask, the others without direction."""
    return vectors * chosen[:, None]


def opened(directory: Path, entries: Mapping[str, Any], n_items: int) -> dict[str, ArmSearch]:
    manifest = Manifest("r0001", arms=dict(entries), files=described_files(directory))
    return open_arms(ReleaseFiles(directory, manifest), n_items)


def written(directory: Path, vectors: ArmVectors, trees: int = 10, **options: Any) -> ArmSearch:
    directory.mkdir(exist_ok=True)
    entries = write_arms(directory, {"arm": vectors}, trees, seed=0, **options)
    return opened(directory, entries, len(vectors.query))["arm"]


def exact_lists(vectors: np.ndarray, rows: np.ndarray, k: int) -> list[list[int]]:
    units = vectors.astype(np.float64) / np.linalg.norm(vectors, axis=1, keepdims=True)
    similar = np.round(units[rows] @ units.T, 6)
    similar[np.arange(len(rows)), rows] = -np.inf
    return np.argsort(-similar, axis=1, kind="stable")[:, :k].tolist()


@pytest.mark.parametrize("kind", ["cells", "annoy"])
@pytest.mark.parametrize(("n_items", "dim"), [(3000, 16), (3000, 200)])
def test_retrieving_and_reranking_finds_the_ten_best_of_exact_search(
    n_items: int, dim: int, kind: str, tmp_path: Path
) -> None:
    vectors = clustered(n_items, dim)
    search = written(tmp_path / "r", arm(vectors), exact_up_to=0, kind=kind)
    assert (search.cells is None, search.index is None) == (kind == "annoy", kind == "cells")
    rows = np.arange(0, n_items, 17)
    found = [search.of_row(int(row), 10)[0].tolist() for row in rows]
    recall = np.mean(
        [len(set(one) & set(best)) / 10 for one, best in zip(found, exact_lists(vectors, rows, 10), strict=True)]
    )
    assert not search.exact
    assert recall >= 0.99


@pytest.mark.parametrize(("kind", "effort", "dim"), [("cells", "probes", 12), ("annoy", "search_k", 48)])
def test_the_effort_grows_until_the_ten_best_are_found(kind: str, effort: str, dim: int, tmp_path: Path) -> None:
    easy, hard = clustered(2000, 8), np.random.default_rng(0).normal(size=(2000, dim)).astype(np.float32)
    arms = {"easy": arm(easy), "hard": arm(hard)}
    entries = write_arms(tmp_path, arms, trees=5, seed=0, search_k=100, exact_up_to=0, kind=kind)
    assert entries["easy"][effort] < entries["hard"][effort]
    assert entries["easy"]["recall_at_10"] >= 0.9995
    assert entries["hard"]["recall_at_10"] >= 0.99


@pytest.mark.parametrize("kind", ["cells", "annoy"])
def test_where_they_cannot_be_found_all_candidates_are_ranked(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.release.arm_writer.MAX_SEARCH_K", 2000)
    vectors = np.random.default_rng(0).normal(size=(4000, 64)).astype(np.float32)
    monkeypatch.setattr("engine.release.arm_writer.MOST_CELLS", 60)
    entries = write_arms(tmp_path, {"arm": arm(vectors)}, trees=1, seed=0, search_k=100, exact_up_to=0, kind=kind)
    assert entries["arm"]["exact"]
    assert entries["arm"]["recall_at_10"] < 0.99
    rows = np.arange(0, 4000, 131)
    search = opened(tmp_path, entries, 4000)["arm"]
    assert [search.of_row(int(row), 10)[0].tolist() for row in rows] == exact_lists(vectors, rows, 10)


def test_a_small_arm_is_searched_exactly(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(1000, 64)).astype(np.float32)
    search = written(tmp_path / "r", arm(vectors))
    assert search.exact
    rows = np.arange(1000)
    assert [search.of_row(int(row), 10)[0].tolist() for row in rows] == exact_lists(vectors, rows, 10)


def test_an_arm_of_too_many_candidates_or_numbers_is_not_searched_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = {"arm": arm(clustered(101, 4))}
    assert write_arms(tmp_path, vectors, 2, 0, exact_up_to=101)["arm"]["exact"]
    assert not write_arms(tmp_path, vectors, 2, 0, exact_up_to=100)["arm"]["exact"]
    monkeypatch.setattr("engine.release.arm_writer.EXACT_NUMBERS", 403)
    assert not write_arms(tmp_path, vectors, 2, 0, exact_up_to=101)["arm"]["exact"]


@pytest.mark.parametrize(("exact_up_to", "kind"), [(0, "cells"), (0, "annoy"), (50_000, "cells")])
@pytest.mark.parametrize("n_items", [2, 12, 600])
def test_the_lists_of_all_are_the_lists_of_each(n_items: int, exact_up_to: int, kind: str, tmp_path: Path) -> None:
    vectors = clustered(n_items, 12)
    vectors[n_items // 2 :] = vectors[0]  # and many that are exactly alike
    vectors[-1] = 0
    search = written(tmp_path / "r", arm(vectors), exact_up_to=exact_up_to, kind=kind)
    rows = np.random.default_rng(1).permutation(n_items)
    for row, (found, scores) in zip(rows, search.of_all(rows, 10), strict=True):
        alone, alone_scores = search.of_row(int(row), 10)
        assert found.tolist() == alone.tolist()
        assert scores.tolist() == alone_scores.tolist()
        assert len(found) == (0 if row == n_items - 1 else min(10, n_items - 2))


def test_an_item_is_never_its_own_neighbour_even_among_copies_of_itself(tmp_path: Path) -> None:
    search = written(tmp_path / "r", arm(np.tile(np.float32([[1, 2, 3]]), (400, 1))))
    for row in (0, 7, 399):
        found, scores = search.of_row(row, 10)
        assert row not in found
        assert len(found) == 10
        assert scores.tolist() == [1.0] * 10


def test_ties_are_decided_by_row(tmp_path: Path) -> None:
    vectors = np.repeat(np.eye(4, dtype=np.float32), 5, axis=0)[np.random.default_rng(0).permutation(20)]
    search = written(tmp_path / "r", arm(vectors))
    same = np.flatnonzero((vectors == vectors[9]).all(axis=1))
    found, _ = search.of_row(9, 19)
    assert found[:4].tolist() == [row for row in same if row != 9]
    assert found[4:].tolist() == [row for row in range(20) if row not in same]


def test_lists_come_only_to_those_who_have_one_and_from_candidates_alone(tmp_path: Path) -> None:
    vectors = clustered(50, 6)
    has_list, is_candidate = np.arange(50) % 2 == 0, np.arange(50) < 30
    search = written(tmp_path / "r", arm(only(vectors, has_list), only(vectors, is_candidate)))
    assert search.of_row(1, 10)[0].size == 0
    assert [len(found) for found, _ in search.of_all(np.arange(50), 10)] == [
        10 if row % 2 == 0 else 0 for row in range(50)
    ]
    assert search.of_row(48, 50)[0].max() < 30


def test_rows_without_direction_are_neither_anchors_nor_candidates(tmp_path: Path) -> None:
    vectors = clustered(40, 6)
    vectors[[3, 9]] = 0
    search = written(tmp_path / "r", arm(vectors))
    assert search.of_row(3, 10)[0].size == 0
    assert not {3, 9} & set(search.of_row(0, 40)[0].tolist())


def test_an_arm_without_any_candidate_has_no_lists_and_no_index(tmp_path: Path) -> None:
    search = written(tmp_path / "r", arm(np.zeros((5, 3), dtype=np.float32)))
    assert search.index is None
    assert search.of_row(0, 3)[0].size == 0
    assert [found.size for found, _ in search.of_all(np.arange(5), 3)] == [0] * 5


def test_an_arm_may_search_with_other_vectors_than_it_searches_among(tmp_path: Path) -> None:
    candidates = clustered(60, 6)
    search = written(tmp_path / "r", arm(np.roll(candidates, 1, axis=0), candidates))
    # The query of row 5 is the vector of row 4.
    assert search.of_row(5, 1)[0].tolist() == [4]
    assert (tmp_path / "r" / "arm_query.npy").is_file()
    assert (tmp_path / "r" / "arm_candidates.npy").is_file()


def test_a_matrix_that_is_already_there_is_not_written_again(tmp_path: Path) -> None:
    factors = clustered(30, 6) * np.float32(7)
    np.save(tmp_path / "item_factors.npy", factors)
    unit = factors / np.linalg.norm(factors, axis=1, keepdims=True)
    entry = write_arms(tmp_path, {"als": arm(unit)}, 2, 0)["als"]
    assert entry["query"] == entry["candidates"] == "item_factors.npy"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["als.ann", MASKS_FILE, "item_factors.npy"]


def test_a_file_of_the_arms_name_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    other = np.ones((2, 2), dtype=np.float32)
    np.save(tmp_path / "arm.npy", other)
    entry = write_arms(tmp_path, {"arm": arm(clustered(30, 6))}, 2, 0)["arm"]
    assert np.load(tmp_path / "arm.npy").tolist() == other.tolist()
    assert entry["query"] != "arm.npy"


def test_vectors_that_cannot_be_indexed_name_their_arm(tmp_path: Path) -> None:
    with pytest.raises(IndexFileError, match="'content'"):
        write_arms(tmp_path, {"content": arm(np.full((3, 2), np.nan, dtype=np.float32))}, 2, 0)
    with pytest.raises(IndexFileError, match="'hybrid'"):
        write_arms(tmp_path, {"hybrid": arm(np.ones((3, 2), np.float32), np.ones((4, 2), np.float32))}, 2, 0)


@pytest.mark.parametrize(
    "lie",
    [{"dim": 5}, {"query": "gone.npy"}, {"index": None, "exact": False}, {"index": {"dim": 6}}, {"search_k": "many"}],
)
def test_entries_that_do_not_fit_the_files_are_refused(lie: dict[str, object], tmp_path: Path) -> None:
    entries = write_arms(tmp_path, {"arm": arm(clustered(30, 6))}, 2, 0)
    entries["arm"] |= lie
    with pytest.raises((ReleaseError, IndexFileError)):
        opened(tmp_path, entries, 30)


def test_an_index_of_another_shape_with_true_facts_is_refused(tmp_path: Path) -> None:
    entries = write_arms(tmp_path, {"arm": arm(clustered(30, 6)), "other": arm(clustered(30, 12))}, 2, 0)
    entries["arm"]["index"] = entries["other"]["index"]
    with pytest.raises(IndexFileError, match=r"other\.ann"):
        opened(tmp_path, entries, 30)


def test_masks_of_another_catalogue_are_refused(tmp_path: Path) -> None:
    entries = write_arms(tmp_path, {"arm": arm(clustered(30, 6))}, 2, 0)
    with pytest.raises(ReleaseError, match="31 products"):
        opened(tmp_path, entries, 31)


def test_a_query_of_another_dimension_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexFileError, match="6 numbers"):
        written(tmp_path / "r", arm(clustered(30, 6))).of_vector(np.ones(5), 3)


@pytest.mark.parametrize(("exact_up_to", "kind"), [(0, "cells"), (0, "annoy"), (50_000, "cells")])
def test_other_vectors_for_some_items_are_searched_by_and_among_and_the_files_stay(
    exact_up_to: int, kind: str, tmp_path: Path
) -> None:
    vectors = clustered(3000, 16)
    before = written(tmp_path / "r", arm(vectors), exact_up_to=exact_up_to, kind=kind)
    kept = [before.of_row(row, 10)[0].tolist() for row in (7, 8)]
    after = before.with_rows(np.array([7]), vectors[[2000]], vectors[[2000]])
    assert after.of_row(7, 1)[0].tolist() == [2000]
    assert after.of_row(2000, 1)[0].tolist() == [7]
    assert 7 in after.of_vector(vectors[2000], 3)[0]
    assert after.of_all(np.array([7, 2000]), 1)[1][0].tolist() == [7]
    assert [before.of_row(row, 10)[0].tolist() for row in (7, 8)] == kept
    assert np.array_equal(np.load(tmp_path / "r" / "arm.npy")[7], before.query[7])
    again = after.with_rows(np.array([8]), vectors[[2000]], vectors[[2000]])
    assert set(again.of_row(2000, 2)[0].tolist()) == {7, 8}


@pytest.mark.parametrize(("exact_up_to", "kind"), [(0, "cells"), (0, "annoy"), (50_000, "cells")])
def test_an_item_can_lose_its_vectors_and_one_without_can_get_some(exact_up_to: int, kind: str, tmp_path: Path) -> None:
    vectors = clustered(3000, 16)
    without = np.arange(3000) != 5
    search = written(tmp_path / "r", arm(only(vectors, without)), exact_up_to=exact_up_to, kind=kind)
    best = search.of_row(9, 1)[0]
    nothing = np.zeros((1, 16), dtype=np.float32)
    gone = search.with_rows(best, nothing, nothing)
    assert best[0] not in gone.of_row(9, 10)[0]
    assert gone.of_row(int(best[0]), 10)[0].size == 0
    there = search.with_rows(np.array([5]), vectors[[9]], vectors[[9]])
    assert there.of_row(9, 1)[0].tolist() == [5]
    assert there.of_row(5, 1)[0].tolist() == [9]


def test_large_sides_are_mapped_and_give_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    sides = {"one": arm(rng.normal(size=(300, 8))), "two": arm(*rng.normal(size=(2, 300, 8)))}
    entries = []
    for name, large in (("held", 1 << 29), ("mapped", 0)):
        monkeypatch.setattr(arm_files, "LARGE", large)
        (tmp_path / name).mkdir()
        entries.append(write_arms(tmp_path / name, sides, 2, 0, exact_up_to=0))
    assert entries[0] == entries[1]
    files = [{file.name: file.read_bytes() for file in (tmp_path / name).glob("*.npy")} for name in ("held", "mapped")]
    assert set(files[0]) == {"one.npy", "two_query.npy", "two_candidates.npy"}
    assert files[0] == files[1]
