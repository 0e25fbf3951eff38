"""What each part of the content adds, where one part tells the groups and another tells nothing."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from engine.evaluation.fits import Content
from engine.evaluation.targets import Targets
from engine.models.encoders import Features, content_vectors
from engine.models.recipe import default_recipe
from engine.selection.modality_gains import modality_gains
from tests.support.grouped_catalogue import GROUP, GroupedCatalogue

SHOP = GroupedCatalogue()


def found(names: tuple[str, ...]) -> dict[str, float]:
    rng = np.random.default_rng(1)
    known = np.ones(240, dtype=bool)
    parts = {
        "text": SHOP.features["text"],
        "attributes": Features(rng.normal(size=(240, 6)).astype(np.float32), known),
    }
    features = {name: parts[name] for name in names}
    rows = np.flatnonzero(SHOP.counts == 0)
    gains = sparse.csr_matrix(
        ((GROUP[rows][:, None] == GROUP[None]) & (np.arange(240)[None] != rows[:, None])).astype(float)
    )
    targets = Targets(rows, gains, np.ones(240, dtype=bool))
    content = Content(features, content_vectors(features))
    recipe = default_recipe(("content",), 240)
    return {one.tried: one.ndcg for one in modality_gains(recipe, SHOP.factors, SHOP.counts, content, targets, 0)}


def test_leaving_out_what_tells_costs_and_what_tells_nothing_does_not():
    ndcg = found(("text", "attributes"))
    assert set(ndcg) == {"", "text", "attributes"}
    assert ndcg["text"] < 0.6 * ndcg[""]
    assert ndcg["attributes"] >= ndcg[""] - 0.02


def test_one_part_alone_has_nothing_to_compare():
    assert found(("text",)) == {}
