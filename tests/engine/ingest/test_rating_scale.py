from __future__ import annotations

import pytest

from engine.ingest.rating_scale import rating_scale


@pytest.mark.parametrize(
    ("smallest", "largest", "n", "worst", "best", "lowest"),
    [
        (1, 5, 1000, 1, 5, 3),
        (0.5, 5, 1000, 0.5, 5, 2.75),
        (0, 10, 1000, 0, 10, 5),
        (1, 10, 1000, 1, 10, 5.5),
        (0, 1, 1000, 0, 1, 0.5),
        (-1, 1, 1000, -1, 1, 0),
        (-10, 10, 1000, -10, 10, 0),
        (0, 100, 1000, 0, 100, 50),
        (4, 5, 3, 1, 5, 3),
        (2, 4, 3, 1, 5, 3),
        (1, 3, 1000, 1, 3, 2),
        (1, 1, 1000, 0, 1, 0.5),
    ],
)
def test_the_scale_is_found_from_the_numbers(
    smallest: float, largest: float, n: int, worst: float, best: float, lowest: float
) -> None:
    scale = rating_scale(smallest, largest, n)
    assert (scale.worst, scale.best, scale.lowest) == (worst, best, lowest)
