"""Drawn dresses."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from engine.demo.drawing import PICTURE_SIZE, draw_dress, jpeg
from engine.demo.families import Dress, sample_dress, shades, style_families
from engine.demo.garment import HEM, cut

BACKGROUND = (240, 236, 230)


def a_dress(**traits: object) -> Dress:
    """A plain red knee-length shift, before a wall with nothing holding it, but for `traits`."""
    plain = sample_dress(style_families()[0], np.random.default_rng(0))
    plain = replace(
        plain,
        silhouette="shift",
        length="knee",
        neckline="round",
        sleeve="short",
        waist="none",
        pattern="plain",
        material="crepe",
        shade=shades()["scarlet"],
        studio="plain",
        background=BACKGROUND,
    )
    return replace(plain, **traits)


def drawn(seed: int = 1, **traits: object) -> np.ndarray:
    return np.asarray(draw_dress(a_dress(**traits), np.random.default_rng(seed)), dtype=int)


def cloth(pixels: np.ndarray) -> np.ndarray:
    """Where a red dress is: far more red than green."""
    return pixels[..., 0] - pixels[..., 1] > 60


def test_a_picture_is_320_by_400_rgb():
    picture = draw_dress(a_dress(), np.random.default_rng(1))
    assert picture.size == PICTURE_SIZE == (320, 400)
    assert picture.mode == "RGB"


def test_the_same_seed_draws_the_same_bytes_and_another_does_not():
    one, same, other = (jpeg(draw_dress(a_dress(), np.random.default_rng(seed))) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_a_jpeg_is_a_jpeg_of_the_picture():
    picture = draw_dress(a_dress(), np.random.default_rng(1))
    with Image.open(io.BytesIO(jpeg(picture))) as read:
        assert read.format == "JPEG"
        assert np.abs(np.asarray(read, dtype=int) - np.asarray(picture, dtype=int)).mean() < 4


def test_the_dress_has_its_colour_and_the_wall_its_own():
    pixels = drawn()
    middle = np.median(pixels[180:260, 145:175].reshape(-1, 3), axis=0)
    assert np.abs(middle - shades()["scarlet"].rgb).max() < 35
    assert np.abs(pixels[5, 5] - BACKGROUND).max() <= 2


def test_edges_are_smooth():
    """Across the outline there are pixels that are neither cloth nor wall."""
    pixels = drawn(silhouette="a_line")
    reds = pixels[200:330, :, 0] - pixels[200:330, :, 1]
    assert ((reds > 25) & (reds < 75)).sum() > 60


def test_folds_make_light_and_shade():
    pixels = drawn(silhouette="fit_and_flare", length="midi")
    skirt = pixels[240:300][cloth(pixels)[240:300]]
    assert skirt.sum(axis=1).std() > 15


def test_a_longer_dress_is_longer_against_its_shoulders():
    ratios = []
    for length in HEM:
        garment = cut(a_dress(length=length), np.random.default_rng(1))
        ratios.append((garment.hem - garment.top) / (garment.waist - garment.top))
    assert ratios == sorted(ratios)
    assert ratios[-1] > 1.7 * ratios[0]


def test_a_full_skirt_is_wider_than_a_sheath():
    def widest(silhouette: str) -> int:
        mask = cloth(drawn(silhouette=silhouette, sleeve="sleeveless"))
        return int(mask.sum(axis=1).max())

    assert widest("fit_and_flare") > 1.6 * widest("sheath")


def test_long_sleeves_cover_more_than_short_ones():
    def cover(sleeve: str) -> int:
        return int(cloth(drawn(sleeve=sleeve))[:230].sum())

    assert cover("sleeveless") < cover("short") < cover("three_quarter") < cover("long")


def test_every_pattern_but_plain_shows_on_the_cloth():
    plain = drawn(shade=shades()["navy"])
    prints = (shades()["snow"], shades()["rose"], shades()["mustard"])
    for pattern in {name for family in style_families() for name in family.traits["pattern"].names} - {"plain"}:
        pixels = drawn(shade=shades()["navy"], pattern=pattern, prints=prints)
        changed = np.abs(pixels - plain).max(axis=2) > 30
        assert changed[150:260, 140:180].mean() > 0.05, pattern


def test_every_cut_that_a_family_may_choose_can_be_drawn_inside_the_picture():
    for family in style_families():
        for trait in ("silhouette", "length", "neckline", "sleeve"):
            for seed, value in enumerate(family.traits[trait].names):
                dress = replace(sample_dress(family, np.random.default_rng(seed)), **{trait: value})
                if dress.neckline == "straight" and dress.sleeve != "straps":
                    dress = replace(dress, sleeve="straps")
                if dress.sleeve == "straps" and dress.neckline not in ("v", "sweetheart", "straight"):
                    dress = replace(dress, neckline="straight")
                garment = cut(dress, np.random.default_rng(seed))
                assert np.isfinite(garment.body).all()
                outline = np.vstack([garment.body, *garment.sleeves])
                assert (outline >= 0).all(), dress
                assert (outline <= (640, 800)).all(), dress


def test_an_unknown_silhouette_is_refused():
    with pytest.raises(ValueError, match="no pattern for the silhouette 'toga'"):
        draw_dress(a_dress(silhouette="toga"), np.random.default_rng(1))
