"""The main job's figures, from a shop's files to neighbours on screen; written to results/main_job.json.

    python -m benchmarks.main_job [--only demo online_retail surprise irrelevance rerun] [--workspaces DIR]

Each figure is measured through what people use: the dashboard in headless Chromium, the command line, the release's own
metrics. Workspaces are made in a temporary folder, or in DIR, where a later call finds them again (timed figures are
always measured on a workspace of their own, so DIR must not hold it yet for `demo` and `online_retail`).
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from benchmarks.support import (
    engine,
    free_port,
    launch_browser,
    merge_results,
    run_child,
    serve_dashboard,
    shared_data,
)

K = 10
FEW = 5  # products with fewer interactions than this are the long tail's end
RERUNS = 20
Figures = dict[str, dict[str, Any]]


def demo(workspaces: Path) -> Figures:
    """From starting the dashboard on an empty workspace to a product with its hybrid neighbours in Chromium."""
    workspace = _fresh(workspaces / "demo")
    port = free_port()
    began = time.monotonic()
    with serve_dashboard(workspace, port, workspaces / "demo.log") as server, launch_browser() as browser:
        page = browser.new_page()
        _go(page, f"http://localhost:{port}")
        page.get_by_role("button", name="Try the demo shop").click()
        page.get_by_text("Building the demo shop").wait_for(timeout=30_000)
        step_by_step = time.monotonic() - began
        page.get_by_role("heading", name="Today").wait_for(timeout=900_000)
        page.get_by_role("link", name="Similar items").click()
        page.locator(".card .open").first.click()
        neighbour = page.locator('section[aria-label="Longtail"] .card')
        neighbour.nth(K - 1).wait_for(timeout=60_000)
        seconds = time.monotonic() - began
        torch = any("libtorch" in mapped.path for mapped in psutil.Process(server.pid).memory_maps())
    return {
        "demo_seconds_to_neighbours": _figure(
            round(seconds, 1), "<= 120", "demo", first_step_shown_after=round(step_by_step, 1), steps=_steps(workspace)
        ),
        "similar_items_server_imports_torch": _figure(int(torch), "== 0", "demo"),
    }


def online_retail(workspaces: Path) -> Figures:
    """`ingest`, `train` and `neighbours` on the raw table: the clock, the memory, and that everyone has ten."""
    workspace = _fresh(workspaces / "online_retail")
    out = workspaces / "neighbours.parquet"
    commands = {
        "ingest": ["ingest", "--preset", "uci_online_retail", "--from", shared_data() / "online_retail"],
        "train": ["train"],
        "neighbours": ["neighbours", "--arm", "hybrid", "--k", str(K), "--out", out],
    }
    children = {name: run_child(engine(workspace, *arguments)) for name, arguments in commands.items()}
    items = pd.read_parquet(_release(workspace) / "items.parquet", columns=["item_id"])["item_id"]
    lengths = pd.read_parquet(out).groupby("item_id").size().reindex(items, fill_value=0)
    seconds = {name: round(child.seconds, 1) for name, child in children.items()}
    peaks = {name: round(child.peak_gib, 2) for name, child in children.items()}
    return {
        "online_retail_seconds": _figure(
            round(sum(seconds.values()), 1), "<= 300", "online_retail", parts=seconds, steps=_steps(workspace)
        ),
        "online_retail_peak_gib": _figure(max(peaks.values()), "< 3", "online_retail", parts=peaks),
        "online_retail_products_without_ten": _figure(
            int((lengths != K).sum()), "== 0", "online_retail", products=len(items)
        ),
    }


def surprise(workspaces: Path) -> Figures:
    """Surprise NDCG@10 of hybrid over als, m = 1, 2, 3 and 5 pooled, as the release's own metrics have it."""
    figures = {}
    for name in ("demo", "online_retail"):
        arms = json.loads((_trained(workspaces, name) / "metrics.json").read_text("utf-8"))["thinning"]
        pooled = {arm: levels["pooled"]["ndcg"]["mean"] for arm, levels in arms.items()}
        unclicked = {
            arm: {"ndcg": levels["0"]["ndcg"]["mean"], "coverage": levels["0"]["coverage"]}
            for arm, levels in arms.items()
        }
        figures[f"surprise_ndcg_hybrid_over_als_{name}"] = _figure(
            round(pooled["hybrid"] / pooled["als"], 2),
            ">= 3",
            "surprise",
            pooled=_rounded(pooled),
            coverage={arm: levels["pooled"]["coverage"] for arm, levels in arms.items()},
            without_interactions=_rounded(unclicked),
        )
    return figures


def irrelevance(workspaces: Path) -> Figures:
    """Share of the ten neighbours that are of another style family, for products with fewer than 5 interactions."""
    from engine.core.workspace import Workspace
    from engine.demo.build import read_families
    from engine.recommend.recommender import Recommender

    _trained(workspaces, "demo")
    workspace = Workspace(workspaces / "demo")
    recommender, families = Recommender.open(workspace), read_families(workspace)
    items = recommender.items
    rare = items.loc[items["interaction_count"] < FEW, "item_id"].tolist()
    figures = {}
    for arm, target in (("als", ">= 0.6"), ("hybrid", "<= 0.15")):
        table = recommender.neighbours_all(arm, K, rare)
        wrong = table["item_id"].map(families) != table["neighbour_id"].map(families)
        figures[f"demo_irrelevance_{arm}"] = _figure(
            round(float(wrong.mean()), 3),
            target,
            "irrelevance",
            products=len(rare),
            with_list=int(table["item_id"].nunique()),
        )
    return figures


