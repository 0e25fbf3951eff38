import numpy as np
from scipy import sparse

from engine.core.settings import AlsSettings
from engine.evaluation.targets import Targets
from engine.models.als import fit_als
from engine.selection.als_choice import candidates_for, choose_als

GROUP = np.arange(60) % 5


def a_shop() -> sparse.csr_matrix:
    """Five groups of items, each with shoppers of its own, and chance clicks."""
    rng = np.random.default_rng(0)
    taste = np.arange(400) % 5
    chance = np.where(taste[:, None] == GROUP, 0.3, 0.03)
    return sparse.csr_matrix((rng.random(chance.shape) < chance).astype(np.float32))


def the_truth() -> Targets:
    targets = np.arange(0, 60, 3)
    allowed = ~np.isin(np.arange(60), targets)
    gains = sparse.csr_matrix(((GROUP[targets][:, None] == GROUP) & allowed).astype(float))
    return Targets(targets, gains, allowed)


def test_one_try_is_the_settings_as_they_are():
    assert candidates_for(AlsSettings(tries=1, alpha=3.0)) == [AlsSettings(tries=1, alpha=3.0)]


def test_no_settings_are_tried_twice_and_no_more_than_asked():
    given = AlsSettings(regularization=100.0, alpha=5.0, tries=4)
    tried = candidates_for(given)
    assert tried[0] == given
    assert len(tried) == len(set(tried)) == 4


def test_the_best_of_the_settings_is_chosen_and_all_are_told():
    # A pull this strong leaves nothing of the factors; the first variations do better.
    given = AlsSettings(factors=8, regularization=1e7, iterations=5, tries=9)
    choice = choose_als(a_shop(), given, the_truth(), seed=0)
    assert choice.settings.regularization < 1e7
    assert len(choice.trials) == 9
    assert max(choice.trials, key=lambda one: one.ndcg).tried == choice.settings
    np.testing.assert_array_equal(choice.factors.item_factors, fit_als(a_shop(), choice.settings, 0).item_factors)


def test_where_nothing_is_relevant_the_given_settings_stay():
    truth = the_truth()
    given = AlsSettings(factors=4, iterations=2, tries=3)
    nothing = Targets(truth.rows, sparse.csr_matrix(truth.gains.shape), truth.allowed)
    assert choose_als(a_shop(), given, nothing, seed=0).settings == given


def test_settings_that_stand_stay_until_others_are_clearly_better():
    given = AlsSettings(factors=8, regularization=1e7, iterations=5, tries=4)
    best = choose_als(a_shop(), given, the_truth(), seed=0)
    alike = best.settings.model_copy(update={"regularization": 1.001 * best.settings.regularization})
    kept = choose_als(a_shop(), given, the_truth(), seed=0, standing=alike)
    assert kept.settings == alike
    np.testing.assert_array_equal(kept.factors.item_factors, fit_als(a_shop(), alike, 0).item_factors)
    bad = given.model_copy(update={"regularization": 2e7})
    replaced = choose_als(a_shop(), given, the_truth(), seed=0, standing=bad)
    assert replaced.trials[0].tried == bad
    assert replaced.settings.regularization < 1e7
