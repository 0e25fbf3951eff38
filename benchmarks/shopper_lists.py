"""How much of the long tail shoppers' lists hold, what it finds, and what it costs.

    python -m benchmarks.shopper_lists --workspaces FOLDER

trains demo shop and online_retail in FOLDER where they are not there yet, and reads what training measured on shoppers a fifth of whose
history was hidden (`engine.selection.favour_choice`): on those that had no part in the choice.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.support import engine, merge_results, run_child, shared_data
from engine.arms.plan import TrainingPlan

SHOPS = ("demo", "online_retail")
COMMAND = "python -m benchmarks.shopper_lists"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspaces", type=Path, required=True)
    arguments = parser.parse_args()
    figures: dict[str, Any] = {}
    for shop in SHOPS:
        for name, value, target in shop_figures(trained_plan(arguments.workspaces / shop, shop)):
            figures[f"{shop}_{name}"] = {"value": round(value, 4), "target": target, "command": COMMAND}
            print(f"{shop}_{name:48s} {value:8.4f}   wanted {target}")
    merge_results("shopper_lists", figures)


def trained_plan(workspace: Path, shop: str) -> TrainingPlan:
    """The plan of the workspace's release, which is trained where there is none."""
    if not (workspace / "releases" / "current").is_file():
        if shop == "demo":
            run_child(engine(workspace, "demo"))
        else:
            run_child(engine(workspace, "ingest", "--preset", "uci_online_retail", "--from", shared_data() / shop))
        run_child(engine(workspace, "train"))
    release = workspace / "releases" / (workspace / "releases" / "current").read_text("utf-8").strip()
    return TrainingPlan.from_dict(json.loads((release / "training.json").read_text("utf-8"))["plan"])


def shop_figures(plan: TrainingPlan) -> Iterator[tuple[str, float, str]]:
    """Name, value and target of what the plan's trade says."""
    trade = plan.trials.long_tail
    if trade is None:
        raise ValueError("the plan was made without shoppers")
    plain, served = trade.tried[0], next(one for one in trade.tried if one.favour == plan.recipe.favour)
    yield "favour", served.favour, "-"
    yield "long_tail_share_of_what_shoppers_choose", trade.chosen_share, "-"
    yield "long_tail_share_behaviour", trade.behaviour.share, "-"
    yield "long_tail_share_without_favour", plain.share, "-"
    yield "long_tail_share_served", served.share, "-"
    yield "long_tail_found_behaviour", trade.behaviour.found, "-"
    yield "long_tail_found_without_favour", plain.found, "-"
    yield "long_tail_found_served", served.found, "-"
    yield "long_tail_found_served_over_without_favour", served.found / max(plain.found, 1e-9), ">= 1.5"
    yield "ndcg_served_over_without_favour", served.ndcg / plain.ndcg, ">= 0.98"
    yield "ndcg_served_over_behaviour", served.ndcg / trade.behaviour.ndcg, ">= 1"


if __name__ == "__main__":
    main()
