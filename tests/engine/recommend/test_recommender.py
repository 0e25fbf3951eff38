from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from engine.catalogue.traffic import Traffic
from engine.core.errors import NoReleaseError, NotFoundError, ReleaseError
from engine.core.workspace import Workspace
from engine.recommend import recommender as module
from engine.recommend.neighbour import Neighbour
from engine.recommend.recommender import Recommender
from engine.release.manifest import write_manifest
from tests.support.tiny_release import FORMULA_TITLE, SHOPPERS_PER_FAMILY, TinyRelease, build_tiny_release

ARMS = ("als", "predicted", "content", "hybrid")


def family_share(recommender: Recommender, tiny: TinyRelease, item_id: str, arm: str, k: int = 9) -> float:
    found = recommender.neighbours(item_id, arm, k)
    return float(np.mean([tiny.families[n.item_id] == tiny.families[item_id] for n in found]))


@pytest.mark.parametrize(("arm", "least"), [("predicted", 1.0), ("content", 1.0), ("hybrid", 0.95)])
def test_every_product_is_put_beside_its_family(
    recommender: Recommender, tiny: TinyRelease, arm: str, least: float
) -> None:
    """Hybrid prefers what was clicked: now and then to the one product of the family that never was."""
    shares = [family_share(recommender, tiny, item_id, arm) for item_id in tiny.families]
    assert np.mean(shares) >= least


def test_behaviour_knows_the_family_of_what_is_clicked_and_guesses_at_the_rest(
    recommender: Recommender, tiny: TinyRelease
) -> None:
    known = [family_share(recommender, tiny, item, "als", 4) for item, n in tiny.counts.items() if n >= 3]
    guessed = [family_share(recommender, tiny, item, "als", 4) for item, n in tiny.counts.items() if 1 <= n < 3]
    assert np.mean(known) == 1.0
    assert np.mean(guessed) < 0.5


def test_a_product_without_clicks_has_no_list_by_behaviour_and_is_in_none(
    recommender: Recommender, tiny: TinyRelease
) -> None:
    without = {item_id for item_id, clicks in tiny.counts.items() if clicks == 0}
    assert len(without) == 6
    lists = recommender.neighbours_all("als", 60)
    assert not without & set(lists["item_id"])
    assert not without & set(lists["neighbour_id"])
    for item_id in without:
        assert recommender.neighbours(item_id, "als") == []
        assert len(recommender.neighbours(item_id, "hybrid")) == 10


def test_a_neighbour_says_which_product_where_and_how_near(recommender: Recommender) -> None:
    found = recommender.neighbours("f3-02", "hybrid", 60)
    assert [n.rank for n in found] == list(range(1, 60))
    assert "f3-02" not in {n.item_id for n in found}
    assert [n.item_id for n in found] == recommender.items["item_id"].iloc[[n.row for n in found]].tolist()
    scores = [n.score for n in found]
    assert scores == sorted(scores, reverse=True)
    assert -1.0 <= scores[-1] < scores[0] <= 1.0


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("k", [1, 10, 100])
def test_the_table_of_all_lists_holds_what_each_list_holds(recommender: Recommender, arm: str, k: int) -> None:
    table = recommender.neighbours_all(arm, k)
    assert list(table.columns) == ["item_id", "rank", "neighbour_id", "score"]
    expected = [
        (item_id, n.rank, n.item_id, n.score)
        for item_id in recommender.items["item_id"]
        for n in recommender.neighbours(item_id, arm, k)
    ]
    assert list(table.itertuples(index=False, name=None)) == expected


def test_a_table_can_be_of_some_products_in_any_order(recommender: Recommender) -> None:
    table = recommender.neighbours_all("hybrid", 3, ["f2-01", "f0-00"])
    assert table["item_id"].tolist() == ["f2-01"] * 3 + ["f0-00"] * 3
    assert recommender.neighbours_all("hybrid", 3, []).empty
    assert recommender.neighbours_all("als", 3, ["f0-09"]).dtypes.equals(table.dtypes)
    with pytest.raises(NotFoundError, match="'nobody'"):
        recommender.neighbours_all("hybrid", 3, ["f0-00", "nobody"])


def test_arms_returning_names_every_arm_and_rank_of_a_pair(recommender: Recommender) -> None:
    returned = recommender.arms_returning("f1-00", 5)
    for arm in ARMS:
        expected = {n.item_id: n.rank for n in recommender.neighbours("f1-00", arm, 5)}
        assert {item_id: ranks[arm] for item_id, ranks in returned.items() if arm in ranks} == expected
    assert set().union(*returned.values()) == set(ARMS)


@pytest.mark.parametrize("k", [0, -1])
def test_nobody_asked_for_gives_nobody(recommender: Recommender, k: int) -> None:
    assert recommender.neighbours("f0-00", "hybrid", k) == []
    assert recommender.neighbours_all("hybrid", k).empty
    assert recommender.ranked_by_shopper("s0-00", "hybrid", k) == []
    assert recommender.sample_shoppers(k) == []


