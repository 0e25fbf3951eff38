"""Drawing a dress: cloth cut to its outline, folds, seams and light, on a quiet background."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from engine.shop.demo.families import Dress
from engine.shop.demo.garment import HEIGHT, WIDTH, Garment, cut
from engine.shop.demo.patterns import Rgb, fabric, luminance, mix

__all__ = ["PICTURE_SIZE", "draw_dress", "jpeg"]

PICTURE_SIZE = (WIDTH // 2, HEIGHT // 2)
NEUTRAL = 216  # the grey of the shading layer that leaves the cloth as it is
FORM: Rgb = (226, 214, 198)
BUTTONED = ("tiered", "a_line", "fit_and_flare")  # bodices that may have a placket
WOOD: Rgb = (176, 142, 106)


def draw_dress(dress: Dress, rng: np.random.Generator) -> Image.Image:
    """A 320 x 400 RGB picture of `dress`; drawn at twice that size and halved, so that edges are smooth."""
    base = _dye(dress.shade.rgb, rng)
    garment = cut(dress, rng)
    cloth = fabric(dress, garment, base, rng)
    ink = mix(base, (20, 16, 24), 0.42) if luminance(base) > 64 else mix(base, (255, 255, 255), 0.24)
    # What shows through half-covered pixels along the edges: never lighter than the cloth.
    sheet = Image.new("RGB", (WIDTH, HEIGHT), mix(base, (20, 16, 24), 0.42))
    mask = _sew(sheet, cloth, garment, ink)
    _finish(ImageDraw.Draw(sheet, "RGBA"), mask, dress, garment, base, ink, rng)
    small, cutout = sheet.reduce(2), mask.reduce(2)
    shading = _shade(dress, garment, cutout, rng)
    picture = _background(dress, garment, cutout)
    picture.paste(_lit(small, shading), (0, 0), cutout)
    return picture


def jpeg(picture: Image.Image, quality: int = 88) -> bytes:
    """The picture as JPEG bytes."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _dye(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """No two dye lots are alike."""
    shift = rng.integers(-5, 6, 3) + rng.integers(-8, 9)
    red, green, blue = (int(value) for value in np.clip(np.array(rgb) + shift, 22, 250))
    return red, green, blue


def _sew(sheet: Image.Image, cloth: Image.Image, garment: Garment, ink: Rgb) -> Image.Image:
    """Put the cloth on the sheet piece by piece, back to front; returns the mask of everything sewn."""
    mask = Image.new("L", (WIDTH, HEIGHT), 0)
    draw = ImageDraw.Draw(sheet, "RGBA")
    pieces: list[tuple[np.ndarray, int]] = []
    if garment.back is not None:
        pieces.append((garment.back, 92))
    pieces += [(strap, 0) for strap in garment.straps]
    pieces += [(sleeve, 14) for sleeve in garment.sleeves]
    pieces.append((garment.body, 0))
    for outline, dim in pieces:
        points = _pairs(outline)
        left, upper = np.maximum(outline.min(axis=0).astype(int) - 1, 0).tolist()
        right, lower = np.minimum(outline.max(axis=0).astype(int) + 2, (WIDTH, HEIGHT)).tolist()
        piece = Image.new("L", (right - left, lower - upper), 0)
        ImageDraw.Draw(piece).polygon(_pairs(outline - (left, upper)), fill=255)
        sheet.paste(cloth.crop((left, upper, right, lower)), (left, upper), piece)
        mask.paste(255, (left, upper), piece)
        if dim:
            draw.polygon(points, fill=(30, 22, 34, dim))
        draw.line([*points, points[0]], fill=(*ink, 170), width=3, joint="curve")
    return mask


def _finish(
    draw: ImageDraw.ImageDraw,
    mask: Image.Image,
    dress: Dress,
    garment: Garment,
    base: Rgb,
    ink: Rgb,
    rng: np.random.Generator,
) -> None:
    """Seams, waist, collar, buttons, tiers, hems: what makes the outline a dress."""
    seam = (*ink, 150)
    for edge in (garment.neck_edge, *garment.armholes):
        draw.line(_pairs(edge), fill=seam, width=3, joint="curve")
    _stitching(draw, dress, garment, ink)
    if dress.silhouette == "tiered":
        _tiers(draw, garment, ink, rng)
    if dress.silhouette == "wrap":
        _wrap(draw, garment, ink)
    _waist(draw, mask, dress, garment, base, ink, rng)
    if dress.neckline == "collar":
        _collar(draw, mask, garment, base, ink, plain=dress.pattern in ("plain", "stripes"))
    if dress.silhouette == "shirt":
        _buttons(draw, garment, garment.hem - 30 * garment.scale, base, ink)
    elif dress.silhouette in BUTTONED and dress.neckline in ("v", "round", "square", "collar") and rng.random() < 0.35:
        _buttons(draw, garment, garment.waist - 8 * garment.scale, base, ink)
    if dress.neckline == "off_shoulder":
        _frill(draw, garment, ink)


def _stitching(draw: ImageDraw.ImageDraw, dress: Dress, garment: Garment, ink: Rgb) -> None:
    """A hem band, cuffs, and the darts of a fitted bodice."""
    lift = (5.0 if dress.pattern != "lace" else 9.0) * garment.scale
    hem = garment.hem_edge[4:-4]
    draw.line(_pairs(hem - (0, lift)), fill=(*ink, 80), width=2)
    for cuff in garment.cuffs:
        draw.line(_pairs(cuff), fill=(*ink, 150), width=3)
        if dress.sleeve in ("bishop", "long", "puff"):
            draw.line(_pairs(cuff - (0, 5 * garment.scale)), fill=(*ink, 110), width=3)
    if dress.silhouette in ("sheath", "mermaid", "fit_and_flare", "a_line") and not dress.waist.startswith("empire"):
        for side in (-1, 1):
            top, bottom = garment.place(side * 21, 62), garment.place(side * 17, 96)
            draw.line([top, bottom], fill=(*ink, 95), width=2)


def _tiers(draw: ImageDraw.ImageDraw, garment: Garment, ink: Rgb, rng: np.random.Generator) -> None:
    """Horizontal seams with little gathers under them."""
    tiers = 2 if garment.hem - garment.waist < 150 * garment.scale else 3
    for number in range(1, tiers):
        y = garment.waist + (garment.hem - garment.waist) * number / tiers
        half = garment.half_width(y)
        across = np.linspace(-1, 1, 41)
        line = np.column_stack([garment.middle + across * half, y + half * 0.09 * (1 - across**2)])
        draw.line(_pairs(line), fill=(*ink, 160), width=3)
        for x, at in line[2:-2:2]:
            reach = float(rng.uniform(8, 20)) * garment.scale
            lean = (x - garment.middle) / half * reach * 0.25
            draw.line([(x, at), (x + lean, at + reach)], fill=(*ink, 70), width=2)


def _wrap(draw: ImageDraw.ImageDraw, garment: Garment, ink: Rgb) -> None:
    """The overlapping front: from one shoulder across to the waist, then a falling edge."""
    start = garment.neck_edge[-6]
    side = garment.middle - garment.half_width(garment.waist) * 0.8
    t = np.linspace(0, 1, 16)[:, None]
    across = (
        start + (np.array([side, garment.waist]) - start) * t + np.array([0, 10 * garment.scale]) * np.sin(t * np.pi)
    )
    draw.line(_pairs(across), fill=(*ink, 190), width=4, joint="curve")
    foot = garment.middle - garment.half_width(garment.hem) * 0.12
    top = np.array([side + 6 * garment.scale, garment.waist])
    edge = top + (np.array([foot, garment.hem + 4 * garment.scale]) - top) * t
    edge = edge - np.array([16 * garment.scale, 0]) * np.sin(t * np.pi)
    draw.line(_pairs(edge), fill=(*ink, 170), width=4, joint="curve")


def _waist(
    draw: ImageDraw.ImageDraw,
    mask: Image.Image,
    dress: Dress,
    garment: Garment,
    base: Rgb,
    ink: Rgb,
    rng: np.random.Generator,
) -> None:
    if dress.waist == "none":
        return
    y, half, unit = garment.waist, garment.half_width(garment.waist) + 1, garment.scale
    across = np.linspace(-1, 1, 21)
    line = np.column_stack([garment.middle + across * half, y + half * 0.05 * (1 - across**2)])
    if dress.waist in ("seam", "empire"):
        draw.line(_pairs(line), fill=(*ink, 190), width=3)
        return
    contrasting = dress.prints and rng.random() < 0.45
    colour = dress.prints[-1].rgb if contrasting else mix(base, (0, 0, 0), 0.28)
    deep = (9 if dress.waist == "belt" else 6) * unit
    band = [*_pairs(line - np.array([0, deep / 2])), *_pairs(line + np.array([0, deep / 2]))[::-1]]
    edge = mix(colour, (0, 0, 0), 0.4)
    draw.polygon(band, fill=colour)
    draw.line([*band, band[0]], fill=(*edge, 160), width=2)
    x, y = garment.middle, y + half * 0.05
    if dress.waist == "belt":
        buckle = [x - 5 * unit, y - 5.6 * unit, x + 5 * unit, y + 5.6 * unit]
        metal = (206, 178, 118) if rng.random() < 0.6 else mix(colour, (255, 255, 255), 0.35)
        draw.rectangle(buckle, outline=metal, width=round(2 * unit))
        return
    if dress.waist == "tie":
        x -= half * 0.62
    _bow(draw, mask, x, y, unit, colour, edge)


def _bow(draw: ImageDraw.ImageDraw, mask: Image.Image, x: float, y: float, unit: float, colour: Rgb, edge: Rgb) -> None:
    cutout = ImageDraw.Draw(mask)
    shapes = [
        [(0, 0), (-3, 30), (-9, 42), (-1, 40), (3, 20)],
        [(0, 0), (5, 26), (10, 36), (3, 36), (0, 20)],
        [(0, 0), (-9, -8), (-16, -6), (-16, 4), (-8, 5)],
        [(0, 0), (9, -8), (16, -6), (16, 4), (8, 5)],
        [(-3, -4), (3, -4), (3, 4), (-3, 4)],
    ]
    for shape in shapes:
        points = [(x + px * unit, y + py * unit) for px, py in shape]
        draw.polygon(points, fill=colour)
        draw.line([*points, points[0]], fill=(*edge, 170), width=2, joint="curve")
        cutout.polygon(points, fill=255)


def _collar(
    draw: ImageDraw.ImageDraw, mask: Image.Image, garment: Garment, base: Rgb, ink: Rgb, *, plain: bool
) -> None:
    cutout = ImageDraw.Draw(mask)
    colour = mix(base, (255, 255, 255), 0.12 if plain else 0.55)
    for side in (-1, 1):
        leaf = [(0, 19), (7, 7), (14, -8), (19, -4), (22, 8), (13, 22)]
        points = [garment.place(side * x, y) for x, y in leaf]
        draw.polygon(points, fill=colour)
        draw.line([*points, points[0]], fill=(*ink, 190), width=3, joint="curve")
        cutout.polygon(points, fill=255)


def _buttons(draw: ImageDraw.ImageDraw, garment: Garment, end: float, base: Rgb, ink: Rgb) -> None:
    """A placket down the middle."""
    x, unit = garment.middle, garment.scale
    start = float(garment.neck_edge[:, 1].max()) + 8 * unit
    draw.line([(x - 5 * unit, start - 8 * unit), (x - 5 * unit, end)], fill=(*ink, 110), width=2)
    bright = mix(base, (255, 255, 255), 0.7) if luminance(base) < 170 else mix(base, (120, 92, 70), 0.7)
    for y in np.arange(start, end, 15 * unit):
        if abs(y - garment.waist) > 8 * unit:
            draw.ellipse(_box(x, y, 2.2 * unit), fill=bright, outline=(*ink, 200))


def _frill(draw: ImageDraw.ImageDraw, garment: Garment, ink: Rgb) -> None:
    """The fold of cloth along bare shoulders."""
    line = garment.neck_edge + np.array([0, 13 * garment.scale])
    middle = np.array([garment.middle, 0])
    line = (line - middle) * (0.97, 1) + middle
    draw.line(_pairs(line[2:-2]), fill=(*ink, 150), width=3, joint="curve")


def _shade(dress: Dress, garment: Garment, cutout: Image.Image, rng: np.random.Generator) -> Image.Image:
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
    unit = garment.scale / 2
    x0, waist, hem = garment.middle / 2, garment.waist / 2, garment.hem / 2
    deep = {"satin": 1.35, "velvet": 1.2, "tulle": 0.7, "knit": 0.5, "jersey": 0.6, "denim": 0.6, "sequins": 0.6}
    strength = deep.get(dress.material, 1.0)
    count = round(3 + 6 * garment.flare + rng.uniform(-0.5, 1.5))
    places = (np.arange(count) + rng.uniform(0.25, 0.75, count)) / count * 1.8 - 0.9
    hip = garment.half_width(2 * (waist + 6)) / 2
    foot = garment.half_width(garment.hem) / 2
    for across in places:
        start = waist + float(rng.uniform(0.02, 0.35 if garment.flare > 0.3 else 0.6)) * (hem - waist)
        top_half = np.interp(start, [waist, hem], [hip, foot])
        width = foot * float(rng.uniform(0.08, 0.17)) * (0.6 + 0.6 * garment.flare)
        bend = float(rng.uniform(-3, 3)) * unit
        top = (x0 + across * top_half * 0.92, start)
        middle_x = (top[0] + x0 + across * foot * 0.97) / 2 + bend
        middle_y = (start + hem) / 2
        bottom = (x0 + across * foot * 0.97, hem + 8)
        dark = NEUTRAL - round((20 + 26 * garment.flare) * strength)
        draw.polygon(
            [
                top,
                (middle_x - width * 0.1, middle_y),
                (bottom[0] - width * 0.2, bottom[1]),
                (bottom[0] + width, bottom[1]),
                (middle_x + width * 0.4, middle_y),
            ],
            fill=dark,
        )
        bright = min(255, NEUTRAL + round((14 + 14 * garment.flare) * strength))
        draw.polygon(
            [
                top,
                (middle_x - width * 0.7, middle_y),
                (bottom[0] - width * 1.2, bottom[1]),
                (bottom[0] - width * 0.4, bottom[1]),
                (middle_x - width * 0.25, middle_y),
            ],
            fill=bright,
        )
    if garment.flare <= 0.3 and dress.waist != "empire":
        for side in (-1, 1):
            for lift in (-10, 4, 15):
                seam = (x0 + side * garment.half_width(garment.waist) / 2, waist + lift * unit)
                front = (x0 + side * 8 * unit, waist + (lift + side * 3 + float(rng.uniform(-4, 8))) * unit)
                draw.line([seam, front], fill=NEUTRAL - round(22 * strength), width=max(2, round(2.4 * unit)))
    for side in (-1, 1):
        x, y = x0 + side * 19 * unit, garment.place(0, 54)[1] / 2
        draw.ellipse(_box(x - 2 * unit, y - 5 * unit, 11 * unit), fill=NEUTRAL + 6)
        draw.arc(_box(x, y - 3 * unit, 15 * unit), 30, 150, fill=NEUTRAL - 15, width=max(2, round(3.4 * unit)))


def _sleeve_folds(draw: ImageDraw.ImageDraw, dress: Dress, sleeve: np.ndarray) -> None:
    """A shadow along the sleeve's inner side, creases at a long sleeve's elbow, gathers in a full one."""
    half = (len(sleeve) - 1) // 2
    outer, inner = sleeve[4:half], sleeve[half + 4 : -3][::-1]
    count = min(len(outer), len(inner))
    if count < 4:
        return
    outer, inner = outer[:count], inner[:count]
    shadow = [*_pairs(inner), *_pairs(inner + (outer - inner) * 0.28)[::-1]]
    draw.polygon(shadow, fill=NEUTRAL - 26)
    shine = [*_pairs(inner + (outer - inner) * 0.55), *_pairs(inner + (outer - inner) * 0.8)[::-1]]
    draw.polygon(shine, fill=NEUTRAL + 14)
    if dress.sleeve in ("long", "bishop", "three_quarter", "bell"):
        for place in (0.42, 0.5, 0.58):
            at = int(place * count)
            draw.line([tuple(inner[at]), tuple(inner[at] + (outer[at] - inner[at]) * 0.6)], fill=NEUTRAL - 34, width=2)


def _lit(sheet: Image.Image, shading: Image.Image) -> Image.Image:
    """Cloth in that light; shadows lean towards blue, and light shows on dark cloth too."""
    shadow = Image.merge("RGB", [shading.point(table) for table in _SHADOWS])
    shine = shading.point(_SHINE)
    return ImageChops.add(ImageChops.multiply(sheet, shadow), Image.merge("RGB", [shine] * 3))


# How much light reaches the cloth the further it lies from the outline's edge: 0.6 outside, all of it well inside.
_ROUNDED = [min(255, 153 + round(value * 0.48)) for value in range(256)]
_DROP_SHADOW = [round(value * 0.3) for value in range(256)]
# What is left of red, green and blue at every grey of the shading layer, and the light that is added above neutral.
_SHADOWS = [
    [min(255, round((grey + max(NEUTRAL - grey, 0) * cool) * 255 / NEUTRAL)) for grey in range(256)]
    for cool in (0.0, 0.05, 0.22)
]
_SHINE = [round(max(grey - NEUTRAL, 0) * 0.62) for grey in range(256)]


def _background(dress: Dress, garment: Garment, cutout: Image.Image) -> Image.Image:
    """A tinted wall, in some studios an arch, the thing that holds the dress, and the dress's soft shadow."""
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


