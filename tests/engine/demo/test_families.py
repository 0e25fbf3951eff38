"""Style families and the dresses they bring forth."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from engine.demo.families import (
    BARE_SHOULDERS,
    SLEEVES_OF_NECKLINE,
    TRAITS,
    WAISTS,
    Choice,
    assign_families,
    sample_dress,
    style_families,
)


@pytest.fixture(scope="module")
def dresses():
    rng = np.random.default_rng(5)
    return [sample_dress(family, rng) for family in assign_families(1200, rng)]


def test_there_are_at_least_twelve_families_of_uneven_size():
    sizes = Counter(family.name for family in assign_families(2000, np.random.default_rng(0)))
    assert len(sizes) >= 12
    assert sum(sizes.values()) == 2000
    assert max(sizes.values()) >= 3 * min(sizes.values())


def test_even_a_small_shop_has_its_families_mixed():
    names = [family.name for family in assign_families(100, np.random.default_rng(0))]
    assert len(set(names)) >= 12
    assert names != sorted(names, key=[family.name for family in style_families()].index)


def test_a_choice_picks_in_proportion_to_its_weights():
    rng = np.random.default_rng(1)
    picked = Counter(Choice.of({"often": 3, "seldom": 1}).pick(rng) for _ in range(4000))
    assert picked["often"] / 4000 == pytest.approx(0.75, abs=0.03)


def test_a_choice_among_allowed_names_never_leaves_them():
    rng = np.random.default_rng(1)
    choice = Choice.of({"long": 5, "short": 1})
    assert {choice.pick(rng, ["short", "cap"]) for _ in range(50)} == {"short"}
    assert choice.pick(rng, ["cap", "puff"]) == "cap"


def test_no_sleeve_hangs_on_a_dress_whose_neckline_cannot_hold_it(dresses):
    bound = [dress for dress in dresses if dress.neckline in SLEEVES_OF_NECKLINE]
    assert len(bound) > 100
    assert all(dress.sleeve in SLEEVES_OF_NECKLINE[dress.neckline] for dress in bound)


def test_a_dress_with_bare_shoulders_is_shown_on_a_form(dresses):
    bare = [dress for dress in dresses if dress.neckline in BARE_SHOULDERS]
    assert {dress.support for dress in bare} == {"form"}
    assert {dress.support for dress in dresses} == {"form", "hanger", "nothing"}


def test_cloth_and_pattern_agree(dresses):
    assert {dress.material for dress in dresses if dress.pattern == "lace"} == {"lace"}
    assert {dress.material for dress in dresses if dress.pattern == "sequin"} == {"sequins"}


def test_a_print_never_vanishes_in_its_ground(dresses):
    for dress in dresses:
        for print_shade in dress.prints:
            assert np.linalg.norm(np.subtract(print_shade.rgb, dress.shade.rgb)) > 40


def test_no_single_trait_gives_a_family_away(dresses):
    """Guessing the likeliest family of a dress from one trait alone must often fail."""
    for trait in (*TRAITS, "mood"):
        seen: dict[object, Counter[str]] = {}
        for dress in dresses:
            seen.setdefault(getattr(dress, trait), Counter())[dress.family] += 1
        right = sum(families.most_common(1)[0][1] for families in seen.values())
        assert right / len(dresses) < 0.67, trait


def test_every_silhouette_has_a_waist():
    silhouettes = {name for family in style_families() for name in family.traits["silhouette"].names}
    assert silhouettes == set(WAISTS)


def test_prices_look_like_prices(dresses):
    for dress in dresses:
        assert 10 < dress.price < 2000
        assert round(dress.price * 100) % 100 in (0, 95)
