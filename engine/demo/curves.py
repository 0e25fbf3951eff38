"""Lines and outlines as arrays of points, (n, 2) float64."""

from __future__ import annotations

import numpy as np

__all__ = ["Points", "arc", "curve", "mirrored", "smooth", "whole"]

Points = np.ndarray


def curve(points: list[tuple[float, float]], soft: int = 4) -> Points:
    """A smooth line through (nearly) all the points."""
    corners = np.array(points, dtype=float)
    steps = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
    at = np.linspace(0, steps[-1], 32)
    return np.column_stack([smooth(np.interp(at, steps, corners[:, axis]), soft) for axis in (0, 1)])


def smooth(values: Points, reach: int) -> Points:
    """Moving average that does not move the ends."""
    for _ in range(2):
        padded = np.concatenate(
            [2 * values[0] - values[reach:0:-1], values, 2 * values[-1] - values[-2 : -reach - 2 : -1]]
        )
        values = np.convolve(padded, np.ones(2 * reach + 1) / (2 * reach + 1), mode="valid")
    return values


def arc(start: Points, end: Points, bulge: Points) -> Points:
    """A line from `start` to `end` that bulges in the middle."""
    t = np.linspace(0, 1, 9)[:, None]
    return np.asarray(start + (end - start) * t + bulge * np.sin(t * np.pi))


def mirrored(points: Points) -> Points:
    """The points on the other side of x = 0."""
    return points * (-1.0, 1.0)


def whole(half: Points) -> Points:
    """The whole line, left to right, of a right half that starts at the centre."""
    return np.vstack([mirrored(half)[::-1], half])
