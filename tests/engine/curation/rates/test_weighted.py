"""Weighted rates: known answers by hand, and what the sampling record of a real campaign says."""

from __future__ import annotations

import subprocess
import sys
import uuid
import zipfile

import numpy as np
import pandas as pd
import pytest

from engine.core.errors import LongtailError
from engine.core.workspace import Workspace
from engine.curation import queue
from engine.curation.campaigns import Plan, campaign, create_campaign
from engine.curation.decisions import judge
from engine.curation.evidence import evidence_pack, qrels
from engine.curation.pools import pool_of_release
from engine.curation.rates.overall import shares
from engine.curation.rates.planning import Crossover, cards_to_separate, crossover, crossover_sentence
from engine.curation.rates.sampling import card_appearances, cards_of, drawn, votes_on_cards
from engine.curation.rates.weighted import (
    anchor_rates,
    overall_difference,
    paired_differences,
    stratum_rates,
)
from engine.curation.votes import Vote
from engine.recommend.recommender import Recommender
from tests.support.tiny_release import build_tiny_release

ON_BOTH_DATABASES = True


def votes(rows, **changes) -> pd.DataFrame:
    """From (anchor, neighbour, irrelevant?, stratum, pair's chance, anchor's chance)."""
    names = ["anchor_id", "neighbour_id", "bad", "stratum", "pair_probability", "anchor_probability"]
    table = pd.DataFrame(rows, columns=names)
    table["verdict"] = np.where(table.pop("bad"), "irrelevant", "relevant")
    table["anchor_count"] = 2 ** table["stratum"]
    fixed = {"implied": False, "reason": None, "created_at": pd.Timestamp("2026-01-01", tz="UTC"), "rater": "Ann"}
    return table.assign(**fixed | changes)


def places(table: pd.DataFrame, arm: str = "als", listed: int = 2) -> pd.DataFrame:
    return table[["anchor_id", "neighbour_id"]].drop_duplicates().assign(arm=arm, rank=1, listed=listed)


def test_a_pair_counts_by_one_over_its_chance_and_an_anchor_by_one_over_its_own():
    table = votes([("a", "x", True, 1, 0.5, 0.1), ("a", "y", False, 1, 0.25, 0.1), ("b", "z", True, 1, 1.0, 0.2)])
    rates = anchor_rates(table, places(table)).set_index("anchor_id")
    # a: (1/0.5) / 2 = 1 bad of (1/0.5 + 1/0.25) / 2 = 3 drawn, weight 10; b: 0.5 of 0.5, weight 5.
    assert rates.loc["a", ["bad", "drawn", "weight"]].tolist() == [1.0, 3.0, 10.0]
    assert rates.loc["b", ["bad", "drawn", "weight"]].tolist() == [0.5, 0.5, 5.0]
    row = stratum_rates(rates.reset_index()).iloc[0]
    assert row["rate"] == pytest.approx((10 * 1 + 5 * 0.5) / (10 * 3 + 5 * 0.5))
    assert row["low"] < row["rate"] < row["high"]


def test_two_opinions_on_a_pair_are_one_pair_and_those_who_cannot_tell_are_none():
    table = votes([("a", "x", True, 1, 1.0, 0.5), ("a", "x", False, 1, 1.0, 0.5), ("a", "y", True, 1, 1.0, 0.5)])
    table.loc[2, "verdict"] = "unsure"
    row = anchor_rates(table, places(table)).iloc[0]
    assert (row["bad"], row["drawn"], row["pairs"]) == (0.25, 0.5, 1)


def test_implied_judgements_and_other_reasons_can_be_left_out():
    table = votes([("a", "x", True, 1, 1.0, 0.5), ("a", "y", True, 1, 1.0, 0.5), ("a", "z", False, 1, 1.0, 0.5)])
    table["implied"], table["reason"] = [False, False, True], ["wrong_kind", None, None]
    assert anchor_rates(table, places(table), implied=False)["pairs"].tolist() == [2]
    assert anchor_rates(table, places(table, listed=1), reason="wrong_kind")["bad"].tolist() == [1.0]


