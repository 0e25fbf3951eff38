"""What `benchmarks.quality` writes: a table in Markdown, the figures of the targets in JSON, a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from benchmarks.support import RESULTS, merge_results
from engine.evaluation.metrics import bootstrap_interval

__all__ = ["write_report"]

COMMAND = "python -m benchmarks.quality"
FEW, LEVELS = (0, 1, 2, 3, 5), (0, 1, 2, 3, 5, 10)
RICH = ("rich ALS", "rich ItemKNN", "rich residual KNN")
RECIPES = ("published recipe, 64 factors", "published recipe, 256 factors")
OURS = "Longtail"
DRAWN = (
    OURS,
    "Predicted",
    *RECIPES,
    "TF-IDF",
    "MiniLM text",
    "residual KNN",
    "ALS, tuned",
    "EASE",
    "popularity",
    *RICH,
)
# Ratios asked for, by shop: of the mean over m in FEW, and of the published task (NDCG@10, AP@10).
WANTED = {
    "online_retail": {"rich": 1.10, "published recipe": 1.30, "ALS, tuned": 5.0},
    "movielens": {"rich": 1.55, "published recipe": 1.55},
    "demo": {"rich": 1.0, "published recipe": 1.25},
    "made_12k": {"rich": 1.10, "published recipe": 2.3},
    "made_18k": {"rich": 1.10, "published recipe": 2.3},
}
PREDICTED_WANTED = {"online_retail": 1.0, "movielens": 1.0, "demo": 1.0}
TASKS_WANTED = {
    ("online_retail", "<= 5", "ALS, library defaults", 0): 8.0,
    ("online_retail", "<= 5", "ALS, library defaults", 1): 10.0,
    ("online_retail", "<= 5", "ALS, tuned", 0): 2.5,
    ("online_retail", "80 %", "ALS, library defaults", 0): 1.6,
    ("online_retail", "80 %", "ALS, tuned", 0): 1.3,
    ("movielens", "<= 5", "ALS, library defaults", 0): 1.9,
    ("movielens", "<= 5", "ALS, tuned", 0): 1.4,
}


def write_report(measured: Sequence[dict[str, Any]], seconds: int, name: str = "quality") -> str:
    """Write results/quality.json and results/`name`.{md,svg} from what `measure` returned of every shop and seed; the Markdown."""
    shops = list(dict.fromkeys(one["shop"] for one in measured))
    figures: dict[str, dict[str, Any]] = {}
    parts, lines = [f"Surprise NDCG@10, {len(measured) // len(shops)} seeds, {seconds} s in all.\n"], []
    for shop in shops:
        runs = [one for one in measured if one["shop"] == shop]
        table, drawn = _table(shop, runs)
        parts += [table, _well_known(runs), _niches(runs), _tasks(runs)]
        lines += drawn
        figures |= _figures(shop, runs)
    text = "\n".join(parts)
    merge_results("quality", figures)
    (RESULTS / f"{name}.md").write_text(text, "utf-8")
    _picture(pd.DataFrame(lines)).save(RESULTS / f"{name}.svg")
    return text


def _values(runs: Sequence[dict[str, Any]], method: str, metric: str, levels: Sequence[int]) -> np.ndarray:
    """One value per reported target of these levels, all seeds after each other."""
    return np.concatenate(
        [np.asarray(run["thinning"][method][metric], dtype=float)[np.isin(run["m"], levels)] for run in runs]
    )


def _mean(runs: Sequence[dict[str, Any]], method: str, levels: Sequence[int], metric: str = "ndcg") -> float:
    """The mean over seeds of the mean over targets."""
    return float(np.mean([np.nanmean(_values([run], method, metric, levels)) for run in runs]))


def _table(shop: str, runs: Sequence[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    head = f"\n### {shop}\n\n| method | 0-5 | 95 % | " + " | ".join(f"m = {m}" for m in LEVELS)
    rows = [head + " | binary NDCG | AP | coverage |", "|" + " --- |" * (6 + len(LEVELS))]
    drawn = []
    for method in sorted(runs[0]["thinning"], key=lambda name: _mean(runs, name, FEW)):
        rng = np.random.default_rng(0)
        spread = bootstrap_interval(_values(runs, method, "ndcg", FEW), rng)
        per_m = [_mean(runs, method, [m]) for m in LEVELS]
        name = f"**{method}**" if method == OURS else f"*{method}*" if method in RICH else method
        rest = [_mean(runs, method, FEW, metric) for metric in ("binary", "ap", "coverage")]
        cells = [f"{_mean(runs, method, FEW):.3f}", f"{spread.low:.3f}-{spread.high:.3f}"]
        rows.append(f"| {name} | " + " | ".join([*cells, *(f"{value:.3f}" for value in (*per_m, *rest))]) + " |")
        if method in DRAWN:
            for m, mean in zip(LEVELS, per_m, strict=True):
                at = bootstrap_interval(_values(runs, method, "ndcg", [m]), rng)
                drawn.append({"shop": shop, "method": method, "m": m, "ndcg": mean, "low": at.low, "high": at.high})
    judged = _values(runs, OURS, "ndcg", LEVELS)
    rows.append(
        f"\n{len(judged)} targets reported over {len(runs)} seeds, {int(np.isnan(judged).sum())} of them with nothing "
        "relevant and left out. *Rich* methods see half of what was hidden from the others.\n"
    )
    return "\n".join(rows), drawn


def _well_known(runs: Sequence[dict[str, Any]]) -> str:
    means = {name: np.mean([run["well_known"][name] for run in runs]) for name in runs[0]["well_known"]}
    return (
        "Well-known items, a fifth hidden: " + ", ".join(f"{name} {mean:.3f}" for name, mean in means.items()) + ".\n"
    )


def _niches(runs: Sequence[dict[str, Any]]) -> str:
    """How products of hidden neighbourhoods are served."""
    found = [run["niches"]["by_look_alikes"]["pooled"] for run in runs if run["niches"]]
    if not found:
        return ""
    means = {name: np.mean([one[name]["mean"] for one in found]) for name in found[0]}
    told = ", ".join(f"{name.replace('_', ' ')} {mean:.3f}" for name, mean in means.items())
    return f"Hidden neighbourhoods, all but their bestseller left with 0 to 3 interactions: {told}.\n"


def _tasks(runs: Sequence[dict[str, Any]]) -> str:
    rows = ["| shopper -> products; hidden | candidates | method | NDCG@10 | AP@10 |", "|" + " --- |" * 5]
    for hidden, sets in runs[0]["task"].items():
        for candidates, methods in sets.items():
            for method in methods:
                ndcg, precision = _task_mean(runs, hidden, candidates, method)
                rows.append(f"| {hidden} | {candidates} | {method} | {ndcg:.4f} | {precision:.4f} |")
    return "\n".join(rows) + "\n"


def _task_mean(runs: Sequence[dict[str, Any]], hidden: str, candidates: str, method: str) -> np.ndarray:
    return np.mean([run["task"][hidden][candidates][method] for run in runs], axis=0)


def _figures(shop: str, runs: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Every row of the targets, and for shops without targets the same ratios with >= 1."""
    ours = _mean(runs, OURS, FEW)
    rich = max(RICH, key=lambda name: _mean(runs, name, FEW))
    wanted = WANTED.get(shop, {})
    figures = {f"{shop}_surprise_ndcg": _figure(ours, 0.0)}
    recipe = max(RECIPES, key=lambda name: _mean(runs, name, FEW))
    figures[f"{shop}_predicted_over_published_recipe"] = _figure(
        _mean(runs, "Predicted", FEW) / _mean(runs, recipe, FEW), PREDICTED_WANTED.get(shop, 0.95), against=recipe
    )
    for name, method in (("rich", rich), ("published recipe", recipe), ("ALS, tuned", "ALS, tuned")):
        key = f"{shop}_hybrid_over_{_key(name)}"
        figures[key] = _figure(ours / _mean(runs, method, FEW), wanted.get(name, 1.0), against=method)
    others = [name for name in runs[0]["thinning"] if name not in (*RICH, OURS)]
    by_m = {}
    for m in LEVELS:
        best = max(others, key=lambda name: _mean(runs, name, [m]))
        by_m[str(m)] = {"against": best, "ratio": round(_mean(runs, OURS, [m]) / _mean(runs, best, [m]), 3)}
    figures[f"{shop}_hybrid_over_best_part_at_worst_m"] = _figure(
        min(row["ratio"] for row in by_m.values()), 1.0, by_m=by_m
    )
    known = {name: float(np.mean([run["well_known"][name] for run in runs])) for name in runs[0]["well_known"]}
    best = max((name for name in known if name != OURS), key=lambda name: known[name])
    figures[f"{shop}_well_known_hybrid_over_best"] = _figure(known[OURS] / known[best], 1.0, against=best)
    hidden = next(iter(runs[0]["task"]))
    for (where, candidates, method, place), bound in TASKS_WANTED.items():
        if where == shop:
            both = [_task_mean(runs, hidden, candidates, name)[place] for name in (OURS, method)]
            key = f"{shop}_task_{_key(candidates)}_{('ndcg', 'ap')[place]}_over_{_key(method)}"
            figures[key] = _figure(both[0] / both[1], bound, ours=round(both[0], 4), theirs=round(both[1], 4))
    niches = [run["niches"]["by_look_alikes"]["pooled"] for run in runs if run["niches"]]
    if niches:
        ours_there, content = (float(np.mean([one[name]["mean"] for one in niches])) for name in ("hybrid", "content"))
        figures[f"{shop}_niches_hybrid_over_content"] = _figure(ours_there / content, 1.0, hybrid=round(ours_there, 4))
    figures[f"{shop}_recipes"] = {
        "value": [run["recipe"] for run in runs], "als": [run["als"] for run in runs], "command": COMMAND
    }  # fmt: skip
    return figures


