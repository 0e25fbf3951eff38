"""The cut of a dress: outlines as polygons, before any colour.

A dress is cut in body units on a figure whose shoulders lie at y = 0, waist at 100, hips at 145, knees at 245 and
ankles at 385, with x = 0 down the middle; `cut` then lays it on the drawing sheet, centred and scaled to fill it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.demo.families import Dress

__all__ = ["HEIGHT", "WIDTH", "Garment", "box", "cut", "pairs"]

WIDTH, HEIGHT = 640, 800  # the sheet: the picture's size twice over, for smooth edges

WAIST, UNDERARM = 100.0, 47.0
HEM = {"mini": 200.0, "knee": 242.0, "midi": 302.0, "maxi": 378.0}
ARM_ANGLE = 0.27  # radians from straight down

Points = np.ndarray


@dataclass(frozen=True)
class Garment:
    """Polygons and lines on the sheet, float64 arrays of shape (n, 2).

    `waist`, `hem` and `top` are heights on the sheet; `rows` and `half_widths` (same length) give the dress's half
    width at every height; `scale` is sheet pixels per body unit; `flare` says how much cloth the skirt holds (0 to 1).
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

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Body units to the sheet."""
        return self.middle + x * self.scale, self.top + y * self.scale


def cut(dress: Dress, rng: np.random.Generator) -> Garment:
    """Cut `dress`: every two dresses of the same traits differ a little, as `rng` decides."""
    hem = HEM[dress.length] + rng.uniform(-9, 9)
    waist = 63.0 + rng.uniform(-3, 3) if dress.waist.startswith("empire") else WAIST + rng.uniform(-3, 3)
    heights, widths, flare = _sides(dress.silhouette, waist, hem, rng)
    upper = _upper_edge(dress, widths[0], rng)
    hem_half, hem_line = _hem(dress, widths[-1], hem, flare, rng)
    right = np.vstack([upper.edge, np.column_stack([widths, heights]), hem_half])
    left = upper.left_edge if upper.left_edge is not None else _mirrored(upper.edge)
    left = np.vstack([left, _mirrored(np.column_stack([widths, heights]))])
    sleeves, cuffs = _sleeves(dress, rng)

    lowest = hem + widths[-1] * 0.1
    highest = {"hanger": -26.0, "form": -30.0}.get(dress.support, -8.0)
    scale = min(680.0 / (lowest - highest), 2.7 + rng.uniform(-0.06, 0.06), 285.0 / max(widths.max(), 60.0))
    top = (HEIGHT - (lowest - highest) * scale) / 2 - highest * scale
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


def _sides(silhouette: str, waist: float, hem: float, rng: np.random.Generator) -> tuple[Points, Points, float]:
    """Half widths from underarm to hem, smoothed, and how much cloth the skirt holds."""
    skirt = hem - waist
    vary = float(rng.uniform(0.9, 1.1))
    if silhouette == "fit_and_flare":
        full = (34 + 0.46 * min(skirt, 175) + 0.1 * max(skirt - 175, 0)) * vary
        knots = [(47, 42), (72, 38), (waist, 31), (waist + 14, 40), (waist + 0.35 * skirt, 0.66 * full), (hem, full)]
        flare = 1.0
    elif silhouette == "a_line":
        knots = [(47, 42), (72, 39), (waist, 34), (waist + 42, 47 * vary), (hem, (37 + 0.25 * skirt) * vary)]
        flare = 0.6
    elif silhouette == "wrap":
        knots = [(47, 42), (72, 39), (waist, 34), (waist + 42, 47), (hem, (38 + 0.19 * skirt) * vary)]
        flare = 0.5
    elif silhouette == "shirt":
        knots = [(47, 45), (waist, 39), (waist + 42, 48), (hem, (44 + 0.12 * skirt) * vary)]
        flare = 0.35
    elif silhouette == "shift":
        knots = [(47, 44), (waist, 44 * vary), (145, 48 * vary), (hem, (46 + 0.06 * skirt) * vary)]
        flare = 0.15
    elif silhouette == "sheath":
        knots = [(47, 42), (72, 39), (waist, 33), (145, 45), (195, 43), (hem, 40 * vary - 0.01 * skirt)]
        flare = 0.05
    elif silhouette == "slip":
        knots = [(47, 40), (waist, 36), (145, 44), (hem, (40 + 0.09 * skirt) * vary)]
        flare = 0.3
    elif silhouette == "mermaid":
        knee = waist + 0.56 * skirt
        knots = [
            (47, 41),
            (72, 38),
            (waist, 31),
            (145, 44),
            (knee, 33),
            (knee + 24, 37),
            (hem, (62 + 0.09 * skirt) * vary),
        ]
        flare = 0.45
    elif silhouette == "empire":
        knots = [(47, 41), (waist, 38), (waist + 45, 47), (hem, (40 + 0.16 * skirt) * vary)]
        flare = 0.6
    elif silhouette == "tiered":
        knots = [(47, 44), (waist, 49 * vary), (145, 58 * vary), (hem, (50 + 0.2 * skirt) * vary)]
        flare = 0.8
    else:
        raise ValueError(f"no pattern for the silhouette {silhouette!r}")
    knots = [knot for knot in knots if knot[0] < hem - 4 or knot[0] == hem]
    heights = np.linspace(UNDERARM, hem, 90)
    widths = np.interp(heights, [knot[0] for knot in knots], [knot[1] for knot in knots])
    return heights, _smooth(widths, 4 if silhouette == "mermaid" else 5), flare


@dataclass(frozen=True)
class _Upper:
    """What lies above the underarms, in body units; `edge` runs from the centre to the right underarm."""

    edge: Points
    neck_edge: Points
    left_edge: Points | None = None
    back: Points | None = None
    straps: tuple[Points, ...] = ()
    armholes: tuple[Points, ...] = ()


def _upper_edge(dress: Dress, underarm: float, rng: np.random.Generator) -> _Upper:
    neckline, sleeved = dress.neckline, dress.sleeve not in ("sleeveless", "straps")
    vary = float(rng.uniform(0.9, 1.12))
    if neckline == "strapless":
        edge = (
            _sweetheart(underarm, 36 * vary, 26) if rng.random() < 0.6 else _curve([(0, 33), (22, 30), (underarm, 40)])
        )
        return _Upper(edge, _whole(edge))
    if neckline == "off_shoulder":
        edge = _curve([(0, 24 * vary), (24, 21), (43, 15), (47, 20), (46, 34), (underarm, UNDERARM)])
        return _Upper(edge, _whole(edge[:18]))
    if neckline == "halter":
        edge = _curve([(0, 30 * vary), (6, 12), (11, -7), (16, -7), (22, 14), (32, 36), (underarm, UNDERARM)])
        back = np.array([(-13, -5), (0, -3), (13, -5), (15, -8), (0, -7), (-15, -8)])
        return _Upper(edge, _whole(edge[:12]), back=back)
    if neckline == "one_shoulder":
        right = _curve([(0, 27), (14, 14), (25, -1), (42, 4), (37, 26), (underarm, UNDERARM)])
        left = _curve([(0, 27), (-20, 37), (-underarm, UNDERARM)])
        return _Upper(right, np.vstack([left[::-1], right[:12]]), left_edge=left)
    if neckline == "straight" or dress.sleeve == "straps":
        inner = {"straight": 26.0, "v": 44.0, "sweetheart": 35.0}[neckline] * vary
        peak = 22.0
        middle = (
            [(0, inner), (7, inner - 9), (14, peak + 1)]
            if neckline == "sweetheart"
            else [(0, inner), (12, (inner + peak) / 2)]
        )
        edge = _curve([*middle, (24, peak), (32, 32), (underarm, UNDERARM)], soft=2)
        width = 2.6 if rng.random() < 0.7 else 5.5
        strap = np.array([(24 - width / 2, peak + 4), (21, -1), (21 + width, -2), (24 + width / 2, peak + 4)])
        return _Upper(edge, _whole(edge), straps=(strap, _mirrored(strap)))
    shoulder = (43.0, 5.0) if sleeved else (37.0, 4.0)
    neck, edge = _neck(neckline, vary)
    armhole = _curve([shoulder, (shoulder[0] - 3, 22), (shoulder[0] - 2, 36), (underarm, UNDERARM)])
    outline = np.vstack([edge, armhole])
    armholes = (armhole, _mirrored(armhole))
    if neckline == "high":
        return _Upper(outline, _whole(edge), armholes=armholes)
    rim = _curve([(0, 5), (neck[0] * 0.6, 3), (neck[0], neck[1])])
    back = np.vstack([_whole(edge), _whole(rim)[::-1]])
    return _Upper(outline, _whole(edge), back=back, armholes=armholes)


def _neck(neckline: str, vary: float) -> tuple[tuple[float, float], Points]:
    """The neck point and the right half of the neck's edge, from the centre up to it."""
    if neckline == "round":
        return (19, -3), _curve([(0, 13 * vary), (10, 10.5 * vary), (17, 3), (19, -3)])
    if neckline == "boat":
        return (31, 0), _curve([(0, 7 * vary), (16, 5.5 * vary), (31, 0)])
    if neckline == "square":
        return (24, -1), np.array([(0, 25 * vary), (22, 25 * vary), (24, -1)])
    if neckline == "sweetheart":
        return (23, -2), _curve([(0, 34 * vary), (6, 26 * vary), (14, 22 * vary), (20, 20), (23, -2)], soft=2)
    if neckline == "collar":
        return (15, -5), np.array([(0, 20 * vary), (8, 8), (15, -5)])
    if neckline == "high":
        return (14, -13), np.array([(0, -11.5), (8, -12), (14, -13.5), (15.5, -3), (19, -1)])
    return (18, -4), _curve([(0, 43 * vary), (8, 22 * vary), (18, -4)], soft=3)


