"""Light in the photo studio: folds and shadows of a dress, the wall behind it, and its hanger or form."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from engine.demo.families import Dress
from engine.demo.garment import HEIGHT, WIDTH, Garment, box, pairs
from engine.demo.patterns import Rgb, mix

__all__ = ["PICTURE_SIZE", "background", "lit", "shade"]

PICTURE_SIZE = (WIDTH // 2, HEIGHT // 2)
NEUTRAL = 216  # the grey of the shading layer that does not change the cloth
FORM: Rgb = (226, 214, 198)
WOOD: Rgb = (176, 142, 106)
_FOLD_DEPTH = {"satin": 1.35, "velvet": 1.2, "tulle": 0.7, "knit": 0.5, "jersey": 0.6, "denim": 0.6, "sequins": 0.6}


def shade(dress: Dress, garment: Garment, cutout: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Light and shade, 320 x 400 grey around `NEUTRAL`: folds of the skirt, the body's roundness, soft edges."""
    layer = Image.new("L", PICTURE_SIZE, NEUTRAL)
    draw = ImageDraw.Draw(layer)
    _folds(draw, dress, garment, rng)
    for sleeve in garment.sleeves:
        _sleeve_folds(draw, dress, sleeve / 2)
    layer = layer.filter(ImageFilter.BoxBlur(2.2)).filter(ImageFilter.BoxBlur(1.2))
    soft = cutout.resize((80, 100), Image.Resampling.BOX).filter(ImageFilter.BoxBlur(3))
    right = ImageChops.offset(soft, -3, -1)
    edge = ImageChops.darker(soft, right).resize(PICTURE_SIZE, Image.Resampling.BICUBIC)
    return ImageChops.multiply(layer, edge.point(_ROUNDED))


def _folds(draw: ImageDraw.ImageDraw, dress: Dress, garment: Garment, rng: np.random.Generator) -> None:
    strength = _FOLD_DEPTH.get(dress.material, 1.0)
    _skirt_folds(draw, garment, strength, rng)
    if garment.flare <= 0.3 and dress.waist != "empire":
        _waist_creases(draw, garment, strength, rng)
    _bust(draw, garment)


def _skirt_folds(draw: ImageDraw.ImageDraw, garment: Garment, strength: float, rng: np.random.Generator) -> None:
    unit = garment.scale / 2
    x0, waist, hem = garment.middle / 2, garment.waist / 2, garment.hem / 2
    count = round(3 + 6 * garment.flare + rng.uniform(-0.5, 1.5))
    folds = (np.arange(count) + rng.uniform(0.25, 0.75, count)) / count * 1.8 - 0.9
    hip = garment.half_width(2 * (waist + 6)) / 2
    foot = garment.half_width(garment.hem) / 2
    dark = NEUTRAL - round((20 + 26 * garment.flare) * strength)
    bright = min(255, NEUTRAL + round((14 + 14 * garment.flare) * strength))
    for across in folds:
        start = waist + float(rng.uniform(0.02, 0.35 if garment.flare > 0.3 else 0.6)) * (hem - waist)
        top_half = np.interp(start, [waist, hem], [hip, foot])
        width = foot * float(rng.uniform(0.08, 0.17)) * (0.6 + 0.6 * garment.flare)
        bend = float(rng.uniform(-3, 3)) * unit
        top = (x0 + across * top_half * 0.92, start)
        middle = ((top[0] + x0 + across * foot * 0.97) / 2 + bend, (start + hem) / 2)
        bottom = (x0 + across * foot * 0.97, hem + 8)
        draw.polygon(_fold(top, middle, bottom, width, (-0.1, 0.4), (-0.2, 1.0)), fill=dark)
        draw.polygon(_fold(top, middle, bottom, width, (-0.7, -0.25), (-1.2, -0.4)), fill=bright)


Point = tuple[float, float]


