from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import NotFoundError, ReleaseError
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
from engine.release.arm_files import side_files
from engine.release.manifest import described_files, read_manifest, write_manifest
from engine.release.top_lists import LISTED_ARMS, NOBODY, TOP, TOP_LISTS_FILE, write_top_lists
from tests.support.tiny_release import build_tiny_release


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> Recommender:
    return Recommender.open(build_tiny_release(Workspace(tmp_path_factory.mktemp("top") / "shop")).workspace)


@pytest.mark.parametrize("arm", LISTED_ARMS)
def test_lists_are_those_that_a_search_finds(release: Recommender, arm: str):
    top = release.top_lists(arm)
    assert top.rows.shape == top.scores.shape == (60, TOP)
    for row in range(60):
        rows, scores = release.arm(arm).of_row(row, TOP)
        np.testing.assert_array_equal(top.rows[row, : len(rows)], rows)
        np.testing.assert_array_equal(top.of_row(row, 7)[1], scores[:7])
        assert (top.rows[row, len(rows) :] == NOBODY).all()
        found = release.neighbours(str(release.items["item_id"].iloc[row]), arm, 7)
        assert [(one.row, one.score) for one in found] == list(zip(rows[:7], scores[:7], strict=True))


def test_a_product_without_behaviour_has_no_list_by_it(release: Recommender):
    none = release.items["interaction_count"].to_numpy() == 0
    assert none.any()
    assert (release.top_lists("als").rows[none] == NOBODY).all()
    assert (release.top_lists("hybrid").rows[none] != NOBODY).all()


def test_longer_lists_and_other_arms_are_searched(release: Recommender):
    assert len(release.neighbours("f0-02", "hybrid", TOP + 15)) == TOP + 15
    assert len(release.neighbours("f0-02", "content", 5)) == 5
    with pytest.raises(NotFoundError, match="als, hybrid, not of 'content'"):
        release.top_lists("content")


def test_writing_them_again_gives_the_same_bytes_and_says_how_far_it_is(release: Recommender, tmp_path: Path):
    for name in {name for entry in release.manifest.arms.values() for name in side_files(entry)}:
        (tmp_path / name).write_bytes((release.directory / name).read_bytes())
    told: list[tuple[str, float]] = []
    write_top_lists(tmp_path, release.manifest.arms, lambda step, share, _message="": told.append((step, share)))
    assert (tmp_path / TOP_LISTS_FILE).read_bytes() == (release.directory / TOP_LISTS_FILE).read_bytes()
    assert {step for step, _ in told} == {"Listing neighbours"}
    assert [share for _, share in told] == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("n_changed", [1, 7, 45])
def test_lists_with_changed_products_are_those_that_a_search_finds(release: Recommender, n_changed: int):
    rng, search = np.random.default_rng(n_changed), release.arm("hybrid")
    rows = np.sort(rng.choice(60, n_changed, replace=False))
    # Some become like another product, some like none, and some have no vectors any more.
    query, candidates = (side[rng.permutation(60)[:n_changed]] for side in (search.query, search.candidates))
    query, candidates = query + 0.01 * rng.random(query.shape, np.float32), candidates.copy()
    query[::5], candidates[1::5] = 0.0, 0.0
    changed = search.with_rows(rows, query.astype(np.float32), candidates)
    everybody = np.arange(60)
    looked_up = release.top_lists("hybrid").of_rows(changed, everybody, 10)
    for (found, scores), (wanted, wanted_scores) in zip(looked_up, changed.of_all(everybody, 10), strict=True):
        np.testing.assert_array_equal(found, wanted)
        np.testing.assert_array_equal(scores, wanted_scores)


def test_one_changed_product_needs_no_search_but_its_own(release: Recommender, monkeypatch: pytest.MonkeyPatch):
    search = release.arm("hybrid")
    changed = search.with_rows(np.array([3]), search.query[[40]], search.candidates[[40]])
    asked: list[int] = []
    monkeypatch.setattr(
        type(changed), "of_all", lambda _self, rows, _k: asked.extend(rows) or [(np.zeros(0), np.zeros(0))] * len(rows)
    )
    release.top_lists("hybrid").of_rows(changed, np.arange(60), 10)
    assert asked == [3]


def broken(**changes):
    def change(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: one for name, one in (arrays | changes).items() if one is not None}

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (broken(als_rows=None), "no lists by 'als'"),
        (broken(hybrid_rows=np.zeros((60, TOP), np.int64)), "no lists by 'hybrid'"),
        (broken(hybrid_rows=np.zeros((59, TOP), np.int32)), "59 lists"),
        (broken(hybrid_rows=np.full((60, TOP), 60, np.int32)), "products that the release does not have"),
        (broken(hybrid_rows=np.full((60, TOP), -2, np.int32)), "products that the release does not have"),
        (broken(hybrid_rows=np.tile(np.array([NOBODY, 3] * 10, np.int32), (60, 1))), "products that the release does not have"),
        (broken(als_scores=np.full((60, TOP), np.nan, np.float32)), "a NaN"),
    ],
    ids=["missing", "another kind", "too few", "out of range", "below", "gaps", "not a number"],
)  # fmt: skip
def test_forged_lists_are_refused_in_a_sentence(tmp_path: Path, change, said: str):
    workspace = build_tiny_release(Workspace(tmp_path / "shop")).workspace
    directory = workspace.releases / "r0001"
    with np.load(directory / TOP_LISTS_FILE) as archive:
        arrays = dict(archive)
    np.savez(directory / TOP_LISTS_FILE, **change(arrays))
    manifest = read_manifest(directory)
    fields = {
        name: getattr(manifest, name)
        for name in ("snapshot_id", "seed", "settings", "dims", "counts", "arms", "metrics")
    } | manifest.extra
    (directory / "manifest.json").unlink()
    write_manifest(directory, "r0001", fields)
    assert TOP_LISTS_FILE in described_files(directory)
    with pytest.raises(ReleaseError, match=f"{TOP_LISTS_FILE} .*{said}"):
        Recommender.open(workspace, "r0001")
