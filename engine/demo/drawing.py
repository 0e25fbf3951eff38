"""Drawing a dress: cloth cut to its outline, with folds, seams and the studio's light."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

from engine.demo.families import Dress
from engine.demo.garment import HEIGHT, WIDTH, Garment, box, cut, pairs
from engine.demo.patterns import Rgb, fabric, luminance, mix
from engine.demo.shading import PICTURE_SIZE, background, lit, shade

__all__ = ["PICTURE_SIZE", "draw_dress", "jpeg"]

BUTTONED = ("tiered", "a_line", "fit_and_flare")  # bodices that may have a placket


def draw_dress(dress: Dress, rng: np.random.Generator) -> Image.Image:
    """A 320 x 400 RGB picture of `dress`; drawn at twice that size and halved, so that edges are smooth."""
    base = _dye(dress.shade.rgb, rng)
    garment = cut(dress, rng)
    cloth = fabric(dress, garment, base, rng)
    ink = mix(base, (20, 16, 24), 0.42) if luminance(base) > 64 else mix(base, (255, 255, 255), 0.24)
    # The colour that shows through half-covered pixels along the edges must never be lighter than the cloth.
    sheet = Image.new("RGB", (WIDTH, HEIGHT), mix(base, (20, 16, 24), 0.42))
    mask = _sew(sheet, cloth, garment, ink)
    _finish(ImageDraw.Draw(sheet, "RGBA"), mask, dress, garment, base, ink, rng)
    small, cutout = sheet.reduce(2), mask.reduce(2)
    shading = shade(dress, garment, cutout, rng)
    picture = background(dress, garment, cutout)
    picture.paste(lit(small, shading), (0, 0), cutout)
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
        _lay(sheet, mask, cloth, outline)
        points = pairs(outline)
        if dim:
            draw.polygon(points, fill=(30, 22, 34, dim))
        draw.line([*points, points[0]], fill=(*ink, 170), width=3, joint="curve")
    return mask


def _lay(sheet: Image.Image, mask: Image.Image, cloth: Image.Image, outline: np.ndarray) -> None:
    left, upper = np.maximum(outline.min(axis=0).astype(int) - 1, 0).tolist()
    right, lower = np.minimum(outline.max(axis=0).astype(int) + 2, (WIDTH, HEIGHT)).tolist()
    piece = Image.new("L", (right - left, lower - upper), 0)
    ImageDraw.Draw(piece).polygon(pairs(outline - (left, upper)), fill=255)
    sheet.paste(cloth.crop((left, upper, right, lower)), (left, upper), piece)
    mask.paste(255, (left, upper), piece)


def _finish(
    draw: ImageDraw.ImageDraw,
    mask: Image.Image,
    dress: Dress,
    garment: Garment,
    base: Rgb,
    ink: Rgb,
    rng: np.random.Generator,
) -> None:
    """Seams, waist, collar, buttons, tiers and hems."""
    seam = (*ink, 150)
    for edge in (garment.neck_edge, *garment.armholes):
        draw.line(pairs(edge), fill=seam, width=3, joint="curve")
    _stitching(draw, dress, garment, ink)
    if dress.silhouette == "tiered":
        _tiers(draw, garment, ink, rng)
    if dress.silhouette == "wrap":
        _wrap(draw, garment, ink)
    _waist(draw, mask, dress, garment, base, ink, rng)
    if dress.neckline == "collar":
        _collar(draw, mask, garment, base, ink, plain=dress.pattern in ("plain", "stripes"))
    _placket(draw, dress, garment, base, ink, rng)
    if dress.neckline == "off_shoulder":
        _frill(draw, garment, ink)


def _placket(
    draw: ImageDraw.ImageDraw, dress: Dress, garment: Garment, base: Rgb, ink: Rgb, rng: np.random.Generator
) -> None:
    """Buttons down the front, of a shirt dress always, of some other bodices by chance."""
    if dress.silhouette == "shirt":
        _buttons(draw, garment, garment.hem - 30 * garment.scale, base, ink)
    elif dress.silhouette in BUTTONED and dress.neckline in ("v", "round", "square", "collar") and rng.random() < 0.35:
        _buttons(draw, garment, garment.waist - 8 * garment.scale, base, ink)


def _stitching(draw: ImageDraw.ImageDraw, dress: Dress, garment: Garment, ink: Rgb) -> None:
    """A hem band, cuffs, and the darts of a fitted bodice."""
    lift = (5.0 if dress.pattern != "lace" else 9.0) * garment.scale
    hem = garment.hem_edge[4:-4]
    draw.line(pairs(hem - (0, lift)), fill=(*ink, 80), width=2)
    for cuff in garment.cuffs:
        draw.line(pairs(cuff), fill=(*ink, 150), width=3)
        if dress.sleeve in ("bishop", "long", "puff"):
            draw.line(pairs(cuff - (0, 5 * garment.scale)), fill=(*ink, 110), width=3)
    if dress.silhouette in ("sheath", "mermaid", "fit_and_flare", "a_line") and not dress.waist.startswith("empire"):
        for side in (-1, 1):
            top, bottom = garment.on_sheet(side * 21, 62), garment.on_sheet(side * 17, 96)
            draw.line([top, bottom], fill=(*ink, 95), width=2)


def _tiers(draw: ImageDraw.ImageDraw, garment: Garment, ink: Rgb, rng: np.random.Generator) -> None:
    """Horizontal seams with little gathers under them."""
    tiers = 2 if garment.hem - garment.waist < 150 * garment.scale else 3
    for number in range(1, tiers):
        y = garment.waist + (garment.hem - garment.waist) * number / tiers
        half = garment.half_width(y)
        across = np.linspace(-1, 1, 41)
        line = np.column_stack([garment.middle + across * half, y + half * 0.09 * (1 - across**2)])
        draw.line(pairs(line), fill=(*ink, 160), width=3)
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
    draw.line(pairs(across), fill=(*ink, 190), width=4, joint="curve")
    foot = garment.middle - garment.half_width(garment.hem) * 0.12
    top = np.array([side + 6 * garment.scale, garment.waist])
    edge = top + (np.array([foot, garment.hem + 4 * garment.scale]) - top) * t
    edge = edge - np.array([16 * garment.scale, 0]) * np.sin(t * np.pi)
    draw.line(pairs(edge), fill=(*ink, 170), width=4, joint="curve")


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
    half, unit = garment.half_width(garment.waist) + 1, garment.scale
    across = np.linspace(-1, 1, 21)
    line = np.column_stack([garment.middle + across * half, garment.waist + half * 0.05 * (1 - across**2)])
    if dress.waist in ("seam", "empire"):
        draw.line(pairs(line), fill=(*ink, 190), width=3)
        return
    contrasting = dress.prints and rng.random() < 0.45
    colour = dress.prints[-1].rgb if contrasting else mix(base, (0, 0, 0), 0.28)
    edge = mix(colour, (0, 0, 0), 0.4)
    _band(draw, line, (9 if dress.waist == "belt" else 6) * unit, colour, edge)
    x, y = garment.middle, garment.waist + half * 0.05
    if dress.waist == "belt":
        metal = (206, 178, 118) if rng.random() < 0.6 else mix(colour, (255, 255, 255), 0.35)
        buckle = [x - 5 * unit, y - 5.6 * unit, x + 5 * unit, y + 5.6 * unit]
        draw.rectangle(buckle, outline=metal, width=round(2 * unit))
    else:
        _bow(draw, mask, x - half * 0.62 if dress.waist == "tie" else x, y, unit, colour, edge)


def _band(draw: ImageDraw.ImageDraw, line: np.ndarray, width: float, colour: Rgb, edge: Rgb) -> None:
    band = [*pairs(line - np.array([0, width / 2])), *pairs(line + np.array([0, width / 2]))[::-1]]
    draw.polygon(band, fill=colour)
    draw.line([*band, band[0]], fill=(*edge, 160), width=2)


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
        points = [garment.on_sheet(side * x, y) for x, y in leaf]
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
            draw.ellipse(box(x, y, 2.2 * unit), fill=bright, outline=(*ink, 200))


def _frill(draw: ImageDraw.ImageDraw, garment: Garment, ink: Rgb) -> None:
    """The fold of cloth along bare shoulders."""
    line = garment.neck_edge + np.array([0, 13 * garment.scale])
    middle = np.array([garment.middle, 0])
    line = (line - middle) * (0.97, 1) + middle
    draw.line(pairs(line[2:-2]), fill=(*ink, 150), width=3, joint="curve")