def _hem(dress: Dress, width: float, hem: float, flare: float, rng: np.random.Generator) -> tuple[Points, Points]:
    """The right half of the hem, side to centre, and the whole hem line: bowed, and waved where cloth is plenty."""
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
    # The polygon's two halves meet in the middle, so the left half's hem is part of this run.
    return whole[::-1][1:-1], whole


def _sleeves(dress: Dress, rng: np.random.Generator) -> tuple[list[Points], list[Points]]:
    """Right and left sleeves, and the lines of their cuffs."""
    if dress.sleeve in ("sleeveless", "straps"):
        return [], []
    length = {
        "cap": 19,
        "flutter": 34,
        "puff": 42,
        "short": 46,
        "three_quarter": 104,
        "bell": 128,
        "bishop": 146,
        "long": 150,
    }
    reach = length[dress.sleeve] * float(rng.uniform(0.94, 1.06))
    angle = ARM_ANGLE * float(rng.uniform(0.85, 1.15)) + (0.14 if dress.sleeve in ("cap", "flutter", "puff") else 0.0)
    down = np.array([np.sin(angle), np.cos(angle)])
    out = np.array([np.cos(angle), -np.sin(angle)])
    shoulder = np.array([44.0, 15.0]) if dress.neckline == "off_shoulder" else np.array([42.0, 4.0])
    underarm = np.array([41.0, 46.0])
    start = float((underarm - shoulder) @ down)
    gap = float((underarm - shoulder) @ out)
    t = np.linspace(0, 1, 40)
    outer, inner = _sleeve_widths(dress.sleeve, t)
    outer_edge = shoulder + np.outer(t * reach, down) + np.outer(outer, out)
    end = max(reach, start + 2) if dress.sleeve != "cap" else start
    along = start + t * (end - start)
    inner_edge = shoulder + np.outer(along, down) + np.outer(gap + inner * np.minimum(1, (along - start) / 12), out)
    if dress.sleeve == "cap":
        inner_edge = np.array([[40.0, 34.0]])
    cuff = _arc(outer_edge[-1], inner_edge[-1], down * (3.5 if dress.sleeve in ("bell", "flutter") else 1.5))
    sleeve = np.vstack([[[30.0, 6.0]], outer_edge, cuff, inner_edge[::-1], [[30.0, 46.0]]])
    if dress.neckline == "off_shoulder":
        sleeve[0] = (40.0, 24.0)
    return [sleeve, _mirrored(sleeve)], [cuff, _mirrored(cuff)]


