"""The cut of a dress: outlines as polygons, before any colour.

A dress is cut in body units on a figure whose shoulders lie at y = 0, waist at 100, hips at 145, knees at 245 and
ankles at 385, with x = 0 down the middle; `cut` then scales it to fill the drawing sheet and centres it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.demo.curves import Points, mirrored, smooth
from engine.demo.families import Dress
from engine.demo.necklines import UNDERARM, upper_part
from engine.demo.sleeves import cut_sleeves

__all__ = ["HEIGHT", "WIDTH", "Garment", "box", "cut", "pairs"]

WIDTH, HEIGHT = 640, 800  # the sheet: twice the picture's size, for smooth edges

WAIST = 100.0
HEM = {"mini": 200.0, "knee": 242.0, "midi": 302.0, "maxi": 378.0}
FLARE = {
    "fit_and_flare": 1.0,
    "a_line": 0.6,
    "wrap": 0.5,
    "shirt": 0.35,
    "shift": 0.15,
    "sheath": 0.05,
    "slip": 0.3,
    "mermaid": 0.45,
    "empire": 0.6,
    "tiered": 0.8,
}
"""How wide the skirt is for its length, 0 to 1."""


@dataclass(frozen=True)
class Garment:
    """Polygons and lines on the sheet, float64 arrays of shape (n, 2).

    `waist`, `hem` and `top` are heights on the sheet; `rows` and `half_widths` (same length) give the dress's half
    width at every height; `scale` is sheet pixels per body unit; `flare` is one of `FLARE`.
    """

    body: Points
    back: Points | None
    sleeves: tuple[Points, ...]
    straps: tuple[Points, ...]
    neck_edge: Points
    armholes: tuple[Points, ...]
    hem_edge: Points
    cuffs: tuple[Points, ...]
    waist: float
    hem: float
    top: float
    middle: float
    scale: float
    flare: float
    rows: np.ndarray
    half_widths: np.ndarray

    def half_width(self, y: float) -> float:
        """Half the dress's width at height `y`, in sheet pixels."""
        return float(self.half_widths_at(np.array([y]))[0])

    def half_widths_at(self, y: np.ndarray) -> np.ndarray:
        """`half_width` of many heights at once."""
        return np.asarray(np.interp(y, self.rows, self.half_widths))

    def on_sheet(self, x: float, y: float) -> tuple[float, float]:
        """A point in body units as a point on the sheet."""
        return self.middle + x * self.scale, self.top + y * self.scale


def cut(dress: Dress, rng: np.random.Generator) -> Garment:
    """Cut `dress`: any two dresses with the same traits differ a little, as `rng` decides."""
    hem = HEM[dress.length] + rng.uniform(-9, 9)
    waist = 63.0 + rng.uniform(-3, 3) if dress.waist.startswith("empire") else WAIST + rng.uniform(-3, 3)
    heights, widths = _sides(dress.silhouette, waist, hem, rng)
    flare = FLARE[dress.silhouette]
    upper = upper_part(dress, widths[0], rng)
    hem_half, hem_line = _hem(dress, widths[-1], hem, flare, rng)
    sides = np.column_stack([widths, heights])
    right = np.vstack([upper.edge, sides, hem_half])
    left = np.vstack([mirrored(upper.edge) if upper.left_edge is None else upper.left_edge, mirrored(sides)])
    sleeves, cuffs = cut_sleeves(dress, rng)
    scale, top = _fit_to_sheet(dress.support, hem, widths, rng)
    middle = WIDTH / 2

    def lay(points: Points) -> Points:
        return np.asarray(np.round(points * scale + (middle, top), 2))

    return Garment(
        body=lay(np.vstack([right, left[::-1]])),
        back=lay(upper.back) if upper.back is not None else None,
        sleeves=tuple(lay(sleeve) for sleeve in sleeves),
        straps=tuple(lay(strap) for strap in upper.straps),
        neck_edge=lay(upper.neck_edge),
        armholes=tuple(lay(line) for line in upper.armholes),
        hem_edge=lay(hem_line),
        cuffs=tuple(lay(line) for line in cuffs),
        waist=top + waist * scale,
        hem=top + hem * scale,
        top=top,
        middle=middle,
        scale=scale,
        flare=flare,
        rows=top + heights * scale,
        half_widths=widths * scale,
    )


def _fit_to_sheet(support: str, hem: float, widths: Points, rng: np.random.Generator) -> tuple[float, float]:
    """The scale, and the shoulders' height on the sheet."""
    lowest = hem + widths[-1] * 0.1
    highest = {"hanger": -26.0, "form": -30.0}.get(support, -8.0)
    scale = min(680.0 / (lowest - highest), 2.7 + rng.uniform(-0.06, 0.06), 285.0 / max(widths.max(), 60.0))
    return scale, (HEIGHT - (lowest - highest) * scale) / 2 - highest * scale


