"""New products: every figure of what the dashboard promises for them; written to results/new_products.json.

    python -m benchmarks.new_products --workspace workspace [--only screen collection killed thinned engine]

    screen      one product in Chromium, from photo and title to its ten cards: a cold server's first, and a warm one's
    collection  a sheet and a zip of photos in Chromium, while a colleague uses Similar items
    killed      the server killed while people work on drafts in their browsers; afterwards, what was lost
    thinned     described again as new: the ten neighbours of products whose behaviour the release has never seen
    engine      the engine's part alone: latency, a collection, a process killed while it saves

The workspace needs a published release; what writes, writes into a copy. `--dry` prints and writes no results.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.new_products_collection import from_browser
from benchmarks.new_products_engine import first_product, kill_savers, products, whole_collection
from benchmarks.new_products_killed import kill_servers
from benchmarks.new_products_ledger import Findings
from benchmarks.new_products_screen import on_screen
from benchmarks.new_products_thinned import described_again
from benchmarks.support import merge_results
from engine.core.settings import workspace_path
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender

# Name -> value, target ("-" where the figure is for information), and what else stands beside it.
Figures = dict[str, tuple[float, str] | tuple[float, str, dict[str, Any]]]
COUNTS = {"colds": 3, "products": 40, "rows": 500, "kills": 200, "thinned": 300, "savers": 200, "seed": 0}
SHOWN = 20  # sentences about what went wrong


def screen(arguments: argparse.Namespace) -> Figures:
    """One product on screen."""
    cold, warm = on_screen(arguments.workspace, arguments.colds, arguments.products, arguments.seed)
    slowest = max(cold, key=lambda times: times.confirmed)
    confirmed = [times.confirmed for times in warm]
    return {
        "screen_first_product_seconds": (
            round(slowest.confirmed, 2), "<= 4", {"each": [round(times.confirmed, 2) for times in cold]},
        ),
        "screen_first_product_from_page_open_seconds": (round(max(times.opened for times in cold), 2), "-"),
        "screen_product_p95_seconds": (_p95(confirmed), "<= 1.5", {"products": len(warm)}),
        "screen_product_median_seconds": (round(float(np.median(confirmed)), 3), "-"),
        "screen_product_from_photo_p95_seconds": (_p95([times.handed for times in warm]), "-"),
    }  # fmt: skip


def collection(arguments: argparse.Namespace) -> Figures:
    """A collection from the browser."""
    times = from_browser(arguments.workspace, arguments.rows, arguments.seed)
    silence, during = max(times.silences.values())
    return {
        "screen_collection_seconds": (
            round(times.reading + times.saving, 1), "<= 240",
            {"rows": arguments.rows, "reading": round(times.reading, 1), "saving": round(times.saving, 1)},
        ),
        "screen_collection_longest_silence_seconds": (
            round(silence, 2), "<= 2",
            {"each": {part: round(one, 2) for part, (one, _) in times.silences.items()}, "shown_meanwhile": during},
        ),
        "similar_items_slower_while_a_collection_is_read": (
            round(times.slower, 2), "<= 2",
            {
                "p95_idle_seconds": _p95(times.idle), "p95_meanwhile_seconds": _p95(times.meanwhile),
                "pages_idle": len(times.idle), "pages_meanwhile": len(times.meanwhile),
            },
        ),
        "similar_items_first_page_after_a_collection_seconds": (round(times.first_load_after, 2), "-"),
    }  # fmt: skip


def killed(arguments: argparse.Namespace) -> Figures:
    """The server killed while people work in their browsers."""
    found = kill_servers(arguments.workspace, arguments.kills, arguments.seed)
    errors = [f"{count} pages ended with an error at {place}" for place, count in found.errors.items()]
    _say([*errors, *found.stuck, *_sentences(found.findings)])
    return {
        "server_kills": (found.kills, ">= 200", {"operations_confirmed": dict(found.confirmed)}),
        "requests_in_flight_when_killed": (found.in_flight, "-"),
        "pages_stuck_while_the_server_lived": (len(found.stuck), "= 0"),
        "pages_with_an_unexplained_error": (found.errors.total(), "= 0"),
        **_kept("drafts", found.findings),
    }


def thinned(arguments: argparse.Namespace) -> Figures:
    """Described again as new."""
    found = described_again(arguments.workspace, arguments.thinned, arguments.seed)
    return {
        "products_described_again": (len(found.item_ids), "-"),
        "overlap_at_10_of_described_again": (round(float(found.uploaded.mean()), 4), ">= 0.95"),
        "overlap_at_10_lowest": (round(float(found.uploaded.min()), 2), "-"),
        "overlap_at_10_with_the_stored_picture": (round(float(found.stored.mean()), 4), ">= 0.95"),
        "overlap_at_10_with_the_stored_picture_lowest": (round(float(found.stored.min()), 2), "-"),
    }


def engine(arguments: argparse.Namespace) -> Figures:
    """The engine's part alone."""
    recommender = Recommender.open(Workspace(arguments.workspace))
    first = first_product(arguments.workspace)
    seconds = products(recommender, arguments.products, arguments.seed)
    whole = whole_collection(recommender, arguments.rows, arguments.seed)
    findings = kill_savers(arguments.savers, arguments.seed)
    _say(_sentences(findings))
    return {
        "first_product_seconds": (round(first, 2), "-"),
        "product_p95_seconds": (_p95(seconds), "-"),
        "product_median_seconds": (round(float(np.median(seconds)), 3), "-"),
        "collection_seconds": (round(whole, 1), "-"),
        "saver_kills": (arguments.savers, ">= 200"),
        **_kept("saver_drafts", findings),
    }


