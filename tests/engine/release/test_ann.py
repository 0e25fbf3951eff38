from __future__ import annotations

import dataclasses
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import IndexFileError
from engine.release import ann
from engine.release.ann import AnnIndex, IndexInfo, build_index, indexable_rows


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """300 directions in 30 clusters."""
    rng = np.random.default_rng(0)
    return np.repeat(rng.normal(size=(30, 12)), 10, axis=0) + 0.3 * rng.normal(size=(300, 12))


@pytest.fixture(scope="module")
def built(vectors: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, IndexInfo]:
    path = tmp_path_factory.mktemp("index") / "arm.ann"
    return path, build_index(vectors, path, trees=5, seed=1)


def test_a_query_finds_the_vectors_that_point_where_it_does(vectors: np.ndarray, built: tuple[Path, IndexInfo]) -> None:
    index = AnnIndex.open(*built)
    exact = indexable_rows(vectors) @ indexable_rows(vectors)[17]
    positions, similarities = index.query(vectors[17] * 1000, 10, search_k=3000)
    assert positions.tolist() == np.argsort(-exact)[:10].tolist()
    assert similarities == pytest.approx(exact[positions], abs=1e-5)
    assert positions.dtype == np.int64
    assert similarities.dtype == np.float32


def test_the_facts_of_an_index_describe_its_file(built: tuple[Path, IndexInfo]) -> None:
    path, info = built
    assert (info.dim, info.metric, info.n_items, info.trees) == (12, "angular", 300, 5)
    assert info.bytes == path.stat().st_size
    assert IndexInfo.from_dict(info.to_dict()) == info