def _form(draw: ImageDraw.ImageDraw, garment: Garment) -> None:
    """A tailor's form: neck, shoulders, torso, and the pole it stands on."""
    edge = mix(FORM, (90, 74, 60), 0.35)
    pole = mix(WOOD, (60, 44, 34), 0.25)
    x, unit = garment.middle, garment.scale
    foot = min(HEIGHT - 26.0, garment.hem + 75 * unit)
    draw.rectangle([x - 2.6 * unit, garment.hem - 20, x + 2.6 * unit, foot], fill=pole)
    draw.ellipse([x - 34 * unit, foot - 4 * unit, x + 34 * unit, foot + 5 * unit], fill=pole)
    right = [
        (9, -28),
        (10, -14),
        (13, -6),
        (26, 0),
        (37, 4),
        (41, 12),
        (40, 30),
        (41, 47),
        (36, 75),
        (31, 100),
        (0, 110),
    ]
    points = [garment.place(px, py) for px, py in right] + [garment.place(-px, py) for px, py in right[::-1]]
    draw.polygon(points, fill=FORM)
    draw.line([*points, points[0]], fill=edge, width=3, joint="curve")
    draw.polygon(
        [garment.place(px, py) for px, py in ((2, -28), (9, -28), (10, -14), (13, -6), (26, 0), (12, 4), (4, -6))],
        fill=(*edge, 40),
    )
    draw.ellipse([*garment.place(-9, -31.5), *garment.place(9, -25.5)], fill=WOOD)
    draw.ellipse(_box(*garment.place(0, -32), 2.5 * unit), fill=WOOD)


def _hanger(draw: ImageDraw.ImageDraw, garment: Garment) -> None:
    unit = garment.scale
    bar = [garment.place(x, y) for x, y in ((-41, 5), (-26, -2), (-8, -10), (0, -12), (8, -10), (26, -2), (41, 5))]
    metal = (150, 146, 142)
    draw.line([garment.place(0, -12), garment.place(0, -20)], fill=metal, width=round(1.8 * unit))
    x, y = garment.place(0, -25)
    draw.arc(_box(x, y, 5.5 * unit), 170, 90, fill=metal, width=round(1.8 * unit))
    draw.line(bar, fill=WOOD, width=round(5 * unit), joint="curve")
    draw.line([garment.place(-36, 7), garment.place(36, 7)], fill=mix(WOOD, (0, 0, 0), 0.12), width=round(2.2 * unit))


def _box(x: float, y: float, radius: float) -> list[float]:
    return [x - radius, y - radius, x + radius, y + radius]


def _pairs(points: np.ndarray) -> list[tuple[float, float]]:
    return list(map(tuple, points.tolist()))
