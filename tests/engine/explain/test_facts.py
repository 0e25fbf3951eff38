"""Facts are what the shop's files say, worked out here from the files themselves."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from engine.catalogue.product import Product
from engine.core.vectors import unit_rows
from engine.explain.facts import LOOK_ALIKES, Anchor, Explainer, Facts
from engine.explain.score_parts import BEHAVIOUR, CARRIED, OWN, PREDICTED
from engine.recommend.neighbour import Neighbour
from engine.recommend.recommender import Recommender
from tests.support.tiny_release import TinyRelease


@pytest.fixture(scope="module")
def explainer(recommender: Recommender) -> Explainer:
    return Explainer(recommender)


@pytest.fixture(scope="module")
def users(recommender: Recommender) -> dict[str, set[int]]:
    """item_id -> who interacted with it, from the release's files."""
    table = sparse.load_npz(recommender.directory / "user_items.npz").tocoo()
    ids = pd.read_parquet(recommender.directory / "items.parquet")["item_id"]
    found: dict[str, set[int]] = {item_id: set() for item_id in ids}
    for user, item in zip(table.row, table.col, strict=True):
        found[ids[item]].add(int(user))
    return found


def explained(recommender: Recommender, explainer: Explainer, item_id: str, arm: str) -> list[Facts]:
    return explainer.facts(Anchor.of(recommender, item_id), recommender.neighbours(item_id, arm, 10), arm)


@pytest.mark.parametrize("arm", ["als", "predicted", "content", "hybrid"])
def test_shared_shoppers_are_those_who_have_both(recommender, explainer, users, tiny: TinyRelease, arm):
    for item_id in list(tiny.families)[::7]:
        for facts in explained(recommender, explainer, item_id, arm):
            assert facts.shared == len(users[item_id] & users[facts.item_id])
            assert facts.counts == (tiny.counts[item_id], tiny.counts[facts.item_id])


def test_shoppers_of_similar_products_have_another_look_alike_and_not_the_product(recommender, explainer, users, tiny):
    for item_id in list(tiny.families)[::7]:
        alike = {one.item_id for one in recommender.neighbours(item_id, "content", LOOK_ALIKES)}
        for facts in explained(recommender, explainer, item_id, "hybrid"):
            near = set().union(*(users[one] for one in alike - {facts.item_id})) - users[item_id]
            assert facts.carried == len(users[facts.item_id] & near)


def test_equal_fields_are_equal_in_the_catalogue_and_the_rarest_value_is_first(recommender, explainer, tiny):
    items = recommender.items.set_index("item_id")
    for item_id in list(tiny.families)[::7]:
        for facts in explained(recommender, explainer, item_id, "hybrid"):
            names = [name.removeprefix("attribute:") for name in facts.equal]
            for name in names:
                mine, theirs = items.at[item_id, name], items.at[facts.item_id, name]
                assert sorted(mine) == sorted(theirs) if name == "occasions" else mine == theirs
            held = [int((items[name] == items.at[item_id, name]).sum()) for name in names if name != "occasions"]
            assert held == sorted(held)
            assert "colour" in names or tiny.families[item_id] != tiny.families[facts.item_id]


def test_a_value_that_most_products_have_is_not_named(recommender, explainer):
    plain = recommender.items.assign(colour="beige")
    beige = Explainer(
        recommender.with_rows(
            plain, {name: recommender.arm(name) for name in recommender.arms}, "beige", np.arange(len(plain))
        )
    )
    some = [Neighbour("f0-01", recommender.row("f0-01"), 1, 1.0)]
    anchor = Anchor(Product(brand="House 0", attributes={"colour": "beige"}), None, {})
    other = Explainer(recommender).facts(Anchor.of(recommender, "f0-00"), some, "hybrid")[0]
    assert "attribute:colour" in other.equal
    assert "attribute:colour" not in beige.facts(anchor, some, "hybrid")[0].equal