def test_chosen_products_are_in_no_rate_and_impossible_chances_are_refused():
    table = votes([("a", "x", True, 1, 1.0, np.nan), ("b", "x", False, 1, 1.0, 0.5)])
    assert anchor_rates(table, places(table))["anchor_id"].tolist() == ["b"]
    with pytest.raises(LongtailError, match="pair_probability of 0"):
        anchor_rates(votes([("a", "x", True, 1, 0.0, 0.5)]), places(table))


def test_rates_of_all_products_weigh_strata_by_their_size():
    table = votes(
        [(f"a{n}", "x", n < 2, 1, 1.0, 0.5) for n in range(4)] + [(f"b{n}", "x", False, 2, 1.0, 0.5) for n in range(4)]
    )
    strata = stratum_rates(anchor_rates(table, places(table, listed=1)))
    ranges = strata.assign(bin_low=strata["stratum"], judged=strata["pairs"])
    overall = shares(ranges, {1: 300, 2: 100})["als"]
    assert overall.rate == pytest.approx(0.375)
    assert overall.covered == 1


def _two_arms(gaps: dict[int, float], anchors: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    tables, seen = [], []
    for stratum, gap in gaps.items():
        for arm, rate in (("als", 0.3 + gap), ("hybrid", 0.3)):
            bad = rng.permutation(anchors) < round(rate * anchors)
            table = votes([(f"{stratum}/{n}", f"{arm}{n}", bad[n], stratum, 1.0, 0.5) for n in range(anchors)])
            tables.append(table)
            seen.append(places(table, arm, 1))
    return anchor_rates(pd.concat(tables), pd.concat(seen))


def test_the_crossover_is_where_the_difference_is_gone():
    found = crossover(paired_differences(_two_arms({2: 0.3, 4: 0.1, 6: -0.1, 8: -0.2}), "als", "hybrid"))
    assert found.count == pytest.approx(2**5, rel=0.02)
    assert found.low < 2**5 < found.high
    assert crossover_sentence(found, "clicks").startswith("Behaviour catches up with Longtail at about 32 clicks (95%")


@pytest.mark.parametrize(
    ("gaps", "sentence"),
    [
        ({2: 0.4, 5: 0.3}, "beyond 32 clicks, if at all"),
        ({2: -0.2, 5: -0.3}, "however many clicks a product has"),
    ],
)
def test_a_crossover_outside_what_was_judged_is_open(gaps, sentence):
    found = crossover(paired_differences(_two_arms(gaps), "als", "hybrid"))
    assert found.count is None
    assert sentence in crossover_sentence(found, "clicks")


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (Crossover(32.0, None, None, False, 4.0, 64.0), "Too few judged to tell at how many clicks behaviour catches up with Longtail"),
        (Crossover(None, None, None, True, 4.0, 64.0), "Too few judged to tell at how many clicks behaviour catches up with Longtail"),
        (Crossover(None, None, 16.0, True, 4.0, 64.0), "Behaviour catches up with Longtail at 16 clicks or fewer"),
        (Crossover(None, 20.0, None, False, 4.0, 64.0), "Behaviour catches up with Longtail beyond 20 clicks, if at all"),
    ],
)  # fmt: skip
def test_of_a_crossover_no_more_is_said_than_the_interval_holds(found, sentence):
    assert crossover_sentence(found, "clicks") == sentence


def test_the_planner_wants_no_more_where_it_is_clear_and_more_the_closer_it_is():
    assert cards_to_separate(0.5, 0.05, 20) == 0
    close, clear = cards_to_separate(0.15, 0.08, 30), cards_to_separate(0.157, 0.08, 30)
    assert close is not None
    assert clear is not None
    assert close > clear > 0
    assert cards_to_separate(0.001, 0.1, 20) is None


@pytest.fixture(scope="module")
def facade(tmp_path_factory) -> Recommender:
    return Recommender.open(build_tiny_release(Workspace(tmp_path_factory.mktemp("weighted")), 72).workspace)


