"""Sleeves in body units (see `garment`)."""

from __future__ import annotations

import numpy as np

from engine.demo.curves import Points, arc, mirrored
from engine.demo.families import Dress

__all__ = ["cut_sleeves"]

ARM_ANGLE = 0.27  # radians from straight down
LENGTHS = {
    "cap": 19,
    "flutter": 34,
    "puff": 42,
    "short": 46,
    "three_quarter": 104,
    "bell": 128,
    "bishop": 146,
    "long": 150,
}


def cut_sleeves(dress: Dress, rng: np.random.Generator) -> tuple[list[Points], list[Points]]:
    """Right and left sleeves, and the lines of their cuffs."""
    if dress.sleeve in ("sleeveless", "straps"):
        return [], []
    reach = LENGTHS[dress.sleeve] * float(rng.uniform(0.94, 1.06))
    angle = ARM_ANGLE * float(rng.uniform(0.85, 1.15)) + (0.14 if dress.sleeve in ("cap", "flutter", "puff") else 0.0)
    down = np.array([np.sin(angle), np.cos(angle)])
    out = np.array([np.cos(angle), -np.sin(angle)])
    outer_edge, inner_edge = _edges(dress, reach, down, out)
    cuff = arc(outer_edge[-1], inner_edge[-1], down * (3.5 if dress.sleeve in ("bell", "flutter") else 1.5))
    sleeve = np.vstack([[[30.0, 6.0]], outer_edge, cuff, inner_edge[::-1], [[30.0, 46.0]]])
    if dress.neckline == "off_shoulder":
        sleeve[0] = (40.0, 24.0)
    return [sleeve, mirrored(sleeve)], [cuff, mirrored(cuff)]


def _edges(dress: Dress, reach: float, down: Points, out: Points) -> tuple[Points, Points]:
    """Outer and inner edge, from the shoulder along the arm; `down` and `out` are unit vectors along and across it."""
    shoulder = np.array([44.0, 15.0]) if dress.neckline == "off_shoulder" else np.array([42.0, 4.0])
    underarm = np.array([41.0, 46.0])
    start = float((underarm - shoulder) @ down)
    gap = float((underarm - shoulder) @ out)
    t = np.linspace(0, 1, 40)
    outer, inner = _sleeve_widths(dress.sleeve, t)
    outer_edge = shoulder + np.outer(t * reach, down) + np.outer(outer, out)
    if dress.sleeve == "cap":
        return outer_edge, np.array([[40.0, 34.0]])
    end = max(reach, start + 2)
    along = start + t * (end - start)
    inner_edge = shoulder + np.outer(along, down) + np.outer(gap + inner * np.minimum(1, (along - start) / 12), out)
    return outer_edge, inner_edge


def _sleeve_widths(sleeve: str, t: Points) -> tuple[Points, Points]:
    """Distances of the outer and the inner edge from the arm's line, along the sleeve."""
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
