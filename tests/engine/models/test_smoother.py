import numpy as np
import pytest
from scipy import sparse

from engine.core.errors import TrainingError
from engine.core.vectors import unit_rows
from engine.models.kernel import Kernel, UnitRows, unit
from engine.models.smoother import Capacity, fit_smoother

KERNEL = Kernel({"content": 4.0}, {"content": 1.0})


@pytest.fixture
def catalogue() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Six groups; content shows the group, behaviour shows it the better the more interactions an item has."""
    rng = np.random.default_rng(0)
    group = np.arange(300) % 6
    counts = np.where(np.arange(300) < 60, 0, rng.integers(20, 400, 300))
    truth = np.eye(6)[group]
    observed = (truth * np.sqrt(counts)[:, None] + rng.normal(0, 1, (300, 6))).astype(np.float32)
    observed[counts == 0] = 0
    content = (truth + rng.normal(0, 0.2, (300, 6))).astype(np.float32)
    return group, counts, observed, content


def test_items_without_clicks_get_what_their_look_alikes_have(catalogue):
    group, counts, observed, content = catalogue
    smoothed = fit_smoother(observed, counts, {"content": content}, KERNEL)({"content": content})
    assert (smoothed[counts == 0].argmax(axis=1) == group[counts == 0]).mean() > 0.95


def test_own_behaviour_overrules_misleading_content_as_interactions_grow(catalogue):
    _, counts, observed, content = catalogue
    shares = []
    for n in (1, 100, 100_000):
        counts[200], observed[200] = n, 0
        observed[200, 5] = np.sqrt(n)  # its shoppers are group 5's, its content says group 2
        smoothed = fit_smoother(observed, counts, {"content": content}, KERNEL, noise=30.0)(
            {"content": content[200:201]}
        )
        shares.append(float(unit_rows(smoothed)[0, 5]))
    assert shares[0] < 0.3 < shares[1] < shares[2]
    assert shares[2] > 0.9


def test_landmarks_give_nearly_what_all_items_give(catalogue):
    _, counts, observed, content = catalogue
    exact = fit_smoother(observed, counts, {"content": content}, KERNEL)({"content": content})
    few = fit_smoother(observed, counts, {"content": content}, KERNEL, capacity=Capacity(120, 120))
    assert len(few.coefficients) <= 120
    agreement = (unit_rows(few({"content": content})) * unit_rows(exact)).sum(axis=1)
    assert np.median(agreement) > 0.97


def test_an_item_that_lacks_a_view_leans_on_the_other(catalogue):
    group, counts, observed, content = catalogue
    kernel = Kernel({"content": 4.0, "words": 0.0}, {"content": 1.0, "words": 1.0})
    words = content.copy()
    words[:30] = 0
    views = {"content": content, "words": words}
    smoothed = fit_smoother(observed, counts, views, kernel)(views)
    assert (smoothed[:30].argmax(axis=1) == group[:30]).mean() > 0.95


def test_what_cannot_be_learned_from_is_refused(catalogue):
    _, counts, observed, content = catalogue
    with pytest.raises(TrainingError, match="words"):
        fit_smoother(observed, counts, {"content": content}, Kernel({"words": 0.0}, {"words": 1.0}))
    with pytest.raises(TrainingError, match="No product has interactions"):
        fit_smoother(observed, np.zeros(300), {"content": content}, KERNEL)


def test_unit_rows_of_chosen_items_are_made_when_they_are_asked_for() -> None:
    rng = np.random.default_rng(0)
    dense = rng.standard_normal((20, 5)).astype(np.float32)
    chosen = np.array([3, 4, 7, 19])
    for view in (dense, sparse.csr_matrix(dense * (rng.random((20, 5)) < 0.5))):
        rows = UnitRows(view, chosen)
        assert rows.shape == (4, 5)
        whole = unit(view[chosen])
        for some in (slice(None), slice(1, 3), np.array([2, 0])):
            assert np.array_equal(as_array(rows[some]), as_array(whole[some]))


def as_array(rows: np.ndarray | sparse.csr_matrix) -> np.ndarray:
    return rows.toarray() if isinstance(rows, sparse.csr_matrix) else rows
