"""Agreement: known coefficients, steady and unsteady raters, what is disputed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.curation.agreement import agreement, agreement_sentence, disputed, rater_health

REPOSITORY = Path(__file__).resolve().parents[3]


def table(said: dict[str, str], **changes) -> pd.DataFrame:
    """Each rater's answers to pairs 0, 1, ...: + relevant, - irrelevant, ? can't tell, blank none."""
    verdicts = {"+": "relevant", "-": "irrelevant", "?": "unsure"}
    rows = [
        ("a", f"n{number:03}", rater, verdicts[answer])
        for rater, answers in said.items()
        for number, answer in enumerate(answers)
        if answer != " "
    ]
    made = pd.DataFrame(rows, columns=["anchor_id", "neighbour_id", "rater", "verdict"])
    fixed = {"stratum": 1, "card_kind": "first", "card_id": "c", "seconds": 4.0, "id": range(len(made))}
    return made.assign(**fixed | changes)


def test_the_coefficients_are_those_worked_out_by_hand():
    # Twelve pairs: both + on six, both - on three, split on three.
    found = agreement(table({"Ann": "++++++---++-", "Bo": "++++++-----+"}))
    assert found.pairs == 12
    assert found.same == pytest.approx(9 / 12)
    share = (3 + 1.5) / 12
    chance = 2 * share * (1 - share)
    assert found.ac1 == pytest.approx((0.75 - chance) / (1 - chance))
    # Alpha: 1 - observed / expected disagreement; 24 values, 9 of them "-".
    assert found.alpha == pytest.approx(1 - (6 / 24) / (2 * 9 * 15 / (24 * 23)))


def alpha_by_hand(said: dict[str, str]) -> float:
    """Krippendorff's coincidence matrix, written out: pairs with a single vote are left out."""
    coincidences = np.zeros((2, 2))
    for answers in zip(*said.values(), strict=True):
        given = ["-+".index(answer) for answer in answers if answer in "-+"]
        for one in range(len(given)):
            for other in range(len(given)):
                if one != other:
                    coincidences[given[one], given[other]] += 1 / (len(given) - 1)
    each, total = coincidences.sum(axis=0), coincidences.sum()
    expected = (total**2 - (each**2).sum()) / (total * (total - 1))
    return 1 - (total - np.trace(coincidences)) / total / expected


@pytest.mark.parametrize("seed", range(5))
def test_votes_that_are_missing_leave_alpha_what_it_is_by_hand(seed):
    rng = np.random.default_rng(seed)
    said = {name: "".join(rng.choice(list("++- ?"), 40)) for name in ("Ann", "Bo", "Cy", "Di")}
    assert agreement(table(said)).alpha == pytest.approx(alpha_by_hand(said), abs=1e-12)


def test_only_who_asks_for_a_coefficient_waits_for_the_package_and_it_reads_no_corpus():
    code = (
        "import sys, numpy as np, engine.curation.agreement as a; assert 'nltk' not in sys.modules\n"
        "import nltk.data; nltk.data.find = nltk.data.load = None\n"
        "print(a._alpha(np.array([[1.0, 1.0], [0.0, 0.0], [1.0, np.nan]])))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, timeout=120)
    assert done.stdout.strip() == "1.0", done.stderr


def test_too_few_pairs_and_answers_that_never_vary_have_no_coefficient():
    few = agreement(table({"Ann": "+-+", "Bo": "+-+"}))
    assert (few.pairs, few.alpha, few.ac1) == (3, None, None)
    assert "3 pairs" in agreement_sentence(few)
    alike = agreement(table({"Ann": "+" * 12, "Bo": "+" * 12}))
    assert (alike.same, alike.alpha, alike.ac1) == (1.0, None, None)
    assert agreement_sentence(alike).startswith("Everyone agrees")


def test_who_cannot_tell_has_not_voted():
    assert agreement(table({"Ann": "+" * 11 + "-", "Bo": "+" * 11 + "?"})).pairs == 11


def test_a_rater_who_answers_a_repeated_card_differently_is_less_steady():
    first = table({"Ann": "++++----", "Bo": "++++++++"})
    again = table({"Ann": "+++-----"}, card_kind="repeat")
    health = rater_health(pd.concat([first, again])).set_index("rater")
    assert health.loc["Ann", "steady"] == pytest.approx(7 / 8)
    assert health.loc["Ann", "strictness"] == pytest.approx(0.5)
    assert health.loc["Bo", "strictness"] == pytest.approx(-0.5)
    assert pd.isna(health.loc["Bo", "steady"])
    assert pd.isna(health.loc["Ann", "drift"])


def test_a_rater_who_grows_stricter_drifts():
    health = rater_health(table({"Ann": "+" * 30 + "-" * 30})).iloc[0]
    assert health["drift"] == pytest.approx(1.0)


def test_disputed_pairs_are_listed_until_somebody_decides():
    votes = table({"Ann": "+-+", "Bo": "--+", "Cy": "+--"})
    found = disputed(votes)
    assert found["neighbour_id"].tolist() == ["n000", "n002"]
    assert found[["irrelevant", "relevant"]].values.tolist() == [[1, 2], [1, 2]]
    assert disputed(votes, votes[votes["neighbour_id"] == "n000"])["neighbour_id"].tolist() == ["n002"]
