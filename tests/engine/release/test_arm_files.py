"""Sides of arms that share a table with the content: written once, read as they were, and searched like those that are written out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.arms.geometry import ArmVectors
from engine.core.errors import IndexFileError, ReleaseContentError, ReleaseError
from engine.core.joined_rows import JoinedRows
from engine.core.vectors import unit_rows
from engine.release import all_lists, contents
from engine.release.arm_files import side_files
from engine.release.arm_search import MASKS_FILE, ArmSearch, open_arms
from engine.release.arm_writer import write_arms
from engine.release.files import ReleaseFiles
from engine.release.manifest import Manifest, described_files
from engine.release.top_lists import TOP_LISTS_FILE, write_top_lists

N, OWN, BESIDE = 600, 6, 10
RNG = np.random.default_rng(3)
CONTENT = unit_rows(RNG.normal(size=(N // 20, BESIDE))[np.arange(N) % (N // 20)] + 0.3 * RNG.normal(size=(N, BESIDE)))
KNOWN = np.arange(N) % 10 != 7  # the others are found by nothing
SCALE = np.where(KNOWN, RNG.uniform(0.2, 1, N), 0).astype(np.float32)


def side(seed: int, centre: np.ndarray) -> JoinedRows:
    own = np.random.default_rng(seed).normal(size=(N, OWN)).astype(np.float32) * KNOWN[:, None]
    return JoinedRows(own, SCALE, CONTENT, centre.astype(np.float32), 4)


JOINED = ArmVectors(side(1, np.zeros(BESIDE)), side(2, CONTENT.mean(axis=0)))
WRITTEN_OUT = ArmVectors(np.asarray(JOINED.query), np.asarray(JOINED.candidates))


def written(directory: Path, arm: ArmVectors, **options: Any) -> dict[str, Any]:
    directory.mkdir()
    np.save(directory / "content.npy", CONTENT)
    arms = {"content": ArmVectors(CONTENT, CONTENT), "hybrid": arm}
    return write_arms(directory, arms, 5, 0, **options)


def opened(directory: Path, entries: dict[str, Any]) -> ArmSearch:
    manifest = Manifest("r0001", arms=entries, files=described_files(directory))
    return open_arms(ReleaseFiles(directory, manifest), N)["hybrid"]


@pytest.fixture(params=["exact", "cells", "annoy"])
def searches(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[ArmSearch, ArmSearch]:
    """The same arm, joined and written out."""
    options = {} if request.param == "exact" else {"exact_up_to": 0, "kind": request.param}
    found = []
    for name, arm in (("joined", JOINED), ("whole", WRITTEN_OUT)):
        found.append(opened(tmp_path / name, written(tmp_path / name, arm, **options)))
    return found[0], found[1]


def test_content_is_not_written_again(tmp_path: Path) -> None:
    entries = written(tmp_path / "r", JOINED)
    files = {"content.npy", "hybrid_query.npy", "hybrid_candidates.npy", "hybrid_candidates_centre.npy"}
    assert {file.name for file in (tmp_path / "r").glob("*.npy")} == files
    assert set(side_files(entries["hybrid"])) == files
    assert entries["hybrid"]["query_beside"] == {"file": "content.npy", "at": 4, "centre": None}
    manifest = Manifest("r0001", arms=entries, files=described_files(tmp_path / "r"))
    assert set(contents.list_files(manifest)) == {*files, "content.ann", "hybrid.ann", MASKS_FILE}


def test_a_shared_table_that_is_not_there_yet_is_written_once(tmp_path: Path) -> None:
    entry = write_arms(tmp_path, {"hybrid": JOINED}, 5, 0)["hybrid"]
    assert entry["query_beside"]["file"] == entry["candidates_beside"]["file"] == "hybrid_query_shared.npy"


def test_an_arm_that_asks_with_what_it_searches_among_is_written_once(tmp_path: Path) -> None:
    entries = written(tmp_path / "r", ArmVectors(JOINED.candidates, JOINED.candidates))
    assert entries["hybrid"]["query"] == entries["hybrid"]["candidates"] == "hybrid.npy"
    assert entries["hybrid"]["query_beside"] == entries["hybrid"]["candidates_beside"]
    assert opened(tmp_path / "r", entries).of_row(0, 3)[0].size == 3


def test_lists_are_those_of_vectors_that_are_written_out(searches: tuple[ArmSearch, ArmSearch]) -> None:
    joined, whole = searches
    assert isinstance(joined.candidates, JoinedRows)
    assert (joined.has_list == KNOWN).all()
    for row in (0, 5, 7, 599):
        (rows, scores), (others, theirs) = joined.of_row(row, 10), whole.of_row(row, 10)
        assert rows.tolist() == others.tolist()
        np.testing.assert_allclose(scores, theirs, atol=2e-6)
    np.testing.assert_allclose(joined.query_lengths[KNOWN], whole.query_lengths[KNOWN], rtol=1e-5)
    pairs = np.arange(9), np.flatnonzero(KNOWN)[:30]
    np.testing.assert_allclose(joined.cosines(*pairs), whole.cosines(*pairs), atol=2e-6)


def lists_of(search: ArmSearch) -> list[tuple[int, ...]]:
    """Place and rows of the five best, of every product that has a list."""
    return sorted(
        (int(place), *rows.tolist())
        for block in search.blocks(np.arange(N), 5)
        for place, rows in zip(block.places, block.rows, strict=True)
    )


@pytest.mark.parametrize("above", [0, 1 << 40])
def test_all_lists_are_those_of_vectors_that_are_written_out(
    searches: tuple[ArmSearch, ArmSearch], above: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(all_lists.best_lists, "__defaults__", (above,))
    assert len(lists_of(searches[0])) == KNOWN.sum()
    assert lists_of(searches[0]) == lists_of(searches[1])
    rows, vectors = np.array([7, 20]), unit_rows(np.random.default_rng(9).normal(size=(2, OWN + BESIDE)))
    changed = [lists_of(search.with_rows(rows, vectors, vectors[::-1])) for search in searches]
    assert changed[0] == changed[1]
    assert changed[0] != lists_of(searches[0])


def test_changed_products_are_found_by_what_they_are_now(searches: tuple[ArmSearch, ArmSearch]) -> None:
    rows = np.array([7, 20])  # one that nothing was known of
    vectors = unit_rows(np.random.default_rng(9).normal(size=(2, OWN + BESIDE)))
    joined, whole = (search.with_rows(rows, vectors, vectors[::-1]) for search in searches)
    for row in (7, 20, 21):
        assert joined.of_row(row, 10)[0].tolist() == whole.of_row(row, 10)[0].tolist()
    assert joined.of_vector(vectors[1], 1)[0].tolist() == [7]
    assert searches[0].of_vector(vectors[1], 1)[0].tolist() != [7]


def test_the_best_twenty_are_written_from_the_files(tmp_path: Path) -> None:
    for name, arm in (("joined", JOINED), ("whole", WRITTEN_OUT)):
        write_top_lists(tmp_path / name, written(tmp_path / name, arm))
    joined, whole = (np.load(tmp_path / name / TOP_LISTS_FILE) for name in ("joined", "whole"))
    assert (joined["hybrid_rows"] == whole["hybrid_rows"]).mean() > 0.999
    assert (joined["hybrid_rows"][KNOWN] >= 0).all()


def test_a_number_that_is_none_names_its_row(tmp_path: Path) -> None:
    own = np.array(JOINED.query.own)
    own[11, 2] = np.nan
    broken = JoinedRows(own, SCALE, CONTENT, np.zeros(BESIDE, np.float32), 4)
    with pytest.raises(IndexFileError, match=r"'hybrid'.*row 11"):
        written(tmp_path / "r", ArmVectors(broken, JOINED.candidates))


@pytest.mark.parametrize(
    "lie",
    [
        {"file": "gone.npy"},
        {"file": "../r0002/content.npy"},
        {"file": "hybrid_query.npy"},
        {"at": OWN + 1},
        {"at": -1},
        {"centre": "content.npy"},
        {"centre": "gone.npy"},
    ],
    ids=str,
)
def test_what_does_not_fit_the_files_is_refused(lie: dict[str, Any], tmp_path: Path) -> None:
    entries = written(tmp_path / "r", JOINED)
    entries["hybrid"]["candidates_beside"] |= lie
    with pytest.raises((ReleaseError, ReleaseContentError, IndexFileError)):
        opened(tmp_path / "r", entries)
