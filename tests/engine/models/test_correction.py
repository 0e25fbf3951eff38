"""What judgements do to the hybrid: to the judged list, to look-alikes, and nothing where they say nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.arms.beside import Beside
from engine.arms.hybrid_files import load_hybrid, save_hybrid
from engine.core.vectors import unit_rows
from engine.models.correction import Pairs, fit_correction, ordered
from engine.models.tfidf import fit_tfidf
from engine.models.views import fit_standard
from tests.support.grouped_catalogue import GroupedCatalogue

N = 240
STYLE = (np.arange(N) // 6) % 2
"""What behaviour does not tell and the text does: every group comes in two styles."""


@pytest.fixture(scope="module")
def shop() -> GroupedCatalogue:
    made = GroupedCatalogue()
    block = made.features["text"]
    values = np.hstack([block.values, np.where(STYLE, 3.0, -3.0)[:, None].astype(np.float32)])
    made.features = {"text": replace(block, values=values)}
    made.items = made.items.assign(
        title=[f"{t} {'plain' if s else 'lacy'}" for t, s in zip(made.items["title"], STYLE, strict=True)]
    )
    made.vocabulary = fit_tfidf(made.items, {})
    made.standard = fit_standard(made.features)
    made.views = made.standard.views(made.features, made.predicted, made.vocabulary.encode(made.items))
    return made


def listed(query: np.ndarray, candidates: np.ndarray, k: int = 10) -> np.ndarray:
    scores = unit_rows(query) @ candidates.T
    np.fill_diagonal(scores, -np.inf)
    return np.argsort(-scores, axis=1)[:, :k]


def judged(query: np.ndarray, candidates: np.ndarray, anchors: np.ndarray, k: int = 20) -> Pairs:
    """The lists of some products, judged by style."""
    lists = listed(query, candidates, k)[anchors]
    rows = np.repeat(anchors, k)
    bad = STYLE[rows] != STYLE[lists.ravel()]
    return Pairs(rows, lists.ravel(), bad, ~bad)


def test_judgements_on_some_products_mend_the_lists_of_others(shop):
    fitted = shop.fitted()
    chosen = np.random.default_rng(1).permutation(N)
    teach, apart = chosen[:120], chosen[120:]
    pairs = judged(fitted.query, fitted.candidates, teach)
    found = fit_correction(fitted.query, fitted.candidates, shop.views, fitted.recipe.kernel(), pairs, 0)
    assert found is not None
    assert found.correction.power > 0
    after = fitted.corrected(found.correction, shop.views)
    wrong = [
        float((STYLE[listed(one.query, one.candidates)[apart]] != STYLE[apart][:, None]).mean())
        for one in (fitted, after)
    ]
    assert wrong[1] < 0.7 * wrong[0], wrong
    held = judged(fitted.query, fitted.candidates, apart)
    before, since = (ordered(unit_rows(one.query), one.candidates, held).mean() for one in (fitted, after))
    assert since > before + 0.1


def test_where_it_helps_nobody_else_judged_lists_alone_change(shop):
    fitted = shop.fitted()
    rng = np.random.default_rng(2)
    anchors = np.sort(rng.choice(N, 40, replace=False))
    pairs = replace(judged(fitted.query, fitted.candidates, anchors, 10), bad=rng.random(400) < 0.3)
    pairs = replace(pairs, implied=~pairs.bad)
    found = fit_correction(fitted.query, fitted.candidates, shop.views, fitted.recipe.kernel(), pairs, 0)
    assert found is not None
    assert found.correction.power == 0
    after = fitted.corrected(found.correction, shop.views)
    others = np.setdiff1d(np.arange(N), anchors)
    np.testing.assert_allclose(after.query[others], unit_rows(fitted.query)[others], atol=1e-6)
    lists = listed(after.query, after.candidates)
    still = np.mean(
        [b in lists[a] for a, b, bad in zip(pairs.anchors, pairs.neighbours, pairs.bad, strict=True) if bad]
    )
    kept = np.mean(
        [b in lists[a] for a, b, bad in zip(pairs.anchors, pairs.neighbours, pairs.bad, strict=True) if not bad]
    )
    assert still < 0.4 < 0.6 < kept, (still, kept)
    assert not found.correction(shop.views).any()  # an uploaded product is nobody's judged product


def test_lists_that_are_as_they_should_be_stay(shop):
    fitted = shop.fitted()
    pairs = judged(fitted.query, fitted.candidates, np.arange(20), 10)
    nothing = replace(pairs, bad=np.zeros(len(pairs), dtype=bool))
    assert fit_correction(fitted.query, fitted.candidates, shop.views, fitted.recipe.kernel(), nothing, 0) is None


def test_a_product_uploaded_later_asks_as_people_judged(shop, tmp_path: Path):
    fitted = shop.fitted()
    pairs = judged(fitted.query, fitted.candidates, np.arange(0, N, 2))
    found = fit_correction(fitted.query, fitted.candidates, shop.views, fitted.recipe.kernel(), pairs, 0)
    assert found is not None
    after = fitted.corrected(found.correction, shop.views)
    save_hybrid(after, shop.vocabulary, Beside({}, np.zeros(0, np.float32)), tmp_path)
    saved = load_hybrid(tmp_path)
    views = saved.views(shop.items[:5], {"text": shop.features["text"].take(range(5))}, shop.predicted[:5])
    asked = unit_rows(saved.corrected(saved.expected(views)[0], views))
    np.testing.assert_allclose(asked, unit_rows(after.query)[:5], atol=1e-5)


def test_the_same_judgements_teach_the_same(shop):
    fitted = shop.fitted()
    pairs = judged(fitted.query, fitted.candidates, np.arange(60))
    once, again = (
        fit_correction(fitted.query, fitted.candidates, shop.views, fitted.recipe.kernel(), pairs, 3) for _ in range(2)
    )
    assert once is not None
    assert again is not None
    np.testing.assert_array_equal(once.correction.coefficients, again.correction.coefficients)