def _sleeve_widths(sleeve: str, t: Points) -> tuple[Points, Points]:
    """How far the outer edge stands off the arm's line, and the inner edge falls below it, along the sleeve."""
    ease = np.sin(np.minimum(t * 3, 1) * np.pi / 2)
    if sleeve == "puff":
        return 13 * np.sin(np.clip(t * 1.05, 0, 1) * np.pi) ** 0.6 + 2 * ease, -5 * np.sin(t * np.pi)
    if sleeve == "flutter":
        return 6 * ease + 12 * t, -3 * t
    if sleeve == "cap":
        return 5 * ease, 0 * t
    if sleeve == "bell":
        return 5 * ease - 3 * np.sin(t * np.pi) + 12 * t**3, 3 * np.sin(t * np.pi) - 13 * t**3
    if sleeve == "bishop":
        belly = np.sin(np.clip(t, 0, 1) ** 1.8 * np.pi)
        return 5 * ease + 10 * belly - 5 * t**6, -9 * belly + 2 * t**6
    taper = {"short": 1.0, "three_quarter": 3.0, "long": 5.0}[sleeve]
    return 5.5 * ease - 0.6 * taper * t, 0.7 * taper * t


def _sweetheart(underarm: float, dip: float, peak: float) -> Points:
    return _curve([(0, dip), (6, dip - 6), (14, peak), (24, peak + 0.5), (34, peak + 8), (underarm, 41)], soft=2)


