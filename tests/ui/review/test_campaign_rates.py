"""What is said of two releases judged on the same cards."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from engine.curation.campaigns import Campaign
from ui.review.campaign_rates import between_releases

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BOTH = Campaign(
    "c", "Both", "planned", "r0002", "r0001", ("hybrid",), (0,), 30, 0.0, 0.0, "drawn", None, None, NOW, None, None
)
GROUPS = pd.DataFrame({"stratum": [0], "size": [500]})


def rates(rate: float, anchors: int = 200) -> pd.DataFrame:
    bad = np.random.default_rng(0).permutation(anchors) < round(rate * anchors)
    return pd.DataFrame(
        {
            "arm": "hybrid", "anchor_id": [f"a{n}" for n in range(anchors)], "stratum": 0, "anchor_count": 1,
            "bad": bad.astype(float), "drawn": 1.0, "weight": 1.0, "pairs": 10,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("newer", "older", "said"),
    [
        (
            0.1,
            0.4,
            "Longtail shows 30 points fewer irrelevant neighbours in Release 2 than in Release 1 on the same products",
        ),
        (0.5, 0.2, "Longtail shows 30 points more irrelevant neighbours in Release 2 than in Release 1"),
        (0.2, 0.2, "cannot be told apart yet"),
    ],
)
def test_two_releases_are_compared_in_a_sentence(newer, older, said):
    (sentence,) = between_releases({"r0002": rates(newer), "r0001": rates(older)}, BOTH, GROUPS)
    assert said in sentence


def test_a_release_that_is_gone_says_nothing():
    assert between_releases({"r0002": rates(0.1), "r0001": rates(0.1).iloc[:0]}, BOTH, GROUPS) == []
