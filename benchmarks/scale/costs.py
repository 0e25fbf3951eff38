"""What ten million products with ten billion events would cost, on paper: core hours by stage, from the rates on record; results/costs.md.

Reads what `ingest`, `encoding`, `pictures` and `days` wrote to results/scale.json: the seconds that processors worked for one event, text or picture, and those of the largest shop that was trained, for each of its
products or of its pairs of shoppers and products. `training_growth` tells how far from linear stages are. Nothing of that size was run.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.parts import Measured
from benchmarks.support import RESULTS

__all__ = ["measure"]

PRODUCTS, EVENTS = 10_000_000, 10_000_000_000
BYTES_A_PAIR = 30
"""That the machine which trains holds (docs/cluster.md)."""
REPORT = "costs.md"
TEXTS, CLICKS = "Reading texts", "Learning from clicks"
FIXED = {"Choosing settings", "Measuring quality", "Publishing"}
"""Bounded by a budget, or hardly anything."""
BY_WORKERS = {
    "Reading events": "yes",
    TEXTS: "yes",
    "Reading pictures": "yes",
    CLICKS: "yes, but for directions, which are made orthogonal here",
    "Carrying behaviour over to look-alikes": "yes, but for choosing and solving landmarks",
    "Listing neighbours": "yes, but for making cells",
    "Choosing settings": "in part",
}


@dataclass(frozen=True)
class _Cost:
    """A stage: core seconds for each unit (0 where they are bounded), and how many there are of them."""

    stage: str
    unit: str
    seconds: float
    first: float
    daily: float | None = None


def measure(arguments: argparse.Namespace) -> dict[str, Measured]:
    """Core hours of a first training, texts and pictures included, and of the training after a day."""
    recorded = json.loads((RESULTS / "scale.json").read_text("utf-8"))
    costs, shop = _costs(recorded), _largest(recorded)
    first = sum(cost.first for cost in costs) / 3600
    daily = sum(cost.daily or 0.0 for cost in costs) / 3600
    memory = {
        "pairs_gb": round(_pairs(shop) * BYTES_A_PAIR / 1e9),
        "release_gb": round(shop["release_gb"] * _times(shop)),
    }
    (RESULTS / REPORT).write_text(_report(costs, shop, memory), "utf-8")
    return {
        "costs_first_core_hours": (round(first, 1), "-", {"products": PRODUCTS, "events": EVENTS, **memory}),
        "costs_daily_core_hours": (round(daily, 1), "-", {"of_products": shop["products"]}),
    }


def _costs(recorded: Mapping[str, Any]) -> list[_Cost]:
    """Every stage, in the order in which it comes."""
    shop = _largest(recorded)
    loaded = recorded["ingest_200000_load_peak_gb"]["loaded"]
    matrix = recorded["ingest_200000_matrix_over_pandas"]
    texts, pictures = recorded["encoding_openvino_over_float32"], recorded["pictures_openvino_over_one_at_a_time"]
    day = EVENTS / 100
    costs = [
        _of_units("Loading events", "event", loaded["cpu_seconds"] / loaded["events"], EVENTS, day),
        _of_units("Reading events", "event", _middle(one["cpu_seconds"] for one in matrix["ours"]) / matrix["events"], EVENTS, EVENTS),
        _of_units(TEXTS, "text", _middle(texts["cpu_seconds"]) / texts["texts"], PRODUCTS),
        _of_units("Reading pictures", "picture", _middle(pictures["cpu_seconds"]) / pictures["pictures"], PRODUCTS),
    ]  # fmt: skip
    daily = shop["daily"]
    for stage, seconds in shop["first"].items():
        if stage in (TEXTS, "Reading the shop"):
            continue
        unit = "" if stage in FIXED else "pair" if stage == CLICKS else "product"
        times = {"": 1.0, "pair": _pairs(shop) / shop["pairs"], "product": _times(shop)}[unit]
        units = {"": 0, "pair": shop["pairs"], "product": shop["products"]}[unit]
        after = daily.get(stage)
        costs.append(_Cost(stage, unit, seconds / units if units else 0.0, seconds * times, after and after * times))
    return costs


def _of_units(stage: str, unit: str, seconds: float, units: float, daily: float | None = None) -> _Cost:
    return _Cost(stage, unit, seconds, seconds * units, None if daily is None else seconds * daily)


def _largest(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """The largest shop that `days` trained: products, pairs, the size of its release, and the seconds of its stages, first and after a day."""
    products = max(int(match[1]) for name in recorded if (match := re.fullmatch(r"days_(\d+)_next_minutes", name)))
    name = f"days_{products}"
    first = recorded[f"{name}_first_hours"]["steps"]
    clicks = next(match for step in first if (match := re.fullmatch(r"Learning from ([\d,]+) clicks", step["name"])))
    return {
        "products": products,
        "pairs": int(clicks[1].replace(",", "")),
        "release_gb": recorded[f"{name}_first_release_gb"]["value"],
        "first": _stages(first),
        "daily": _stages(recorded[f"{name}_next_minutes"]["days"][-1]),
    }


def _stages(steps: list[dict[str, Any]]) -> dict[str, float]:
    return {re.sub(r"^Learning from.*", CLICKS, step["name"]): step["cpu_seconds"] for step in steps}


def _times(shop: Mapping[str, Any]) -> float:
    return float(PRODUCTS / shop["products"])


def _pairs(shop: Mapping[str, Any]) -> float:
    """As many pairs an event as the measured shop has, which has fifty events a product."""
    return float(EVENTS * shop["pairs"] / (50 * shop["products"]))


def _middle(values: Any) -> float:
    ordered = sorted(values)
    return float(ordered[len(ordered) // 2])


def _report(costs: list[_Cost], shop: Mapping[str, Any], memory: Mapping[str, float]) -> str:
    lines = [
        "# What ten million products would cost",
        "",
        "Written by `python -m benchmarks.scale --only costs` from the rates in scale.json: of events from ten million, of texts and pictures from samples, of the other stages from a",
        f"shop of {shop['products']:,} products. On paper: {PRODUCTS:,} products, each with a text and a picture, and {EVENTS:,} events, of which a hundredth comes every day.",
        "",
        "| stage | core seconds for a million | core hours, first | core hours, each day | workers elsewhere do it |",
        "| --- | --- | --- | --- | --- |",
    ]
    for cost in costs:
        rate = f"{cost.seconds * 1e6:,.1f} {cost.unit}s" if cost.unit else "bounded"
        lines.append(
            f"| {cost.stage} | {rate} | {_hours(cost.first)} | {_hours(cost.daily)} | {BY_WORKERS.get(cost.stage, 'no')} |"
        )
    first, daily = sum(cost.first for cost in costs), sum(cost.daily or 0.0 for cost in costs)
    here = sum(cost.first for cost in costs if cost.stage not in BY_WORKERS)
    lines += [
        f"| **all** | | **{_hours(first)}** | **{_hours(daily)}** | {_hours(here)} of the first stay here |",
        "",
        f"The machine that trains holds {memory['pairs_gb']} GB of pairs, and a release takes {memory['release_gb']} GB of disk.",
    ]
    return "\n".join([*lines, ""])


def _hours(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds / 3600:,.1f}"
