"""Necklines: everything of a dress above the underarms, in body units (see `garment`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.demo.curves import Points, curve, mirrored, whole
from engine.demo.families import Dress

__all__ = ["UNDERARM", "Upper", "upper_part"]

UNDERARM = 47.0


@dataclass(frozen=True)
class Upper:
    """The part above the underarms; `edge` runs from the centre to the right underarm."""

    edge: Points
    neck_edge: Points
    left_edge: Points | None = None
    back: Points | None = None
    straps: tuple[Points, ...] = ()
    armholes: tuple[Points, ...] = ()


def upper_part(dress: Dress, underarm: float, rng: np.random.Generator) -> Upper:
    """The upper part of `dress`, whose half width under the arms is `underarm`."""
    neckline = dress.neckline
    vary = float(rng.uniform(0.9, 1.12))
    if neckline == "strapless":
        return _strapless(underarm, vary, rng)
    if neckline == "off_shoulder":
        edge = curve([(0, 24 * vary), (24, 21), (43, 15), (47, 20), (46, 34), (underarm, UNDERARM)])
        return Upper(edge, whole(edge[:18]))
    if neckline == "halter":
        edge = curve([(0, 30 * vary), (6, 12), (11, -7), (16, -7), (22, 14), (32, 36), (underarm, UNDERARM)])
        back = np.array([(-13, -5), (0, -3), (13, -5), (15, -8), (0, -7), (-15, -8)])
        return Upper(edge, whole(edge[:12]), back=back)
    if neckline == "one_shoulder":
        right = curve([(0, 27), (14, 14), (25, -1), (42, 4), (37, 26), (underarm, UNDERARM)])
        left = curve([(0, 27), (-20, 37), (-underarm, UNDERARM)])
        return Upper(right, np.vstack([left[::-1], right[:12]]), left_edge=left)
    if neckline == "straight" or dress.sleeve == "straps":
        return _on_straps(neckline, underarm, vary, rng)
    return _on_shoulders(dress, underarm, vary)


def _strapless(underarm: float, vary: float, rng: np.random.Generator) -> Upper:
    edge = _sweetheart(underarm, 36 * vary, 26) if rng.random() < 0.6 else curve([(0, 33), (22, 30), (underarm, 40)])
    return Upper(edge, whole(edge))


def _sweetheart(underarm: float, dip: float, peak: float) -> Points:
    return curve([(0, dip), (6, dip - 6), (14, peak), (24, peak + 0.5), (34, peak + 8), (underarm, 41)], soft=2)


def _on_straps(neckline: str, underarm: float, vary: float, rng: np.random.Generator) -> Upper:
    inner = {"straight": 26.0, "v": 44.0, "sweetheart": 35.0}[neckline] * vary
    peak = 22.0
    middle = (
        [(0, inner), (7, inner - 9), (14, peak + 1)]
        if neckline == "sweetheart"
        else [(0, inner), (12, (inner + peak) / 2)]
    )
    edge = curve([*middle, (24, peak), (32, 32), (underarm, UNDERARM)], soft=2)
    width = 2.6 if rng.random() < 0.7 else 5.5
    strap = np.array([(24 - width / 2, peak + 4), (21, -1), (21 + width, -2), (24 + width / 2, peak + 4)])
    return Upper(edge, whole(edge), straps=(strap, mirrored(strap)))


def _on_shoulders(dress: Dress, underarm: float, vary: float) -> Upper:
    shoulder = (37.0, 4.0) if dress.sleeve == "sleeveless" else (43.0, 5.0)
    neck, edge = _neck(dress.neckline, vary)
    armhole = curve([shoulder, (shoulder[0] - 3, 22), (shoulder[0] - 2, 36), (underarm, UNDERARM)])
    outline = np.vstack([edge, armhole])
    armholes = (armhole, mirrored(armhole))
    if dress.neckline == "high":
        return Upper(outline, whole(edge), armholes=armholes)
    rim = curve([(0, 5), (neck[0] * 0.6, 3), (neck[0], neck[1])])
    back = np.vstack([whole(edge), whole(rim)[::-1]])
    return Upper(outline, whole(edge), back=back, armholes=armholes)


def _neck(neckline: str, vary: float) -> tuple[tuple[float, float], Points]:
    """The point at the neck, and the right half of the neck's edge from the centre up to it."""
    if neckline == "round":
        return (19, -3), curve([(0, 13 * vary), (10, 10.5 * vary), (17, 3), (19, -3)])
    if neckline == "boat":
        return (31, 0), curve([(0, 7 * vary), (16, 5.5 * vary), (31, 0)])
    if neckline == "square":
        return (24, -1), np.array([(0, 25 * vary), (22, 25 * vary), (24, -1)])
    if neckline == "sweetheart":
        return (23, -2), curve([(0, 34 * vary), (6, 26 * vary), (14, 22 * vary), (20, 20), (23, -2)], soft=2)
    if neckline == "collar":
        return (15, -5), np.array([(0, 20 * vary), (8, 8), (15, -5)])
    if neckline == "high":
        return (14, -13), np.array([(0, -11.5), (8, -12), (14, -13.5), (15.5, -3), (19, -1)])
    return (18, -4), curve([(0, 43 * vary), (8, 22 * vary), (18, -4)], soft=3)