def test_what_is_not_there_is_named(recommender: Recommender) -> None:
    with pytest.raises(NotFoundError, match=r"'nope'.*Release 2"):
        recommender.neighbours("nope")
    with pytest.raises(NotFoundError, match=r"'fused'.*als, content, hybrid, predicted"):
        recommender.neighbours("f0-00", "fused")
    with pytest.raises(NotFoundError, match="shopper 's9-99'"):
        recommender.history("s9-99")
    with pytest.raises(NotFoundError, match="als, hybrid"):
        recommender.ranked_by_shopper("s0-00", "content")
    assert recommender.has_shopper("s0-00")
    assert not recommender.has_shopper("s9-99")


def test_a_shopper_is_shown_what_he_likes_and_not_what_he_has(recommender: Recommender, tiny: TinyRelease) -> None:
    for shopper in recommender.sample_shoppers(10, seed=1):
        history = recommender.history(shopper)
        family = tiny.families[history[0]]
        assert {tiny.families[item_id] for item_id in history} == {family}
        left = 10 - len(history)
        ranked = recommender.ranked_by_shopper(shopper, "hybrid", left)
        assert {tiny.families[n.item_id] for n in ranked} == {family}
        assert not {n.item_id for n in ranked} & set(history)
        assert [n.rank for n in ranked] == list(range(1, left + 1))
        by_behaviour = recommender.ranked_by_shopper(shopper, "als", 60)
        assert len(by_behaviour) == 54 - len(history)
        assert all(tiny.counts[n.item_id] > 0 for n in by_behaviour)


def test_favour_lets_long_tail_products_into_a_list_and_leaves_the_order_to_the_scores(
    recommender: Recommender, tiny: TinyRelease
) -> None:
    quiet = Traffic.of(list(tiny.counts.values())).tail_below

    def tail(ranked: list[Neighbour]) -> int:
        return sum(tiny.counts[one.item_id] < quiet for one in ranked)

    for shopper in recommender.sample_shoppers(10, seed=1):
        plain, much = (recommender.ranked_by_shopper(shopper, "hybrid", 3, favour=favour) for favour in (1.0, 100.0))
        assert tail(much) >= tail(plain)
        assert tail(much) == 3
        assert [one.score for one in much] == sorted((one.score for one in much), reverse=True)
        assert recommender.ranked_by_shopper(shopper, "hybrid", 3) == recommender.ranked_by_shopper(
            shopper, "hybrid", 3, favour=2.0
        )  # as the plan says
        assert recommender.ranked_by_shopper(shopper, "als", 3, favour=100.0) == recommender.ranked_by_shopper(
            shopper, "als", 3
        )


def test_a_history_names_the_weightiest_first(recommender: Recommender) -> None:
    matrix = recommender._user_items
    for shopper in recommender.sample_shoppers(20):
        weights = matrix[recommender._user(shopper)].toarray()[0]
        history = [weights[recommender.row(item_id)] for item_id in recommender.history(shopper)]
        assert history == sorted(weights[weights > 0], reverse=True)


def test_sampled_shoppers_have_a_history_and_depend_on_the_seed_alone(recommender: Recommender) -> None:
    sample = recommender.sample_shoppers(8, seed=3)
    assert sample == recommender.sample_shoppers(8, seed=3)
    assert sample != recommender.sample_shoppers(8, seed=4)
    assert len(set(sample)) == 8
    assert min(len(recommender.history(shopper)) for shopper in sample) >= 3
    assert len(recommender.sample_shoppers(10_000, min_history=1)) <= 6 * SHOPPERS_PER_FAMILY
    assert len(recommender.sample_shoppers(1, min_history=999)) == 1


def test_items_are_those_of_the_snapshot_with_their_clicks(recommender: Recommender, tiny: TinyRelease) -> None:
    items = recommender.items
    assert dict(zip(items["item_id"], items["interaction_count"], strict=True)) == tiny.counts
    assert items["title"].iloc[6] == FORMULA_TITLE
    assert items["occasions"].iloc[7] == ["office", "wedding"]
    assert pd.isna(items["title"].iloc[12])
    assert items["price"].dtype == np.float64


def test_metrics_training_and_maps_come_with_the_release(recommender: Recommender, tiny: TinyRelease) -> None:
    assert recommender.metrics["thinning"]["hybrid"]["pooled"]["ndcg"]["mean"] == 0.5
    assert recommender.plan.mix.half_known == 4.0
    assert recommender.maps["item_id"].tolist() == list(tiny.families)
    assert recommender.maps["als_x"].isna().sum() == 6
    assert recommender.manifest.steps == {"Reading the shop": 0.4, "Drawing the maps": 61.2}


def test_a_named_release_can_be_opened_beside_the_published_one(tiny: TinyRelease) -> None:
    assert Recommender.open(tiny.workspace).release_id == "r0002"
    assert Recommender.open(tiny.workspace, "r0001").release_id == "r0001"
    with pytest.raises(NotFoundError):
        Recommender.open(tiny.workspace, "r0003")