@pytest.mark.parametrize("arm", ["als", "predicted", "content", "hybrid"])
def test_parts_are_shares_of_the_score(recommender, explainer, tiny, arm):
    named = {"als": {OWN}, "predicted": {PREDICTED}, "content": {"attributes"}}
    for item_id in list(tiny.families)[::5]:
        for facts, one in zip(
            explained(recommender, explainer, item_id, arm), recommender.neighbours(item_id, arm, 10), strict=True
        ):
            # Where nothing speaks for a product, which is there because a tiny shop has no better, there is no share.
            if one.score > 0:
                assert sum(facts.parts.values()) == pytest.approx(1.0)
            assert all(share > 0 for share in facts.parts.values())
            assert set(facts.parts) <= named.get(arm, {BEHAVIOUR, CARRIED, PREDICTED, "attributes"})


def test_what_training_measured_tells_own_shoppers_from_those_of_look_alikes(recommender, explainer, monkeypatch):
    before = explained(recommender, explainer, "f0-00", "hybrid")[0].parts
    shares = [{"low": 0, "high": 10, "own": 0.0}, {"low": 11, "high": None, "own": 0.25}]
    monkeypatch.setitem(recommender.training, "shares", shares)
    after = explained(recommender, explainer, "f0-00", "hybrid")[0].parts
    assert after[OWN] == pytest.approx(0.25 * before[BEHAVIOUR])
    assert after[CARRIED] == pytest.approx(0.75 * before[BEHAVIOUR])


def test_of_the_hybrids_score_content_is_what_its_block_adds(recommender, explainer, tiny):
    """The last block but the completing column is that of content where behaviour is silent."""
    search = recommender.arm("hybrid")
    width = recommender.arm("content").query.shape[1]
    for item_id in list(tiny.families)[::5]:
        row = recommender.row(item_id)
        for facts in explained(recommender, explainer, item_id, "hybrid"):
            query, other = search.query[row], unit_rows(search.candidates[[recommender.row(facts.item_id)]])[0]
            each = query * other
            content, rest = max(float(each[-1 - width : -1].sum()), 0.0), max(float(each[: -1 - width].sum()), 0.0)
            expected = content / (content + rest) if content + rest else 0.0
            assert facts.parts.get("attributes", 0.0) == pytest.approx(expected, abs=1e-4)


def test_alike_is_told_by_random_pairs(recommender, explainer, tiny):
    """Products of a family have the same attributes, or nearly; five in six random pairs are of different families."""
    for item_id in list(tiny.families)[:12]:
        for facts in explained(recommender, explainer, item_id, "content")[:3]:
            assert facts.alike["attributes"] > 0.8


def test_a_draft_has_no_shoppers_and_what_it_has_in_common(recommender, explainer):
    draft = Product(title="New", brand="House 0", attributes={"colour": "crimson"})
    anchor = Anchor.of(recommender, "f0-00")
    (facts,) = explainer.facts(anchor, [Neighbour("draft-1", -1, 1, 0.5)], "hybrid", {"draft-1": draft})
    assert (facts.shared, facts.counts[1], facts.parts) == (0, 0, {})
    assert facts.equal == ("attribute:colour", "brand")
    assert facts.missing == {"image"}


def test_the_same_picture_and_the_same_text_are_said(recommender, explainer):
    product = recommender.product("f0-01")
    anchor = Anchor(product, None, {})
    (facts,) = explainer.facts(anchor, [Neighbour("f0-01", recommender.row("f0-01"), 1, 1.0)], "hybrid")
    assert facts.same == {"image", "text"}


def test_of_twenty_neighbours_facts_are_there_at_once(recommender, explainer):
    anchor, neighbours = Anchor.of(recommender, "f0-00"), recommender.neighbours("f0-00", "hybrid", 20)
    explainer.facts(anchor, neighbours, "hybrid")
    began = time.perf_counter()
    explainer.facts(anchor, neighbours, "hybrid")
    assert time.perf_counter() - began < 0.5