def _fold(top: Point, middle: Point, bottom: Point, width: float, half_way: Point, at_hem: Point) -> list[Point]:
    """A strip that widens from `top`; its left and right edges at the middle and at the hem are in units of `width`."""
    return [
        top,
        (middle[0] + width * half_way[0], middle[1]),
        (bottom[0] + width * at_hem[0], bottom[1]),
        (bottom[0] + width * at_hem[1], bottom[1]),
        (middle[0] + width * half_way[1], middle[1]),
    ]


def _waist_creases(draw: ImageDraw.ImageDraw, garment: Garment, strength: float, rng: np.random.Generator) -> None:
    unit = garment.scale / 2
    x0, waist = garment.middle / 2, garment.waist / 2
    for side in (-1, 1):
        for lift in (-10, 4, 15):
            seam = (x0 + side * garment.half_width(garment.waist) / 2, waist + lift * unit)
            front = (x0 + side * 8 * unit, waist + (lift + side * 3 + float(rng.uniform(-4, 8))) * unit)
            draw.line([seam, front], fill=NEUTRAL - round(22 * strength), width=max(2, round(2.4 * unit)))


def _bust(draw: ImageDraw.ImageDraw, garment: Garment) -> None:
    unit = garment.scale / 2
    for side in (-1, 1):
        x, y = garment.middle / 2 + side * 19 * unit, garment.on_sheet(0, 54)[1] / 2
        draw.ellipse(box(x - 2 * unit, y - 5 * unit, 11 * unit), fill=NEUTRAL + 6)
        draw.arc(box(x, y - 3 * unit, 15 * unit), 30, 150, fill=NEUTRAL - 15, width=max(2, round(3.4 * unit)))


def _sleeve_folds(draw: ImageDraw.ImageDraw, dress: Dress, sleeve: np.ndarray) -> None:
    """A shadow along the sleeve's inner side, creases at a long sleeve's elbow, gathers in a full one."""
    half = (len(sleeve) - 1) // 2
    outer, inner = sleeve[4:half], sleeve[half + 4 : -3][::-1]
    count = min(len(outer), len(inner))
    if count < 4:
        return
    outer, inner = outer[:count], inner[:count]
    shadow = [*pairs(inner), *pairs(inner + (outer - inner) * 0.28)[::-1]]
    draw.polygon(shadow, fill=NEUTRAL - 26)
    shine = [*pairs(inner + (outer - inner) * 0.55), *pairs(inner + (outer - inner) * 0.8)[::-1]]
    draw.polygon(shine, fill=NEUTRAL + 14)
    if dress.sleeve in ("long", "bishop", "three_quarter", "bell"):
        for share in (0.42, 0.5, 0.58):
            at = int(share * count)
            draw.line([tuple(inner[at]), tuple(inner[at] + (outer[at] - inner[at]) * 0.6)], fill=NEUTRAL - 34, width=2)


def lit(sheet: Image.Image, shading: Image.Image) -> Image.Image:
    """Cloth in that light; shadows are slightly blue, and light also shows on dark cloth."""
    shadow = Image.merge("RGB", [shading.point(table) for table in _SHADOWS])
    shine = shading.point(_SHINE)
    return ImageChops.add(ImageChops.multiply(sheet, shadow), Image.merge("RGB", [shine] * 3))


# How much light reaches the cloth, by the distance from the outline: 0.6 of it at the edge, all of it well inside.
_ROUNDED = [min(255, 153 + round(value * 0.48)) for value in range(256)]
_DROP_SHADOW = [round(value * 0.3) for value in range(256)]
# The factors of red, green and blue at every grey of the shading layer, and the light added to greys above neutral.
_SHADOWS = [
    [min(255, round((grey + max(NEUTRAL - grey, 0) * cool) * 255 / NEUTRAL)) for grey in range(256)]
    for cool in (0.0, 0.05, 0.22)
]
_SHINE = [round(max(grey - NEUTRAL, 0) * 0.62) for grey in range(256)]


