"""Comparing with the same items again and again gives what comparing once gives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from engine.models import kernel as module
from engine.models.kernel import Kernel, KernelTo, Rows, unit

KERNEL = Kernel({"content": 4.0, "words": 0.0, "tags": 2.0}, {"content": 2.0, "words": 1.0, "tags": 1.0})


def items(n: int, seed: int) -> dict[str, Rows]:
    rng = np.random.default_rng(seed)
    content = unit(rng.normal(size=(n, 6)).astype(np.float32))
    content[::7] = 0.0  # products without it
    some = (sparse.random(n, 90, 0.05, "csr", np.float32, random_state=rng) for _ in range(2))
    words, tags = (unit(sparse.csr_matrix(one)) for one in some)
    return {"content": content, "words": words, "tags": tags}


@pytest.mark.parametrize("held_dense", [True, False])
@pytest.mark.parametrize("n", [0, 1, 40])
def test_it_is_the_kernel(n: int, held_dense: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 16)
    monkeypatch.setattr(module, "_HELD_DENSE", 1 << 27 if held_dense else 0)
    some, others = items(n, 1), items(25, 2)
    found = KernelTo(KERNEL, others)(some)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, KERNEL(some, others), atol=1e-6)
