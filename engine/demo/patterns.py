"""Cloth: a dress's fabric as a picture the size of the sheet, before it is cut out."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from engine.demo.families import Dress
from engine.demo.garment import HEIGHT, WIDTH, Garment

__all__ = ["Rgb", "fabric", "luminance", "mix"]

Rgb = tuple[int, int, int]


def fabric(dress: Dress, garment: Garment, base: Rgb, rng: np.random.Generator) -> Image.Image:
    """The dress's cloth, (640, 800) RGB, dyed `base` and printed or woven with its pattern and material."""
    cloth = Image.new("RGB", (WIDTH, HEIGHT), base)
    prints = [shade.rgb for shade in dress.prints] or [mix(base, (255, 255, 255), 0.6)]
    draw = ImageDraw.Draw(cloth, "RGBA")
    if dress.pattern == "plain":
        _weave(draw, dress, garment, base)
    elif dress.pattern == "stripes":
        _stripes(draw, dress, garment, prints, rng)
    elif dress.pattern == "check":
        _check(draw, garment, base, prints, rng)
    elif dress.pattern == "dots":
        _dots(draw, garment, prints, rng)
    else:
        tile = _TILES[dress.pattern](base, prints, rng)
        _spread(cloth, tile)
    return cloth


def mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    """`share` of `other` in `one`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def luminance(rgb: Rgb) -> float:
    """How light a colour is, 0 to 255."""
    return 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]


def _line_down(garment: Garment, across: float, loose: float) -> list[tuple[float, float]]:
    """A thread running down the dress at `across` (-1 left edge, 1 right edge); the skirt spreads it."""
    y = np.linspace(0, HEIGHT, 17)
    mean = float(garment.half_widths.mean())
    x = garment.middle + across * (loose * garment.half_widths_at(y) + (1 - loose) * mean)
    return _pairs(x, y)


def _line_across(garment: Garment, y: float) -> list[tuple[float, float]]:
    """A thread running across the dress at height `y`, sagging in the middle of a wide skirt."""
    bow = 0.0 if y < garment.waist else garment.half_width(y) * (0.03 + 0.09 * garment.flare)
    half = max(garment.half_width(y), 60.0)
    x = np.linspace(0, WIDTH, 25)
    return _pairs(x, y + bow * np.maximum(0.0, 1 - ((x - garment.middle) / half) ** 2))


def _weave(draw: ImageDraw.ImageDraw, dress: Dress, garment: Garment, base: Rgb) -> None:
    """The texture of plain cloth: ribs in a knit, slubs in linen, twill in denim."""
    dark = (*mix(base, (0, 0, 0), 0.35), 46)
    if dress.material == "knit":
        for across in np.arange(-2.2, 2.2, 0.15):
            draw.line(_line_down(garment, across, 0.6), fill=dark, width=4)
    elif dress.material in ("linen", "wool"):
        for y in range(0, HEIGHT, 7):
            draw.line([(0, y), (WIDTH, y)], fill=(*dark[:3], 16), width=2)
    elif dress.material == "denim":
        light = (*mix(base, (255, 255, 255), 0.5), 30)
        for x in range(-HEIGHT, WIDTH, 9):
            draw.line([(x, 0), (x + HEIGHT * 0.6, HEIGHT)], fill=light, width=2)


def _stripes(
    draw: ImageDraw.ImageDraw, dress: Dress, garment: Garment, prints: list[Rgb], rng: np.random.Generator
) -> None:
    colour = (*prints[0], 235)
    broad = float(rng.choice([20.0, 28.0, 40.0], p=[0.4, 0.4, 0.2]))
    share = float(rng.uniform(0.3, 0.52))
    if rng.random() < (0.15 if dress.material == "jersey" else 0.5):
        step = broad / 95.0
        for across in np.arange(-3, 3, step):
            left = _line_down(garment, across, 0.55)
            right = _line_down(garment, across + step * share, 0.55)
            draw.polygon(left + right[::-1], fill=colour)
        return
    for y in np.arange(garment.top - 60, HEIGHT, broad):
        draw.polygon(_line_across(garment, y) + _line_across(garment, y + broad * share)[::-1], fill=colour)


def _check(draw: ImageDraw.ImageDraw, garment: Garment, base: Rgb, prints: list[Rgb], rng: np.random.Generator) -> None:
    """Gingham, or a tartan of a broad and a narrow band."""
    broad = float(rng.choice([26.0, 36.0, 50.0], p=[0.35, 0.4, 0.25]))
    tartan = rng.random() < 0.55
    bands = [(0.0, 0.42, prints[0], 110)]
    if tartan:
        second = prints[1 % len(prints)]
        bands += [(0.56, 0.64, second, 150), (0.78, 0.86, mix(base, (0, 0, 0), 0.5), 110)]
    for start, end, colour, alpha in bands:
        for y in np.arange(garment.top - 80, HEIGHT, broad):
            upper, lower = _line_across(garment, y + start * broad), _line_across(garment, y + end * broad)
            draw.polygon(upper + lower[::-1], fill=(*colour, alpha))
        step = broad / 95.0
        for across in np.arange(-3, 3, step):
            left = _line_down(garment, across + start * step, 0.5)
            right = _line_down(garment, across + end * step, 0.5)
            draw.polygon(left + right[::-1], fill=(*colour, alpha))


def _dots(draw: ImageDraw.ImageDraw, garment: Garment, prints: list[Rgb], rng: np.random.Generator) -> None:
    gap = float(rng.choice([24.0, 34.0, 48.0], p=[0.35, 0.4, 0.25]))
    radius = gap * float(rng.uniform(0.19, 0.3))
    mean = float(garment.half_widths.mean())
    for row, y in enumerate(np.arange(0, HEIGHT, gap * 0.8)):
        half = garment.half_width(y)
        spread = 0.45 * half / mean + 0.55
        bow = 0.0 if y < garment.waist else half * 0.07 * garment.flare
        for x in np.arange(-330 + (row % 2) * gap / 2, 330, gap):
            at = garment.middle + x * spread
            high = y + bow * max(0.0, 1 - (x * spread / max(half, 60)) ** 2)
            draw.ellipse([at - radius, high - radius, at + radius, high + radius], fill=prints[0])


def _spread(cloth: Image.Image, tile: Image.Image) -> None:
    """Cover the cloth with the tile in half-drop repeat, like printed cloth."""
    wide, high = tile.size
    for column, x in enumerate(range(0, WIDTH, wide)):
        for y in range(-(high // 2) * (column % 2), HEIGHT, high):
            cloth.paste(tile, (x, y))


# Positions of a repeat's neighbours, in repeats: those at the sides lie half a repeat lower.
_HALF_DROP = ((-1, (-1.5, -0.5, 0.5, 1.5)), (0, (-1, 0, 1)), (1, (-1.5, -0.5, 0.5, 1.5)))


class _Tile:
    """A repeat: a shape that crosses one edge comes in again at the opposite one, half a drop lower at the sides."""

    def __init__(self, size: int, base: Rgb):
        self.size = size
        self.image = Image.new("RGB", (size, size), base)
        self.draw = ImageDraw.Draw(self.image, "RGBA")

    def offsets(self, x: float, y: float, reach: float) -> list[tuple[float, float]]:
        size = self.size
        found = []
        for column, rows in _HALF_DROP:
            at_x = x + column * size
            if -reach < at_x < size + reach:
                found += [(at_x, y + row * size) for row in rows if -reach < y + row * size < size + reach]
        return found

    def polygon(self, x: float, y: float, points: np.ndarray, fill: tuple[int, ...]) -> None:
        """A shape around (x, y), and its copies in the neighbouring repeats."""
        for at in self.offsets(x, y, float(np.abs(points).max())):
            self.draw.polygon(np.round(points + at, 1).ravel().tolist(), fill=fill)

    def disc(self, x: float, y: float, radius: float, fill: tuple[int, ...]) -> None:
        for at_x, at_y in self.offsets(x, y, radius):
            self.draw.ellipse([at_x - radius, at_y - radius, at_x + radius, at_y + radius], fill=fill)


def _floral(base: Rgb, prints: list[Rgb], rng: np.random.Generator) -> Image.Image:
    """Blooms, daisies or sprigs with leaves, scattered evenly over the repeat."""
    kind = str(rng.choice(["bloom", "daisy", "ditsy"], p=[0.45, 0.3, 0.25]))
    size, count, radius = {"bloom": (210, 7, 25.0), "daisy": (180, 8, 18.0), "ditsy": (128, 10, 9.5)}[kind]
    tile = _Tile(size, base)
    leaf = mix((108, 140, 96), base, 0.25) if luminance(base) > 90 else (134, 164, 124)
    for number, (x, y) in enumerate(_scatter(count, size, rng)):
        colour = prints[number % len(prints)]
        turn = float(rng.uniform(0, 2 * math.pi))
        big = radius * float(rng.uniform(0.8, 1.15))
        for side in (0.5, 2.3):
            stalk = _leaf(big * 1.05, big * 0.42, turn + side) + _ray(big * 0.95, turn + side)
            tile.polygon(x, y, stalk, (*leaf, 235))
        if kind == "bloom":
            _rose(tile, x, y, big, colour, turn)
        else:
            _daisy(tile, x, y, big, colour, turn, 5 if kind == "ditsy" else 8)
    for x, y in _scatter(count * 2, size, rng):
        tile.disc(x, y, radius * 0.16, (*prints[-1], 220))
    return tile.image


def _rose(tile: _Tile, x: float, y: float, radius: float, colour: Rgb, turn: float) -> None:
    for ring, (reach, petals, tone) in enumerate(((0.62, 6, 0.0), (0.4, 5, 0.22), (0.16, 3, 0.42))):
        shade = mix(colour, (255, 255, 255), tone) if luminance(colour) < 170 else mix(colour, (176, 84, 92), tone)
        for petal in range(petals):
            at = turn + ring * 0.5 + petal * 2 * math.pi / petals
            tile.disc(
                x + math.cos(at) * radius * reach,
                y + math.sin(at) * radius * reach,
                radius * (0.46 - 0.1 * ring),
                shade,
            )
    tile.disc(x, y, radius * 0.14, mix(colour, (60, 20, 20), 0.35))


def _daisy(tile: _Tile, x: float, y: float, radius: float, colour: Rgb, turn: float, petals: int) -> None:
    for petal in range(petals):
        at = turn + petal * 2 * math.pi / petals
        tile.polygon(x, y, _leaf(radius * 0.62, radius * 0.36, at) + _ray(radius * 0.58, at), colour)
    heart = (226, 182, 74) if colour[2] > 100 or colour[0] < 150 else (250, 240, 220)
    tile.disc(x, y, radius * 0.3, heart)


def _leaf_print(base: Rgb, prints: list[Rgb], rng: np.random.Generator) -> Image.Image:
    """Large palm leaves: pairs of slim blades along a bent rib, shorter towards the tip."""
    tile = _Tile(240, base)
    for number, (x, y) in enumerate(_scatter(6, 240, rng)):
        colour, turn = prints[number % len(prints)], float(rng.uniform(0, 2 * math.pi))
        rib = mix(colour, base, 0.45)
        for step in range(7):
            root = _ray(-40 + step * 11.0, turn)
            long = (15, 20, 22, 21, 18, 14, 9)[step]
            for side in (-1, 1):
                lean = turn + side * (1.05 - 0.07 * step)
                tile.polygon(x, y, _leaf(long, 4.0, lean) + _ray(long, lean) + root, (*colour, 245))
        tile.polygon(x, y, _leaf(10, 3.6, turn) + _ray(44, turn), (*colour, 245))
        tile.polygon(x, y, _leaf(48, 1.7, turn), rib)
    return tile.image


def _abstract(base: Rgb, prints: list[Rgb], rng: np.random.Generator) -> Image.Image:
    """Loose brush marks and drops."""
    tile = _Tile(220, base)
    for number, (x, y) in enumerate(_scatter(9, 220, rng)):
        turn = float(rng.uniform(-0.5, 0.5)) + math.pi / 4
        t = np.linspace(0, 2 * math.pi, 28, endpoint=False)
        wobble = 1 + 0.22 * np.sin(3 * t + rng.uniform(0, 6)) + 0.1 * np.sin(5 * t)
        shape = np.column_stack([np.cos(t) * 32, np.sin(t) * 13]) * wobble[:, None]
        cos, sin = math.cos(turn), math.sin(turn)
        tile.polygon(x, y, shape @ np.array([[cos, sin], [-sin, cos]]), (*prints[number % len(prints)], 225))
    for x, y in _scatter(12, 220, rng):
        tile.disc(x, y, 4.5, (*prints[0], 200))
    return tile.image


def _lace(base: Rgb, prints: list[Rgb], rng: np.random.Generator) -> Image.Image:
    """Openwork: a net of rings and small blossoms, lighter on dark cloth and darker on light."""
    light = luminance(base) < 130
    thread = mix(base, (255, 255, 255), 0.34) if light else mix(base, (255, 255, 255), 0.55)
    ground = mix(base, (0, 0, 0), 0.12) if light else mix(base, (158, 128, 108), 0.3)
    size = int(rng.choice([72, 88, 104]))
    tile = _Tile(size, ground)
    _net(tile, thread)
    for x, y in ((size * 0.28, size * 0.25), (size * 0.75, size * 0.6)):
        for petal in range(6):
            at = petal * math.pi / 3
            tile.polygon(x, y, _leaf(size * 0.1, size * 0.062, at) + _ray(size * 0.115, at), (*thread, 255))
        tile.disc(x, y, size * 0.045, ground)
        tile.disc(x, y, size * 0.025, thread)
    for x, y in ((size * 0.72, size * 0.18), (size * 0.25, size * 0.72)):
        for at in (0.6, 2.2, 4.2):
            tile.polygon(x, y, _leaf(size * 0.075, size * 0.032, at) + _ray(size * 0.075, at), (*thread, 255))
    return tile.image


def _net(tile: _Tile, thread: Rgb) -> None:
    """Eight by eight rings."""
    step = tile.size / 8
    for column in range(8):
        for row in range(8):
            for at_x, at_y in tile.offsets(column * step, (row + (column % 2) / 2) * step, step):
                box = [at_x - step * 0.52, at_y - step * 0.52, at_x + step * 0.52, at_y + step * 0.52]
                tile.draw.ellipse(box, outline=(*thread, 120), width=2)


def _sequins(base: Rgb, prints: list[Rgb], rng: np.random.Generator) -> Image.Image:
    """Overlapping small discs that catch the light unevenly."""
    size, step = 160, 10
    tile = _Tile(size, base)
    tones = rng.integers(0, 12, (size // step, size // step))
    for row in range(size // step):
        for column in range(size // step):
            tone = int(tones[row, column])
            colour = mix(base, (0, 0, 0), 0.06 * tone) if tone < 6 else mix(base, (255, 255, 255), 0.075 * (tone - 6))
            if tone == 11:
                colour = mix(base, (255, 255, 255), 0.8)
            tile.disc((column + (row % 2) / 2) * step + 3, row * step + 4, 5.6, colour)
    return tile.image


_TILES: dict[str, Callable[[Rgb, list[Rgb], np.random.Generator], Image.Image]] = {
    "floral": _floral,
    "leaf": _leaf_print,
    "abstract": _abstract,
    "lace": _lace,
    "sequin": _sequins,
}


def _scatter(count: int, size: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Random points that are spread evenly: each is the farthest of twelve candidates from the earlier points."""
    points = rng.uniform(0, size, (1, 2))
    while len(points) < count:
        candidates = rng.uniform(0, size, (12, 2))
        apart = np.abs(candidates[:, None] - points[None])
        apart = np.minimum(apart, size - apart)
        nearest = (apart**2).sum(axis=2).min(axis=1)
        points = np.vstack([points, candidates[int(nearest.argmax())]])
    return [(float(x), float(y)) for x, y in points]


def _leaf(length: float, width: float, turn: float) -> np.ndarray:
    """A pointed oval around the origin, `length` and `width` its half axes, turned by `turn` radians."""
    t = np.linspace(0, 2 * math.pi, 14, endpoint=False)
    oval = np.column_stack([np.cos(t) * length, np.sin(t) ** 3 * width * 0.45 + np.sin(t) * width * 0.55])
    cos, sin = math.cos(turn), math.sin(turn)
    return np.asarray(oval @ np.array([[cos, sin], [-sin, cos]]))


def _pairs(x: np.ndarray, y: np.ndarray) -> list[tuple[float, float]]:
    return list(zip(x.round(2).tolist(), y.round(2).tolist(), strict=True))


def _ray(length: float, turn: float) -> np.ndarray:
    return np.array([math.cos(turn) * length, math.sin(turn) * length])