PARTS: dict[str, Callable[[argparse.Namespace], Figures]] = {
    "screen": screen,
    "collection": collection,
    "killed": killed,
    "thinned": thinned,
    "engine": engine,
}


def main() -> None:
    """Measure what was asked for, one part after the other, and write each down as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, default=workspace_path())
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="NAME")
    parser.add_argument("--dry", action="store_true", help="print, and leave the results as they are")
    for name, count in COUNTS.items():
        parser.add_argument(f"--{name}", type=int, default=count)
    arguments = parser.parse_args()
    changed = "".join(f" --{name} {value}" for name in COUNTS if (value := getattr(arguments, name)) != COUNTS[name])
    for name in [name for name in PARTS if name in arguments.only]:
        print(f"{name}: {(PARTS[name].__doc__ or '').strip()}", flush=True)
        began = time.monotonic()
        figures = PARTS[name](arguments)
        command = f"python -m benchmarks.new_products --workspace workspace --only {name}{changed}"
        for figure, (value, target, *_rest) in figures.items():
            print(f"{figure:52} {value!s:>10}   wanted {target}", flush=True)
        print(f"{name} took {time.monotonic() - began:.0f} s", flush=True)
        if not arguments.dry:
            merge_results("new_products", {key: _entry(command, *figure) for key, figure in figures.items()})


def _entry(command: str, value: float, target: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"value": value, "target": target, "command": command, **(details or {})}


def _kept(what: str, findings: Findings) -> Figures:
    return {
        f"{what}_confirmed_while_killed": (findings.confirmed, "-"),
        f"{what}_confirmed_but_lost": (len(findings.lost), "= 0"),
        f"{what}_half_there": (len(findings.torn), "= 0"),
        f"{what}_with_a_broken_picture": (len(findings.broken), "= 0"),
        f"{what}_unfinished_files_left_over": (findings.leftovers, "-"),
    }


def _sentences(findings: Findings) -> list[str]:
    return [*findings.lost, *findings.torn, *findings.broken]


def _say(sentences: list[str]) -> None:
    for sentence in sentences[:SHOWN]:
        print(f"  {sentence}", flush=True)
    if len(sentences) > SHOWN:
        print(f"  and {len(sentences) - SHOWN} more", flush=True)


def _p95(seconds: Any) -> float:
    return round(float(np.percentile(seconds, 95)), 3)


if __name__ == "__main__":
    main()