def _sides(silhouette: str, waist: float, hem: float, rng: np.random.Generator) -> tuple[Points, Points]:
    """Heights from underarm to hem, and the smoothed half widths at them."""
    if silhouette not in _KNOTS:
        raise ValueError(f"no pattern for the silhouette {silhouette!r}")
    knots = _KNOTS[silhouette](waist, hem, float(rng.uniform(0.9, 1.1)))
    knots = [knot for knot in knots if knot[0] < hem - 4 or knot[0] == hem]
    heights = np.linspace(UNDERARM, hem, 90)
    widths = np.interp(heights, [knot[0] for knot in knots], [knot[1] for knot in knots])
    return heights, smooth(widths, 4 if silhouette == "mermaid" else 5)


Knots = list[tuple[float, float]]


def _fit_and_flare(waist: float, hem: float, vary: float) -> Knots:
    skirt = hem - waist
    full = (34 + 0.46 * min(skirt, 175) + 0.1 * max(skirt - 175, 0)) * vary
    return [(47, 42), (72, 38), (waist, 31), (waist + 14, 40), (waist + 0.35 * skirt, 0.66 * full), (hem, full)]


def _a_line(waist: float, hem: float, vary: float) -> Knots:
    return [(47, 42), (72, 39), (waist, 34), (waist + 42, 47 * vary), (hem, (37 + 0.25 * (hem - waist)) * vary)]


def _wrap(waist: float, hem: float, vary: float) -> Knots:
    return [(47, 42), (72, 39), (waist, 34), (waist + 42, 47), (hem, (38 + 0.19 * (hem - waist)) * vary)]


def _shirt(waist: float, hem: float, vary: float) -> Knots:
    return [(47, 45), (waist, 39), (waist + 42, 48), (hem, (44 + 0.12 * (hem - waist)) * vary)]


def _shift(waist: float, hem: float, vary: float) -> Knots:
    return [(47, 44), (waist, 44 * vary), (145, 48 * vary), (hem, (46 + 0.06 * (hem - waist)) * vary)]


def _sheath(waist: float, hem: float, vary: float) -> Knots:
    return [(47, 42), (72, 39), (waist, 33), (145, 45), (195, 43), (hem, 40 * vary - 0.01 * (hem - waist))]


def _slip(waist: float, hem: float, vary: float) -> Knots:
    return [(47, 40), (waist, 36), (145, 44), (hem, (40 + 0.09 * (hem - waist)) * vary)]


def _mermaid(waist: float, hem: float, vary: float) -> Knots:
    skirt = hem - waist
    knee = waist + 0.56 * skirt
    foot = (62 + 0.09 * skirt) * vary
    return [(47, 41), (72, 38), (waist, 31), (145, 44), (knee, 33), (knee + 24, 37), (hem, foot)]


def _empire(waist: float, hem: float, vary: float) -> Knots:
    return [(47, 41), (waist, 38), (waist + 45, 47), (hem, (40 + 0.16 * (hem - waist)) * vary)]


def _tiered(waist: float, hem: float, vary: float) -> Knots:
    return [(47, 44), (waist, 49 * vary), (145, 58 * vary), (hem, (50 + 0.2 * (hem - waist)) * vary)]


_KNOTS: dict[str, Callable[[float, float, float], Knots]] = {
    "fit_and_flare": _fit_and_flare,
    "a_line": _a_line,
    "wrap": _wrap,
    "shirt": _shirt,
    "shift": _shift,
    "sheath": _sheath,
    "slip": _slip,
    "mermaid": _mermaid,
    "empire": _empire,
    "tiered": _tiered,
}
"""The side seam of each silhouette as (height, half width), from the heights of waist and hem and a factor near 1."""


def _hem(dress: Dress, width: float, hem: float, flare: float, rng: np.random.Generator) -> tuple[Points, Points]:
    """The right half of the hem, side to centre, and the whole hem line: bowed, and wavy if the skirt is wide."""
    across = np.linspace(-1, 1, 121)
    bow = width * (0.05 + 0.06 * flare)
    waves = 3 + round(4 * flare)
    wave = np.cos(across * np.pi * waves + rng.uniform(0, 0.6)) * width * 0.028 * flare
    line = hem + bow * (1 - across**2) + wave * (1 - across**8)
    if dress.silhouette == "shirt" and dress.length != "maxi":
        line = hem + 9 * (1 - np.abs(across) ** 3)
    if dress.pattern == "lace":
        line = line + np.abs(np.sin(across * np.pi * 9)) * 4.5
    whole = np.column_stack([across * width, line])
    # The polygon's two halves meet in the middle, so this line includes the left half of the hem.
    return whole[::-1][1:-1], whole


def box(x: float, y: float, radius: float) -> list[float]:
    """The square around a circle, as Pillow needs it."""
    return [x - radius, y - radius, x + radius, y + radius]


def pairs(points: np.ndarray) -> list[tuple[float, float]]:
    """(n, 2) points as Pillow needs them."""
    return list(map(tuple, points.tolist()))