def test_the_same_vectors_and_seed_give_the_same_bytes_in_another_process(
    vectors: np.ndarray, built: tuple[Path, IndexInfo], tmp_path: Path
) -> None:
    np.save(tmp_path / "vectors.npy", vectors)
    script = (
        "import sys, numpy as np; from pathlib import Path; from engine.release.ann import build_index\n"
        "folder = Path(sys.argv[1])\n"
        "build_index(np.load(folder / 'vectors.npy'), folder / 'again.ann', trees=5, seed=1)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, cwd=Path(ann.__file__).parents[2])
    assert (tmp_path / "again.ann").read_bytes() == built[0].read_bytes()


def test_another_seed_gives_another_index(vectors: np.ndarray, built: tuple[Path, IndexInfo], tmp_path: Path) -> None:
    assert build_index(vectors, tmp_path / "other.ann", trees=5, seed=2).sha256 != built[1].sha256


def test_thousands_of_damaged_files_are_all_refused(built: tuple[Path, IndexInfo], tmp_path: Path) -> None:
    path, info = built
    good = path.read_bytes()
    rng = np.random.default_rng(7)
    damaged = tmp_path / "arm.ann"
    for trial in range(3000):
        data = bytearray(good)
        kind = trial % 5
        if kind == 0:  # one bit
            data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
        elif kind == 1:  # cut short
            data = data[: rng.integers(len(data))]
        elif kind == 2:  # a stretch of noise
            start = int(rng.integers(len(data)))
            noise = rng.bytes(int(rng.integers(1, 64)))
            data[start : start + len(noise)] = noise
        elif kind == 3:  # something appended
            data += rng.bytes(int(rng.integers(1, 200)))
        else:  # a whole node moved, which keeps every size as it was
            node = 12 + 4 * info.dim
            first, second = (int(place) * node for place in rng.choice(len(data) // node, 2, replace=False))
            data[first : first + node], data[second : second + node] = (
                data[second : second + node],
                data[first : first + node],
            )
        if data == good:
            continue
        damaged.write_bytes(data)
        with pytest.raises(IndexFileError, match=r"arm\.ann"):
            AnnIndex.open(damaged, info)


@pytest.mark.parametrize(
    "change",
    [
        {"dim": 6},
        {"dim": 24},
        {"dim": 0},
        {"metric": "euclidean"},
        {"n_items": 299},
        {"n_items": 0},
        {"trees": 6},
        {"bytes": 64},
        {"sha256": "0" * 64},
    ],
)
def test_an_index_whose_facts_are_wrong_is_refused(built: tuple[Path, IndexInfo], change: dict[str, object]) -> None:
    path, info = built
    with pytest.raises(IndexFileError):
        AnnIndex.open(path, dataclasses.replace(info, **change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [{"dim": "12"}, {"dim": -1}, {"n_items": None}, {"trees": True}, {"bytes": 1.5}, {"metric": "dot"}, {"sha256": 5}],
)
def test_facts_that_are_no_facts_are_refused_by_name(built: tuple[Path, IndexInfo], change: dict[str, object]) -> None:
    with pytest.raises(IndexFileError, match=next(iter(change))):
        IndexInfo.from_dict(built[1].to_dict() | change)


def test_a_file_that_is_not_there_is_an_error_and_no_crash(built: tuple[Path, IndexInfo], tmp_path: Path) -> None:
    with pytest.raises(IndexFileError, match=r"gone\.ann cannot be read"):
        AnnIndex.open(tmp_path / "gone.ann", built[1])


@pytest.mark.parametrize("n", [0, -1, 301, 10**12, 2.5, None])
def test_a_query_for_an_impossible_number_of_neighbours_is_refused(built: tuple[Path, IndexInfo], n: object) -> None:
    with pytest.raises(IndexFileError, match="1 to 300"):
        AnnIndex.open(*built).query(np.ones(12), n)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "vector", [np.ones(11), np.ones((2, 12)), np.full(12, np.nan), np.full(12, np.inf), np.zeros(12), ["a"] * 12]
)
def test_a_query_that_is_no_direction_is_refused(built: tuple[Path, IndexInfo], vector: object) -> None:
    with pytest.raises(IndexFileError):
        AnnIndex.open(*built).query(vector, 5)  # type: ignore[arg-type]


@pytest.mark.parametrize("search_k", [0, -2, 1.5])
def test_a_query_with_a_senseless_effort_is_refused(built: tuple[Path, IndexInfo], search_k: object) -> None:
    with pytest.raises(IndexFileError, match="search_k"):
        AnnIndex.open(*built).query(np.ones(12), 5, search_k)  # type: ignore[arg-type]


def test_an_effort_beyond_every_leaf_is_taken_as_all_of_them(built: tuple[Path, IndexInfo]) -> None:
    positions, _ = AnnIndex.open(*built).query(np.ones(12), 300, 10**15)
    assert sorted(positions.tolist()) == list(range(300))


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((0, 4)),
        np.zeros((4, 0)),
        np.ones(4),
        np.array([[1.0, np.nan]]),
        np.array([["a", "b"]]),
        np.ones((2, 2)) * 1j,
    ],
)
def test_vectors_that_must_not_be_indexed_leave_no_file(bad: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(IndexFileError):
        build_index(bad, tmp_path / "bad.ann", trees=2, seed=0)
    assert list(tmp_path.iterdir()) == []


def test_the_row_that_is_not_finite_is_named() -> None:
    with pytest.raises(IndexFileError, match="row 2"):
        indexable_rows(np.array([[1.0], [2.0], [np.inf]]))


@pytest.mark.parametrize("n_items", [1, 2, 3, 30])
def test_zero_vectors_are_indexed_and_are_like_nothing(n_items: int, tmp_path: Path) -> None:
    vectors = np.zeros((n_items + 1, 4))
    vectors[0] = [1, 2, 3, 4]
    info = build_index(vectors, tmp_path / "zero.ann", trees=3, seed=0)
    positions, similarities = AnnIndex.open(tmp_path / "zero.ann", info).query([1, 2, 3, 4], n_items + 1, 10_000)
    assert positions[0] == 0
    assert similarities[0] == pytest.approx(1.0, abs=1e-5)
    assert similarities[1:] == pytest.approx(np.zeros(n_items), abs=1e-5)


def test_identical_vectors_are_indexed(tmp_path: Path) -> None:
    info = build_index(np.ones((500, 3)), tmp_path / "same.ann", trees=3, seed=0)
    positions, similarities = AnnIndex.open(tmp_path / "same.ann", info).query([2, 2, 2], 10)
    assert len(set(positions.tolist())) == 10
    assert similarities == pytest.approx(np.ones(10), abs=1e-5)


def test_very_large_and_very_small_vectors_keep_their_direction() -> None:
    direction = np.array([3.0, 4.0])
    scaled = indexable_rows(np.array([direction * 1e300, direction * 1e-300, direction]))
    assert scaled == pytest.approx(np.tile([0.6, 0.8], (3, 1)))


def test_an_index_that_does_not_answer_leaves_the_old_one_in_place(
    built: tuple[Path, IndexInfo], vectors: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "arm.ann"
    info = build_index(vectors, path, trees=2, seed=0)
    # The child that tries the new file is killed by a signal, as one that met a damaged file would be.
    monkeypatch.setattr(ann, "_SMOKE_QUERY", "import os; os.kill(os.getpid(), 11)")
    with pytest.raises(IndexFileError, match="ended with -11"):
        build_index(vectors, path, trees=3, seed=0)
    assert AnnIndex.open(path, info).info == info
    assert [file.name for file in tmp_path.iterdir()] == ["arm.ann"]


def test_an_open_index_answers_on_when_a_new_file_takes_its_path(vectors: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "arm.ann"
    index = AnnIndex.open(path, build_index(vectors, path, trees=2, seed=0))
    before = index.query(vectors[0], 10)[0].tolist()
    build_index(vectors[::-1], path, trees=2, seed=0)
    assert index.query(vectors[0], 10)[0].tolist() == before


def test_queries_from_many_threads_agree_with_one(vectors: np.ndarray, built: tuple[Path, IndexInfo]) -> None:
    index = AnnIndex.open(*built)
    alone = [index.query(vector, 10)[0].tolist() for vector in vectors]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda vector: index.query(vector, 10)[0].tolist(), np.tile(vectors, (4, 1))))
    assert together == alone * 4
