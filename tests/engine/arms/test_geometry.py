import numpy as np

from engine.arms import geometry
from engine.arms.geometry import BlockLayout, completed, spread_grams, spreads

RNG = np.random.default_rng(0)


def short(n: int, width: int) -> np.ndarray:
    """Rows at most of length 1."""
    rows = RNG.normal(size=(n, width))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True) * RNG.uniform(0.1, 1.0, (n, 1))).astype(np.float32)


def test_a_completing_column_brings_rows_to_length_one_and_leaves_inner_products():
    rows, query = short(6, 4), short(3, 4)
    full = completed(rows)
    np.testing.assert_allclose(np.linalg.norm(full, axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(np.hstack([query, np.zeros((3, 1))]) @ full.T, query @ rows.T, atol=1e-6)


def test_one_inner_product_of_blocks_is_the_sum_of_each_blocks_own():
    layout = BlockLayout({"one": 3, "two": 5})
    theirs = {"one": short(6, 3), "two": short(6, 5)}
    asked = {"one": short(4, 3), "two": 2 * short(4, 5)}
    candidates = layout.candidates(theirs)
    np.testing.assert_allclose(np.linalg.norm(candidates, axis=1), 1.0, atol=1e-6)
    wanted = sum(asked[name] @ theirs[name].T for name in layout.widths)
    np.testing.assert_allclose(layout.queries(asked) @ candidates.T * layout.scale, wanted, atol=1e-5)


def test_a_block_is_found_again_and_can_be_written_to():
    layout = BlockLayout({"one": 3, "two": 5})
    vectors = layout.queries({"one": short(2, 3), "two": short(2, 5)})
    layout.block(vectors, "two")[:] = 7
    assert (vectors[:, 3:8] == 7).all()
    assert (vectors[:, 8] == 0).all()
    assert (vectors[:, :3] != 7).all()


def test_spreads_are_the_standard_deviation_of_all_inner_products():
    candidates, query = short(50, 4), short(3, 4)
    expected = (query @ candidates.T).std(axis=1)
    grams = spread_grams(lambda rows: {"own": candidates[rows]}, ["own"], len(candidates))
    np.testing.assert_allclose(spreads(query, grams["own"]), expected, rtol=1e-4)


def test_spreads_are_the_same_whether_candidates_come_at_once_or_in_blocks(monkeypatch):
    candidates, query = short(50, 4), short(3, 4)
    whole = spread_grams(lambda rows: {"own": candidates[rows]}, ["own"], 50)["own"]
    monkeypatch.setattr(geometry, "row_blocks", lambda n: iter([slice(0, 20), slice(20, 40), slice(40, n)]))
    np.testing.assert_allclose(
        spread_grams(lambda rows: {"own": candidates[rows]}, ["own"], 50)["own"], whole, atol=1e-6
    )
    assert spreads(query, whole).shape == (3,)
