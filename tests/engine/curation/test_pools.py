"""The pool of a product: who returned what, in one release and in two."""

from __future__ import annotations

from engine.curation.pools import Pool, joined, pool_of_release

RETURNED = {"a": {"als": 1, "hybrid": 2}, "b": {"hybrid": 1}, "c": {"content": 1}}


def test_only_judged_arms_are_in_a_pool():
    pool = pool_of_release("r1", RETURNED, ("als", "hybrid"))
    assert pool.ranks == {"a": {"r1": {"als": 1, "hybrid": 2}}, "b": {"r1": {"hybrid": 1}}}
    assert pool.lengths == {"r1": {"als": 1, "hybrid": 2}}


def test_the_pools_of_two_releases_are_one_without_what_cannot_be_shown():
    pools = [pool_of_release(name, RETURNED, ("als", "hybrid")) for name in ("r1", "r2")]
    both = joined(pools, shown=lambda item_id: item_id != "b")
    assert both.ranks == {"a": {"r1": {"als": 1, "hybrid": 2}, "r2": {"als": 1, "hybrid": 2}}}
    assert set(both.lengths) == {"r1", "r2"}
    assert joined([], shown=bool) == Pool({}, {})