def _curve(points: list[tuple[float, float]], soft: int = 4) -> Points:
    """A smooth line through (nearly) all the points."""
    corners = np.array(points, dtype=float)
    steps = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
    at = np.linspace(0, steps[-1], 32)
    return np.column_stack([_smooth(np.interp(at, steps, corners[:, axis]), soft) for axis in (0, 1)])


def _smooth(values: Points, reach: int) -> Points:
    """Moving average that leaves both ends where they are."""
    for _ in range(2):
        padded = np.concatenate(
            [2 * values[0] - values[reach:0:-1], values, 2 * values[-1] - values[-2 : -reach - 2 : -1]]
        )
        values = np.convolve(padded, np.ones(2 * reach + 1) / (2 * reach + 1), mode="valid")
    return values


def _arc(start: Points, end: Points, bulge: Points) -> Points:
    t = np.linspace(0, 1, 9)[:, None]
    return np.asarray(start + (end - start) * t + bulge * np.sin(t * np.pi))


def _mirrored(points: Points) -> Points:
    return points * (-1.0, 1.0)


def _whole(half: Points) -> Points:
    """Left end to right end of a line given from the centre to the right."""
    return np.vstack([_mirrored(half)[::-1], half])


def box(x: float, y: float, radius: float) -> list[float]:
    """The square around a circle, as Pillow wants it."""
    return [x - radius, y - radius, x + radius, y + radius]


def pairs(points: np.ndarray) -> list[tuple[float, float]]:
    """(n, 2) points as Pillow wants them."""
    return list(map(tuple, points.tolist()))