def _figure(value: float, bound: float, **details: Any) -> dict[str, Any]:
    rounded = round(float(value), 3)
    return {"value": rounded, "target": f">= {bound:g}", "met": rounded >= bound, "command": COMMAND, **details}


def _key(name: str) -> str:
    return {"<= 5": "low_traffic", "80 %": "fewest_bought"}.get(name, name.lower().replace(",", "").replace(" ", "_"))


def _picture(table: pd.DataFrame) -> alt.FacetChart:
    """Surprise NDCG@10 against m, a line per method, a panel per shop."""
    base = alt.Chart(table).encode(x=alt.X("m:O", title="interactions that the product kept"))
    colour = alt.Color("method:N", scale=alt.Scale(scheme="tableau20"), sort=list(DRAWN))
    ours = alt.condition(f"datum.method === '{OURS}'", alt.value(4), alt.value(1.5))
    band = base.transform_filter(f"datum.method === '{OURS}'").mark_area(opacity=0.2)
    line = base.mark_line(point=True).encode(
        y=alt.Y("ndcg:Q", title="surprise NDCG@10"), color=colour, strokeWidth=ours
    )
    layered = alt.layer(band.encode(y="low:Q", y2="high:Q", color=colour), line).properties(width=260, height=300)
    return layered.facet(column=alt.Column("shop:N", title=None)).resolve_scale(y="independent")