def test_nothing_published_is_an_error_of_its_own(workspace: Workspace) -> None:
    with pytest.raises(NoReleaseError):
        Recommender.open(workspace)


def test_a_damaged_release_is_never_served_and_the_page_can_say_so(releases: Workspace) -> None:
    (releases.releases / "r0002" / "items.parquet").write_bytes(b"PAR1")
    opened = Recommender.open(releases)
    assert opened.release_id == "r0001"
    assert opened.notice is not None
    assert "items.parquet has 4 bytes" in opened.notice
    assert Recommender.open(releases, "r0001").notice is None
    with pytest.raises(ReleaseError, match=r"items\.parquet"):
        Recommender.open(releases, "r0002")


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("items.parquet", lambda path: pd.read_parquet(path).head(7).to_parquet(path)),
        ("items.parquet", lambda path: pd.read_parquet(path).drop(columns="interaction_count").to_parquet(path)),
        ("user_ids.parquet", lambda path: pd.read_parquet(path).head(7).to_parquet(path)),
        ("user_ids.parquet", Path.unlink),
        ("content.npy", lambda path: np.save(path, np.zeros((2, 2)))),
        ("content.npy", lambda path: np.save(path, np.array([{}], dtype=object), allow_pickle=True)),
        ("user_items.npz", lambda path: np.savez(path, row=np.zeros(3))),
        ("arm_masks.npz", lambda path: np.savez(path, als_has_list=np.zeros(3))),
    ],
)
def test_a_release_that_was_written_wrong_is_refused_and_no_crash(
    releases: Workspace, file: str, damage: object
) -> None:
    """Every checksum holds here, since the manifest was written over the wrong file."""
    directory = releases.releases / "r0001"
    damage(directory / file)  # type: ignore[operator]
    content = json.loads((directory / "manifest.json").read_text())
    for name in ("manifest_sha256", "release_id", "format_version", "created_at", "files"):
        del content[name]
    (directory / "manifest.json").unlink()
    write_manifest(directory, "r0001", content)
    with pytest.raises(ReleaseError):
        Recommender.open(releases, "r0001")


def test_a_release_is_read_without_torch(tiny: TinyRelease) -> None:
    script = """
import sys
from pathlib import Path
from engine.catalogue.traffic import Traffic
from engine.recommend.neighbour import Neighbour
from engine.recommend.recommender import Recommender
from engine.core import exports
from engine.recommend import unseen
from engine.core.workspace import Workspace
recommender = Recommender.open(Workspace(Path(sys.argv[1])))
assert recommender.neighbours("f0-00") and len(recommender.neighbours_all("als", 5))
assert recommender.ranked_by_shopper(recommender.sample_shoppers(1)[0])
recommender.metrics, recommender.training, recommender.maps
print([name for name in ("torch", "implicit", "transformers", "timm", "sklearn", "streamlit") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tiny.workspace.root)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(module.__file__).parents[2],
    )
    assert done.stdout == "[]\n"


def test_many_threads_read_what_one_reads(recommender: Recommender, tiny: TinyRelease) -> None:
    def read(item_id: str) -> tuple[list[Neighbour], list[Neighbour], dict[str, dict[str, int]]]:
        return (
            recommender.neighbours(item_id),
            recommender.neighbours(item_id, "als"),
            recommender.arms_returning(item_id),
        )

    alone = [read(item_id) for item_id in tiny.families]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, [*tiny.families] * 4)) == alone * 4


def test_a_shop_smaller_than_a_list_gives_all_it_has(workspace: Workspace) -> None:
    tiny = build_tiny_release(workspace, n_items=24, n_families=2)
    recommender = Recommender.open(workspace)
    for item_id in tiny.families:
        assert len(recommender.neighbours(item_id, "hybrid", 40)) == 23
        assert {tiny.families[n.item_id] for n in recommender.neighbours(item_id, "hybrid", 2)} == {
            tiny.families[item_id]
        }


def test_a_release_stays_readable_while_others_come_and_go(releases: Workspace) -> None:
    recommender = Recommender.open(releases)
    before = recommender.neighbours_all("hybrid", 10)
    shutil.rmtree(releases.releases / "r0001")
    shutil.copytree(releases.releases / "r0002", releases.releases / "r0003")
    pd.testing.assert_frame_equal(recommender.neighbours_all("hybrid", 10), before)


def test_a_release_that_is_ready_says_what_it_said(tiny: TinyRelease, recommender: Recommender) -> None:
    ready = Recommender.open(tiny.workspace)
    ready.get_ready()
    assert {"item_users", "_shoppers"} <= set(vars(ready))
    assert all({"inverse_lengths", "query_lengths"} <= set(vars(ready.arm(arm))) for arm in ARMS)
    assert (ready.item_users != sparse.csc_matrix(ready._user_items)).nnz == 0
    assert ready.item_users.has_sorted_indices
    for arm in ARMS:
        assert ready.neighbours("f0-01", arm) == recommender.neighbours("f0-01", arm)
