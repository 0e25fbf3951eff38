"""A product that changed is where fitting again would put it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from engine.core.vectors import unit_rows
from engine.models.kernel import Kernel, unit
from engine.models.posterior_update import PosteriorUpdate, without_observations
from engine.models.smoother import Capacity, fit_smoother

KERNEL = Kernel({"text": 0.0, "image": 3.0}, {"text": 1.0, "image": 2.0})
NOISE = 4.0


@pytest.fixture
def shop():
    """Views, vectors and counts of 60 products, every tenth without interactions."""
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 40, 60)
    counts[::10] = 0
    words = sparse.csr_matrix(rng.random((60, 30)) * (rng.random((60, 30)) < 0.2), dtype=np.float32)
    views = {"text": words, "image": rng.normal(size=(60, 8)).astype(np.float32)}
    vectors = (rng.normal(size=(60, 5)) * np.sqrt(counts)[:, None]).astype(np.float32)
    return views, vectors, counts


def changed(views, row, seed=1):
    """The views of all products with new content in one row, and of that row alone before and after."""
    rng = np.random.default_rng(seed)
    words, image = views["text"].toarray(), views["image"].copy()
    words[row], image[row] = np.roll(words[row], 3), rng.normal(size=8)
    new = {"text": sparse.csr_matrix(words), "image": image}
    return new, {name: one[[row]] for name, one in views.items()}, {name: one[[row]] for name, one in new.items()}


def observed(vectors, counts):
    return vectors / np.sqrt(np.maximum(counts, 1))[:, None]


@pytest.mark.parametrize("row", [3, 17, 59])
def test_it_stands_where_fitting_everything_again_would_put_it(shop, row):
    views, vectors, counts = shop
    new, before, after = changed(views, row)
    smoother = fit_smoother(vectors, counts, views, KERNEL, noise=NOISE)
    again = fit_smoother(vectors, counts, new, KERNEL, noise=NOISE)
    moved, unknown = PosteriorUpdate(smoother, counts, NOISE)(
        np.array([row]), before, after, observed(vectors, counts)[[row]]
    )
    assert np.allclose(moved, again(after), atol=1e-3)
    assert np.allclose(unknown, again.posterior(after)[1], atol=2e-3)
    assert not np.allclose(moved, smoother(before), atol=0.05)
    assert not np.allclose(moved, smoother(after), atol=0.05)  # its own behaviour went with it


def test_so_it_does_where_landmarks_stand_for_all(shop):
    views, vectors, counts = shop
    options = {"noise": NOISE, "capacity": Capacity(25, 25)}
    smoother = fit_smoother(vectors, counts, views, KERNEL, **options)
    units = unit_rows(views["image"])
    row = next(r for r in range(60) if counts[r] and not (smoother.landmarks["image"] @ units[r] > 0.9999).any())
    new, before, after = changed(views, row)
    again = fit_smoother(vectors, counts, new, KERNEL, **options)
    moved, unknown = PosteriorUpdate(smoother, counts, NOISE)(
        np.array([row]), before, after, observed(vectors, counts)[[row]]
    )
    assert np.allclose(moved, again(after), atol=1e-3)
    assert np.allclose(unknown, again.posterior(after)[1], atol=2e-3)
    assert not np.allclose(moved, smoother(after), atol=3e-3)


@pytest.mark.parametrize("exact", [4000, 25])
def test_unchanged_content_changes_nothing(shop, exact):
    views, vectors, counts = shop
    smoother = fit_smoother(vectors, counts, views, KERNEL, noise=NOISE, capacity=Capacity(exact, 25))
    rows = np.array([0, 3, 20, 41])
    same = {name: one[rows] for name, one in views.items()}
    moved, unknown = PosteriorUpdate(smoother, counts, NOISE)(rows, same, same, observed(vectors, counts)[rows])
    assert np.allclose(moved, smoother(same), atol=1e-3)
    assert np.allclose(unknown, smoother.posterior(same)[1], atol=1e-3)


def test_without_interactions_the_look_alikes_alone_speak(shop):
    views, vectors, counts = shop
    _, before, after = changed(views, 10)
    smoother = fit_smoother(vectors, counts, views, KERNEL, noise=NOISE)
    moved, unknown = PosteriorUpdate(smoother, counts, NOISE)(
        np.array([10]), before, after, np.zeros((1, 5), dtype=np.float32)
    )
    assert np.array_equal(moved, smoother(after))
    assert np.array_equal(unknown, smoother.posterior(after)[1])


@pytest.mark.parametrize("hidden", [[3], [1, 2, 33, 47, 59]])
def test_without_some_products_it_is_what_the_others_give_with_the_same_landmarks(shop, hidden):
    views, vectors, counts = shop
    fitted = fit_smoother(vectors, counts, views, KERNEL, noise=NOISE, capacity=Capacity(exact=10, landmarks=25))
    hidden = np.array(hidden)
    others = np.setdiff1d(np.flatnonzero(counts), hidden)
    observed_ = {view: unit(rows[others]) for view, rows in views.items()}
    values, variances = observed(vectors, counts)[others], NOISE / counts[others].astype(np.float32)
    cross = KERNEL(observed_, fitted.landmarks).astype(np.float64)
    system = cross.T @ (cross / variances[:, None]) + KERNEL(fitted.landmarks, fitted.landmarks)
    system += 1e-3 * np.eye(25) * KERNEL.prior(fitted.landmarks).mean()
    wanted = np.linalg.solve(system, cross.T @ (values / variances[:, None]))
    some = {view: rows[hidden] for view, rows in views.items()}
    without = without_observations(fitted, some, counts[hidden], observed(vectors, counts)[hidden], NOISE)
    everywhere = KERNEL({view: unit(rows) for view, rows in views.items()}, fitted.landmarks)
    np.testing.assert_allclose(without(views), everywhere @ wanted, atol=2e-3)
    assert np.abs(without(views)[hidden] - fitted(views)[hidden]).max() > 0.05
