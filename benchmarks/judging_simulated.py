"""A thousand simulated campaigns with known true rates: do the intervals cover, is the rate unbiased, is the planner right?

    python -m benchmarks.judging_simulated [--campaigns 1000] [--seed 0]

Shops are drawn with five groups of 2,000 products; two lists of ten each, half of them shared, whose neighbours of one
product stand or fall together. Cards show ten of the pool, 40 products a group, a share of them judged twice. The
functions measured are those behind the Irrelevance page. Written to results/judging.json.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from benchmarks.support import merge_results
from engine.curation.rates.planning import cards_to_separate, crossover
from engine.curation.rates.weighted import anchor_rates, paired_differences, stratum_rates

COMMAND = "python -m benchmarks.judging_simulated"
PRODUCTS, ANCHORS, LENGTH, SHARED, ON_CARD = 2000, 40, 10, 5, 10
COUNTS = (1, 3, 12, 48, 200)  # of the five groups
BEHAVIOUR, LONGTAIL = (0.85, 0.7, 0.45, 0.2, 0.08), (0.25, 0.25, 0.22, 0.24, 0.2)
ALIKE = 3.0  # a product's own rate is Beta with this many pseudo-counts: the smaller, the more alike its neighbours
PILOT = 20


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--campaigns", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    shop = [_products(stratum, rng) for stratum in range(len(COUNTS))]
    truth = {
        (arm, stratum): float(np.mean([product[arm].mean() for product in shop[stratum]]))
        for stratum in range(len(COUNTS))
        for arm in ("als", "hybrid")
    }
    turning = _true_crossover(truth)
    covered: dict[tuple[str, int], list[bool]] = {key: [] for key in truth}
    errors: dict[tuple[str, int], list[float]] = {key: [] for key in truth}
    crossed: list[bool] = []
    for _ in range(arguments.campaigns):
        rates = _judged(shop, ANCHORS, range(len(COUNTS)), rng)
        for row in stratum_rates(rates).itertuples():
            true = truth[row.arm, row.stratum]
            covered[row.arm, row.stratum].append(row.low <= true <= row.high)
            errors[row.arm, row.stratum].append(row.rate - true)
        found = crossover(paired_differences(rates, "als", "hybrid"))
        assert found is not None
        crossed.append((found.low is None or found.low <= turning) and (found.high is None or turning <= found.high))
    promised, kept, none = _planned(shop, arguments.campaigns, rng)
    coverage = {key: float(np.mean(values)) for key, values in covered.items()}
    bias = {key: float(np.mean(values)) for key, values in errors.items()}
    worst = max(abs(mean) / (np.std(errors[key]) / np.sqrt(len(errors[key]))) for key, mean in bias.items())
    figures = {
        "interval_coverage_lowest_stratum": (min(coverage.values()), ">= 0.93"),
        "interval_coverage_highest_stratum": (max(coverage.values()), "<= 0.97"),
        "largest_bias_of_a_rate": (max(map(abs, bias.values())), "<= 0.005"),
        "largest_bias_in_its_standard_errors": (worst, "<= 3.5"),
        "crossover_interval_coverage": (float(np.mean(crossed)), ">= 0.93"),
        "planner_promises_kept": (kept, ">= 0.8"),
        "planner_campaigns_with_a_promise": (promised, "-"),
        "planner_campaigns_without": (none, "-"),
        "simulated_campaigns": (arguments.campaigns, "-"),
    }
    merge_results(
        "judging",
        {
            name: {"value": round(float(value), 4), "target": target, "command": COMMAND}
            for name, (value, target) in figures.items()
        },
    )
    for name, (value, target) in figures.items():
        print(f"{name}: {value:.4g} (target {target})")
    for key, share in coverage.items():
        print(f"  {key[0]:7} group {key[1]}: true {truth[key]:.3f}, coverage {share:.3f}, bias {bias[key]:+.4f}")


def _products(stratum: int, rng: np.random.Generator) -> list[dict[str, np.ndarray]]:
    """Products of a group: for each list its ten neighbours' true answers; the first `SHARED` of both are the same pairs."""
    products = []
    for _ in range(PRODUCTS):
        own = {
            arm: rng.beta(ALIKE * rate, ALIKE * (1 - rate))
            for arm, rate in (("als", BEHAVIOUR[stratum]), ("hybrid", LONGTAIL[stratum]))
        }
        common = rng.random(SHARED) < (own["als"] + own["hybrid"]) / 2
        lists = {arm: np.concatenate([common, rng.random(LENGTH - SHARED) < rate]) for arm, rate in own.items()}
        products.append(lists)
    return products


