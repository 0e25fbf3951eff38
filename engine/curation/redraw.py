"""Works the rates of an evidence pack out again, from its files and public libraries alone, and draws them.

    python redraw.py        in the folder of the pack: checks rates.csv and overall.csv, writes redrawn.csv and chart.html

A pair an arm's list holds stands for 1 / pair_probability pairs of it; a product for 1 / anchor_probability products.
"""

import json
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
from scipy.special import betaincinv, stdtrit

PAIR = ["anchor_id", "neighbour_id"]


def rates_of(votes: pd.DataFrame, appearances: pd.DataFrame, k: int) -> pd.DataFrame:
    """arm, stratum, rate, low, high, anchors."""
    votes = votes[votes["verdict"].isin(["irrelevant", "relevant"]) & votes["anchor_probability"].notna()]
    votes = votes.assign(bad=(votes["verdict"] == "irrelevant") * 1.0).sort_values("created_at", kind="stable")
    pairs = votes.groupby(PAIR, as_index=False, sort=False).agg(
        bad=("bad", "mean"), chance=("pair_probability", "first"),
        product=("anchor_probability", "first"), stratum=("stratum", "first"),
    )  # fmt: skip
    held = appearances[appearances["rank"] <= k].drop_duplicates([*PAIR, "arm"]).merge(pairs, on=PAIR)
    held["v"] = 1 / held["chance"] / held["listed"].clip(upper=k)
    held["u"] = held["v"] * held["bad"]
    held["weight"] = 1 / held["product"]
    rows = []
    for (arm, stratum), group in held.groupby(["arm", "stratum"]):
        one = group.groupby("anchor_id").agg(u=("u", "sum"), v=("v", "sum"), weight=("weight", "first"))
        u, v, n = (one["u"] * one["weight"]).to_numpy(), (one["v"] * one["weight"]).to_numpy(), len(one)
        rate, left = u.sum() / v.sum(), v.sum() - v
        moved = np.divide(u - rate * v, left, out=np.zeros(n), where=left > 0)
        variance = (moved**2).sum() * (n - 1) / n if n > 1 else 0.0
        trials = float(n)
        if variance > 1e-15:
            few = (stdtrit(1e6, 0.975) / stdtrit(n - 1, 0.975)) ** 2 * (n - 1) / (n + 1)
            trials = rate * (1 - rate) / variance * few
        low, high = betaincinv(rate * trials + 0.5, (1 - rate) * trials + 0.5, [0.025, 0.975])
        low, high = (0.0 if rate <= 0 else min(low, rate)), (1.0 if rate >= 1 else max(high, rate))
        rows.append((arm, stratum, rate, low, high, n))
    return pd.DataFrame(rows, columns=["arm", "stratum", "rate", "low", "high", "anchors"])


def overall_of(rates: pd.DataFrame, sizes: dict[str, int]) -> pd.DataFrame:
    """arm, rate, low, high over all strata, by how many products each holds; an interval is as wide as 2 x 1.959964 errors."""
    rows = []
    for arm, group in rates.groupby("arm"):
        weight = group["stratum"].astype(str).map(sizes).fillna(0).to_numpy(dtype=float)
        if not weight.sum():
            continue
        share, n = weight / weight.sum(), int(group["anchors"].sum())
        rate = float(share @ group["rate"])
        variance = float(share**2 @ ((group["high"] - group["low"]) / (2 * 1.959964)) ** 2)
        middle = rate if 0 < rate < 1 else (rate * n + 0.5) / (n + 1)
        few = (1.959964 / stdtrit(max(n - 1, 1), 0.975)) ** 2 * max(n - 1, 1) / (n + 1)
        trials = middle * (1 - middle) / max(variance, 1e-12) * few
        low, high = betaincinv(rate * trials + 0.5, (1 - rate) * trials + 0.5, [0.025, 0.975])
        low, high = (0.0 if rate <= 0 else min(low, rate)), (1.0 if rate >= 1 else max(high, rate))
        if (weight > 0).sum() == 1:
            low, high = group.loc[weight > 0, ["low", "high"]].iloc[0]
        rows.append((arm, rate, low, high))
    return pd.DataFrame(rows, columns=["arm", "rate", "low", "high"])


def main() -> None:
    """Work out, compare, draw."""
    here = Path(__file__).resolve().parent
    about = json.loads((here / "campaign.json").read_text("utf-8"))
    votes, appearances, published = (
        pd.read_csv(here / f"{name}.csv") for name in ("judgements", "appearances", "rates")
    )
    appearances = appearances[appearances["release_id"] == about["release"]]
    redrawn = rates_of(votes, appearances, about["k"])
    redrawn.to_csv(here / "redrawn.csv", index=False)
    both = published.merge(redrawn, on=["arm", "stratum"], suffixes=("", "_again"))
    apart = max(float((both[name] - both[f"{name}_again"]).abs().max()) for name in ("rate", "low", "high"))
    print(f"{len(redrawn)} rates; furthest from the published ones: {apart:.2g}")
    both = pd.read_csv(here / "overall.csv").merge(
        overall_of(redrawn, about["sizes"]), on="arm", suffixes=("", "_again")
    )
    apart = max([0.0, *(float((both[name] - both[f"{name}_again"]).abs().max()) for name in ("rate", "low", "high"))])
    print(f"{len(both)} overall shares; furthest from the published ones: {apart:.2g}")
    line = alt.Chart(redrawn).encode(x=alt.X("stratum:O", title="group of the count"), color="arm:N")
    chart = line.mark_area(opacity=0.15).encode(y=alt.Y("low:Q", title="irrelevant"), y2="high:Q") + line.mark_line(
        point=True
    ).encode(y="rate:Q")
    page = chart.properties(title="NAME OF THE CAMPAIGN", width=700, height=350).to_html()
    name = json.dumps(about["name"]).replace("<", "\\u003c")  # within a script, "</script>" would end it
    (here / "chart.html").write_text(page.replace('"NAME OF THE CAMPAIGN"', name), "utf-8")


if __name__ == "__main__":
    main()
