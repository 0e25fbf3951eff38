"""Arms beside the hybrid, on a catalogue whose groups are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from engine.arms.geometry import ArmVectors
from engine.arms.hybrid_fit import Hybrid
from engine.core.vectors import unit_rows
from engine.evaluation.targets import Targets
from engine.models.recipe import Recipe, Silence
from engine.selection.beside_choice import with_channels, with_fallback
from tests.support.grouped_catalogue import GROUP, GROUPS, GroupedCatalogue

PLAIN = Recipe({"content": 1.0}, silence=Silence(weight=0.0))


def truth() -> Targets:
    targets = np.arange(0, 240, 7)  # of all groups
    allowed = np.ones(240, dtype=bool)
    allowed[targets] = False
    gains = sparse.csr_matrix(((GROUP[targets][:, None] == GROUP[None]) & allowed).astype(float))
    return Targets(targets, gains, allowed)


def hybrid_of(query: np.ndarray, candidates: np.ndarray, counts: np.ndarray) -> Hybrid:
    return replace(
        GroupedCatalogue().fitted(),
        query=query,
        candidates=candidates,
        counts=counts,
        unknown=np.zeros(240, np.float32),
    )


def test_an_arm_that_is_clearly_better_answers_for_its_counts_and_no_other():
    targets = truth()
    counts = np.where(np.arange(240) % 4 == 0, 2, 8)
    right, rng = unit_rows(np.eye(GROUPS, dtype=np.float32)[GROUP]), np.random.default_rng(1)
    noise = unit_rows(rng.normal(size=(240, GROUPS)).astype(np.float32))
    where = (counts == 2)[:, None]
    good = ArmVectors(np.where(where, right, noise), right)
    bad = ArmVectors(np.where(where, noise, right), right)
    recipe = with_fallback(PLAIN, bad, {"content": good}, counts, targets)
    assert recipe.fallback == {1: "content", 4: "hybrid"}
    same = with_fallback(PLAIN, good, {"content": good}, counts, targets)
    assert same.fallback == {}


def test_behaviour_is_added_where_it_helps_and_nowhere_else():
    targets = truth()
    rng = np.random.default_rng(1)
    right = unit_rows(np.eye(GROUPS, dtype=np.float32)[GROUP])
    noise = unit_rows(rng.normal(size=(240, GROUPS)).astype(np.float32))
    counts = np.full(240, 20)
    good, bad = (ArmVectors(q, right) for q in (right, noise))
    recipe = PLAIN
    helped = with_channels(recipe, hybrid_of(noise, right, counts), {"als": good}, counts, targets, low=11, high=None)
    assert set(helped.channels["als"]) == {11}
    within = with_channels(recipe, hybrid_of(noise, right, counts), {"als": good}, counts, targets, low=1, high=20)
    assert within.channels["als"][21] == 0.0
    assert within.channels["als"][1] > 0
    unhelped = with_channels(recipe, hybrid_of(right, right, counts), {"als": bad}, counts, targets, low=11, high=None)
    assert unhelped.channels == {}
    elsewhere = with_channels(recipe, hybrid_of(noise, right, counts), {"als": good}, counts, targets, low=1, high=10)
    assert elsewhere.channels == {}


def test_what_stands_beside_the_hybrid_stays_until_it_is_clearly_worse():
    targets, counts = truth(), np.full(240, 20)
    right = unit_rows(np.eye(GROUPS, dtype=np.float32)[GROUP])
    noise = unit_rows(np.random.default_rng(1).normal(size=(240, GROUPS)).astype(np.float32))
    good, bad = (ArmVectors(q, right) for q in (right, noise))
    served = replace(PLAIN, channels={"als": {11: 0.5}})
    hybrid = hybrid_of(right, right, counts)

    def channels(arm: ArmVectors, low: int, high: int | None) -> dict[str, dict[int, float]]:
        return with_channels(PLAIN, hybrid, {"als": arm}, counts, targets, low=low, high=high, standing=served).channels

    assert channels(good, 11, None) == served.channels
    served = replace(PLAIN, channels={"als": {11: 8.0}})
    assert channels(ArmVectors(-right, right), 11, None) == {}
    assert channels(bad, 50, None) == {"als": {50: 8.0}}  # too few products to tell
    quiet = np.full(240, 2)
    answered = replace(PLAIN, fallback={1: "content", 4: "hybrid"})
    assert with_fallback(PLAIN, good, {"content": good}, quiet, targets, answered).fallback == answered.fallback
    assert with_fallback(PLAIN, good, {"content": bad}, quiet, targets, answered).fallback == {}
    gone = replace(PLAIN, fallback={1: "another", 4: "hybrid"})
    assert with_fallback(PLAIN, good, {"content": bad}, quiet, targets, gone).fallback == {}