@pytest.fixture
def judged(store, facade):
    """A campaign judged to its end by two people, everything of the behaviour list irrelevant."""
    plan = Plan(
        "Spring </script><script>alert(1)</script>",
        arms=("als", "hybrid"),
        target=4,
        second_share=1.0,
        repeat_share=0.0,
    )
    made = create_campaign(store.database, facade, plan)
    spring, now = campaign(store.database, made), 1_800_000_000.0

    def pool(anchor):
        return pool_of_release(facade.release_id, facade.arms_returning(anchor, 10), spring.arms)

    rng = np.random.default_rng(0)
    for rater in ("Ann", "Bo"):
        while True:
            with store.database.transaction() as session:
                cards = queue.draw(session, spring, rater, 5, pool, now=now, rng=rng)
            if not cards:
                break
            for card in cards:
                by_arm = {name: set(arms["r0001"]) for name, arms in pool(card.anchor_id).ranks.items()}
                said = [
                    Vote(
                        client_id=str(uuid.uuid4()), neighbour_id=name,
                        verdict="irrelevant" if "als" in by_arm[name] else "relevant",
                    )
                    for name in card.neighbour_ids
                ]  # fmt: skip
                with store.database.transaction() as session:
                    judge(session, card.id, rater, said, now=now, seconds=3.0)
                now += 1
    return spring


def test_a_campaign_judged_by_a_rule_has_the_rate_of_the_rule(store, facade, judged):
    table = drawn(store, judged.id)
    assert set(table["rater"]) == {"Ann", "Bo"}
    sizes = facade.items.groupby("interaction_count").size()
    strata = stratum_rates(anchor_rates(table, card_appearances(store.database, judged.id)))
    behaviour = strata[strata["arm"] == "als"]
    assert (behaviour["rate"] == 1).all()
    assert (table["anchor_probability"] <= 1).all()
    assert len(sizes) > 0
    cards = cards_of(store.database, judged.id)
    assert (cards["card_kind"] != "repeat").sum() == table["card_id"].nunique()
    assert len(votes_on_cards(store, judged.id)) >= len(table)


def test_the_evidence_pack_redraws_the_published_rates(store, facade, judged, tmp_path):
    pack = tmp_path / "pack.zip"
    workspace = Workspace(facade.directory.parent.parent)
    pack.write_bytes(evidence_pack(store, judged, workspace, k=10, seed=0))
    with zipfile.ZipFile(pack) as opened:
        opened.extractall(tmp_path / "pack")
    done = subprocess.run(
        [sys.executable, "redraw.py"], cwd=tmp_path / "pack", capture_output=True, text=True, check=True
    )
    apart = [
        float(line.rpartition(" ")[2])
        for line in done.stdout.splitlines()
        if "furthest from the published ones:" in line
    ]
    assert len(apart) == 2
    assert max(apart) < 1e-9
    assert (pd.read_csv(tmp_path / "pack" / "overall.csv")["anchors"] > 0).all()
    assert float(done.stdout.rsplit(": ", 1)[1]) < 1e-12
    published = pd.read_csv(tmp_path / "pack" / "rates.csv")
    assert len(published) == len(pd.read_csv(tmp_path / "pack" / "redrawn.csv")) > 3
    page = (tmp_path / "pack" / "chart.html").read_text("utf-8")
    assert "Spring" in page
    assert "<script>alert" not in page
    assert "engine" not in (tmp_path / "pack" / "redraw.py").read_text().replace("# engine", "")


def test_qrels_hold_what_most_people_say():
    table = pd.DataFrame(
        [("a b", "x", "relevant"), ("a b", "y", "irrelevant"), ("c", "z", "relevant"), ("c", "z", "irrelevant")],
        columns=["anchor_id", "neighbour_id", "verdict"],
    )
    assert qrels(table) == "a%20b 0 x 1\na%20b 0 y 0\n"


def test_a_difference_over_all_products_weighs_groups_by_their_size():
    apart = paired_differences(_two_arms({0: 0.3, 4: -0.1}), "als", "hybrid")
    found = overall_difference(apart, {0: 300.0, 4: 100.0, 9: 50.0})
    assert found is not None
    difference, low, high = found
    assert difference == pytest.approx(0.75 * 0.3 - 0.25 * 0.1, abs=1e-9)
    assert low < difference < high
    assert high - low < 0.2
    assert overall_difference(apart, {9: 50.0}) is None
    assert overall_difference(apart.iloc[:0], {0: 1.0}) is None