def _judged(
    shop: list[list[dict[str, np.ndarray]]], anchors: int, strata: range | list[int], rng: np.random.Generator
) -> pd.DataFrame:
    """A campaign judged to its end, as `anchor_rates` of it."""
    votes, places = [], []
    for stratum in strata:
        for product in rng.choice(PRODUCTS, anchors, replace=False):
            lists, anchor = shop[stratum][product], f"{stratum}/{product}"
            pool = {f"c{n}": lists["als"][n] for n in range(SHARED)}
            pool |= {f"{arm}{n}": lists[arm][n] for arm in lists for n in range(SHARED, LENGTH)}
            names = sorted(pool)
            twice = rng.random() < 0.15
            for name in rng.choice(names, ON_CARD, replace=False):
                row = (anchor, str(name), "irrelevant" if pool[name] else "relevant", stratum, ON_CARD / len(names))
                votes += [row] * (2 if twice else 1)
                arms = ("als", "hybrid") if name.startswith("c") else (name[:-1],)
                places += [(anchor, str(name), arm, int(name[-1]) + 1) for arm in arms]
    table = pd.DataFrame(votes, columns=["anchor_id", "neighbour_id", "verdict", "stratum", "pair_probability"])
    table["anchor_count"] = table["stratum"].map(dict(enumerate(COUNTS)))
    table["anchor_probability"] = anchors / PRODUCTS
    table = table.assign(implied=False, reason=None, created_at=pd.Timestamp("2026-01-01", tz="UTC"))
    seen = pd.DataFrame(places, columns=["anchor_id", "neighbour_id", "arm", "rank"])
    return anchor_rates(table, seen, k=LENGTH)


def _true_crossover(truth: dict[tuple[str, int], float]) -> float:
    """Where the straight lines between the groups' true differences cross nothing, in counts."""
    x = np.log2(np.array(COUNTS, dtype=float))
    apart = np.array([truth["als", s] - truth["hybrid", s] for s in range(len(COUNTS))])
    left = int(np.flatnonzero(apart > 0)[-1])
    share = apart[left] / (apart[left] - apart[left + 1])
    return float(2 ** (x[left] + share * (x[left + 1] - x[left])))


def _planned(
    shop: list[list[dict[str, np.ndarray]]], campaigns: int, rng: np.random.Generator
) -> tuple[int, float, int]:
    """Campaigns in which the planner promised something, the share in which the promise held, and those without any.

    In the groups where lists differ little: elsewhere a pilot separates them by itself.
    """
    kept: list[bool] = []
    none = 0
    for number in range(campaigns):
        stratum = (2, 3)[number % 2]
        pilot = _judged(shop, PILOT, [stratum], rng)
        row = paired_differences(pilot, "als", "hybrid").iloc[0]
        more = cards_to_separate(float(row["difference"]), float(row["error"]), int(row["anchors"]))
        if more is None:
            none += 1
        elif 0 < more <= PRODUCTS - PILOT:
            both = pd.concat(
                [pilot, _judged(shop, more, [stratum], rng).assign(anchor_id=lambda t: "new" + t["anchor_id"])]
            )
            found = paired_differences(both, "als", "hybrid").iloc[0]
            kept.append(bool(found["low"] > 0 or found["high"] < 0))
    return len(kept), float(np.mean(kept)), none


if __name__ == "__main__":
    main()