def rerun(workspaces: Path) -> Figures:
    """A warm rerun of Similar items on the server: median and worst over products opened one after another."""
    _trained(workspaces, "demo")
    child = run_child([sys.executable, "-c", _RERUN_SCRIPT, workspaces / "demo", str(RERUNS)])
    measured = json.loads(child.output.strip().splitlines()[-1])
    return {
        "similar_items_rerun_ms": _figure(
            round(measured["median_ms"], 1),
            "<= 300",
            "rerun",
            worst_ms=round(measured["worst_ms"], 1),
            list_ms=round(measured["list_ms"], 1),
        )
    }


BENCHMARKS: dict[str, Callable[[Path], Figures]] = {
    "demo": demo,
    "online_retail": online_retail,
    "surprise": surprise,
    "irrelevance": irrelevance,
    "rerun": rerun,
}

# In a process of its own: the page is opened as a server opens it, on the workspace that the environment names.
_RERUN_SCRIPT = """
import json, logging, os, statistics, sys, time
logging.disable(logging.WARNING)
os.environ["LONGTAIL_WORKSPACE"] = sys.argv[1]
from streamlit.testing.v1 import AppTest
from pathlib import Path
from engine.recommend.recommender import Recommender
from engine.core.workspace import Workspace
ids = Recommender.open(Workspace(Path(sys.argv[1]))).items["item_id"].tolist()
from streamlit.util import calc_hash
app = AppTest.from_file(str(Path("ui/app/shell.py").absolute()), default_timeout=120)
app._page_hash = calc_hash("similar_items")
def timed(**query):
    app.query_params.clear()
    app.query_params.update(query)
    began = time.perf_counter()
    app.run()
    seconds = time.perf_counter() - began
    assert not app.exception, app.exception
    return 1000 * seconds
timed(item=ids[0])
opened = [timed(item=item) for item in ids[1 : int(sys.argv[2]) + 1]]
listed = [timed(page=str(page)) for page in range(2, 7)]
assert "torch" not in sys.modules
print(json.dumps({"median_ms": statistics.median(opened), "worst_ms": max(opened), "list_ms": statistics.median(listed)}))
"""


def main() -> None:
    """Measure what was asked for, print it, and write it down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS), metavar="NAME")
    parser.add_argument("--workspaces", type=Path, help="folder for the workspaces, kept afterwards")
    arguments = parser.parse_args()
    folder = arguments.workspaces or Path(tempfile.mkdtemp(prefix="longtail-main-job-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for name in [name for name in BENCHMARKS if name in arguments.only]:
            figures = BENCHMARKS[name](folder.absolute())
            file = merge_results("main_job", figures)
            for figure, facts in figures.items():
                print(f"{figure:45} {facts['value']!s:>10}   wanted {facts['target']:8} {facts['met']}", flush=True)
        print(f"written to {file}")
    finally:
        if arguments.workspaces is None:
            shutil.rmtree(folder, ignore_errors=True)


def _figure(value: float, target: str, name: str, **details: Any) -> dict[str, Any]:
    """One entry of the results file; `details` stand beside the figure."""
    sign, bound = target.split()
    met = {
        "<=": value <= float(bound),
        "<": value < float(bound),
        ">=": value >= float(bound),
        "==": value == float(bound),
    }
    command = f"python -m benchmarks.main_job --only {name}"
    return {"value": value, "target": target, "met": met[sign], "command": command, **details}


def _fresh(workspace: Path) -> Path:
    if workspace.exists():
        raise FileExistsError(f"{workspace} is there already; a timed figure needs an empty workspace.")
    return workspace


def _go(page: Any, address: str) -> None:
    """Open the address as soon as the server answers."""
    from playwright.sync_api import Error

    for _ in range(300):
        try:
            page.goto(address)
            return
        except Error:
            time.sleep(0.1)
    raise TimeoutError(f"{address} did not answer within 30 s")


def _trained(workspaces: Path, name: str) -> Path:
    """The published release of a workspace, which is made where it is not there yet."""
    workspace = workspaces / name
    if not (workspace / "releases" / "current").is_file():
        if name == "demo":
            run_child(engine(workspace, "demo", "--train"))
        else:
            run_child(engine(workspace, "ingest", "--preset", "uci_online_retail", "--from", shared_data() / name))
            run_child(engine(workspace, "train"))
    return _release(workspace)


def _release(workspace: Path) -> Path:
    return workspace / "releases" / (workspace / "releases" / "current").read_text("utf-8").strip()


def _steps(workspace: Path) -> dict[str, float]:
    """Seconds of every step of the workspace's last run."""
    newest = max(workspace.glob("runs/*-train-*/status.json"), default=None) or max(
        workspace.glob("runs/*/status.json")
    )
    steps = json.loads(newest.read_text("utf-8"))["steps"]
    return {step["name"]: round(step["seconds"], 1) for step in steps}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return round(value, 4) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
