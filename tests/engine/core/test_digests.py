from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from engine.core.digests import digest_of
from engine.core.settings import AlsSettings


@dataclass(frozen=True)
class Pair:
    left: Any
    right: Any


ROWS = np.arange(6, dtype=np.float32)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ROWS, ROWS + np.float32(1e-6)),
        (ROWS, ROWS.reshape(2, 3)),
        (ROWS, ROWS.astype(np.float64)),
        (np.array(["a", "bc"], dtype=object), np.array(["ab", "c"], dtype=object)),
        (["a", "bc"], ["ab", "c"]),
        ([[1], 2], [[1, 2]]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (1, 1.0),
        (None, "null"),
        (Pair(1, 2), Pair(2, 1)),
        (AlsSettings(), AlsSettings(alpha=6.0)),
        (sparse.csr_matrix((2, 3)), sparse.csr_matrix((3, 2))),
        (sparse.csr_matrix(np.eye(2)), sparse.csr_matrix(2 * np.eye(2))),
    ],
)
def test_other_values_have_other_digests(one: Any, other: Any) -> None:
    assert digest_of(one) != digest_of(other)


def test_equal_values_have_equal_digests_however_they_lie_in_memory() -> None:
    square = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert digest_of(square, "a") == digest_of(np.asfortranarray(square), "a")
    wide = sparse.csr_matrix(square)
    wide.indices = wide.indices.astype(np.int64)
    assert digest_of(sparse.csr_matrix(square)) == digest_of(wide)
    assert digest_of(Pair(1, [square])) == digest_of(Pair(1, [square.copy()]))


def test_what_has_no_digest_is_refused() -> None:
    with pytest.raises(TypeError, match="no digest of object"):
        digest_of(object())