def background(dress: Dress, garment: Garment, cutout: Image.Image) -> Image.Image:
    """A tinted wall, in some studios an arch, the hanger or form, and the dress's soft shadow."""
    tint = dress.background
    wall = Image.new("RGB", (WIDTH, HEIGHT), tint)
    draw = ImageDraw.Draw(wall, "RGBA")
    if dress.studio == "arch":
        arch = mix(tint, (255, 255, 255), 0.55) if sum(tint) < 715 else mix(tint, (214, 204, 194), 0.4)
        draw.ellipse([90, 60, WIDTH - 90, 60 + WIDTH - 180], fill=arch)
        draw.rectangle([90, 60 + (WIDTH - 180) / 2, WIDTH - 90, HEIGHT], fill=arch)
    if dress.support == "form":
        _form(draw, garment)
    elif dress.support == "hanger":
        _hanger(draw, garment)
    picture = wall.reduce(2)
    shadow = cutout.resize((80, 100), Image.Resampling.BOX).filter(ImageFilter.BoxBlur(2.5))
    shadow = ImageChops.offset(shadow, 2, 3).resize(PICTURE_SIZE, Image.Resampling.BICUBIC)
    picture.paste((96, 84, 84), (0, 0), shadow.point(_DROP_SHADOW))
    return picture


_FORM_OUTLINE = (
    *((9, -28), (10, -14), (13, -6), (26, 0), (37, 4), (41, 12)),
    *((40, 30), (41, 47), (36, 75), (31, 100), (0, 110)),
)
_FORM_SHADOW = ((2, -28), (9, -28), (10, -14), (13, -6), (26, 0), (12, 4), (4, -6))


def _form(draw: ImageDraw.ImageDraw, garment: Garment) -> None:
    """A tailor's form: neck, shoulders, torso, and its pole."""
    edge = mix(FORM, (90, 74, 60), 0.35)
    pole = mix(WOOD, (60, 44, 34), 0.25)
    x, unit = garment.middle, garment.scale
    foot = min(HEIGHT - 26.0, garment.hem + 75 * unit)
    draw.rectangle([x - 2.6 * unit, garment.hem - 20, x + 2.6 * unit, foot], fill=pole)
    draw.ellipse([x - 34 * unit, foot - 4 * unit, x + 34 * unit, foot + 5 * unit], fill=pole)
    right = [garment.on_sheet(px, py) for px, py in _FORM_OUTLINE]
    points = right + [garment.on_sheet(-px, py) for px, py in _FORM_OUTLINE[::-1]]
    draw.polygon(points, fill=FORM)
    draw.line([*points, points[0]], fill=edge, width=3, joint="curve")
    draw.polygon([garment.on_sheet(px, py) for px, py in _FORM_SHADOW], fill=(*edge, 40))
    draw.ellipse([*garment.on_sheet(-9, -31.5), *garment.on_sheet(9, -25.5)], fill=WOOD)
    draw.ellipse(box(*garment.on_sheet(0, -32), 2.5 * unit), fill=WOOD)


def _hanger(draw: ImageDraw.ImageDraw, garment: Garment) -> None:
    unit = garment.scale
    bar = [garment.on_sheet(x, y) for x, y in ((-41, 5), (-26, -2), (-8, -10), (0, -12), (8, -10), (26, -2), (41, 5))]
    metal = (150, 146, 142)
    draw.line([garment.on_sheet(0, -12), garment.on_sheet(0, -20)], fill=metal, width=round(1.8 * unit))
    x, y = garment.on_sheet(0, -25)
    draw.arc(box(x, y, 5.5 * unit), 170, 90, fill=metal, width=round(1.8 * unit))
    draw.line(bar, fill=WOOD, width=round(5 * unit), joint="curve")
    draw.line(
        [garment.on_sheet(-36, 7), garment.on_sheet(36, 7)], fill=mix(WOOD, (0, 0, 0), 0.12), width=round(2.2 * unit)
    )
