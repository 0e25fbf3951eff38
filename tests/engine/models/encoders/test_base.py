"""Features of several modalities put together."""

from __future__ import annotations

import numpy as np
import pytest

from engine.models.encoders import Features, content_vectors


def features(*rows: list[float]) -> Features:
    values = np.array(rows, dtype=np.float32)
    return Features(values, values.any(axis=1))


def test_the_cosine_is_the_mean_of_the_modalities_cosines() -> None:
    text, image = features([3, 4], [0, 2]), features([1, 0, 0], [9, 0, 0])
    vectors = content_vectors({"text": text, "image": image})
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert vectors[0] @ vectors[1] == pytest.approx((0.8 + 1.0) / 2)
    weighted = content_vectors({"text": text, "image": image}, {"text": 3.0})
    assert weighted[0] @ weighted[1] == pytest.approx((3 * 0.8 + 1.0) / 4)


def test_the_order_of_the_modalities_given_does_not_matter() -> None:
    text, image = features([3, 4]), features([1, 2, 3])
    one, other = content_vectors({"text": text, "image": image}), content_vectors({"image": image, "text": text})
    assert np.array_equal(one, other)


def test_a_missing_modality_is_zero_and_an_item_without_content_too() -> None:
    vectors = content_vectors({"text": features([3, 4], [0, 0]), "image": features([0, 0], [0, 0])})
    assert np.allclose(vectors[0], [0.6, 0.8, 0, 0])
    assert not vectors[1].any()
    assert vectors.dtype == np.float32


def test_a_very_wide_modality_is_narrowed_and_keeps_its_cosines() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 5000)).astype(np.float32)
    values[20:] = values[:20] + 0.5 * rng.normal(size=(20, 5000))
    wide = Features(values, np.ones(40, dtype=bool))
    narrow = content_vectors({"attributes": wide})
    assert narrow.shape[1] < 2000
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    assert np.abs(narrow @ narrow.T - unit @ unit.T).max() < 0.15
    # A product that comes later is projected in the same way, whatever else is there.
    assert np.allclose(content_vectors({"attributes": wide.take([7])})[0], narrow[7], atol=1e-6)


def test_features_whose_parts_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="do not match"):
        Features(np.zeros((3, 2), np.float32), np.ones(2, bool))
