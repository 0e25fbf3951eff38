"""How fast the Review page answers a curator: a scripted browser judges cards at human pace on a real release.

    python -m benchmarks.judging_browser --workspace workspace [--cards 60]

Judgements go to a database of their own, which is deleted afterwards. Written to results/judging.json:
keypress to paint: from the time stamp of the key event to the frame after it, over every key that was pressed;
overhead: time that passed, less the scripted pauses of the person, per card and per judgement (a card holds ten).
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.support import free_port, launch_browser, merge_results, serve_dashboard, wait_for
from engine.core.settings import workspace_path
from engine.curation.judgements import JudgementStore
from engine.store import Database

RATER = "Scripted curator"
LOOK_SECONDS = 0.6  # the person looks at a card, then presses a key about three times a second
KEY_SECONDS = 0.3
WATCH = """
() => {
  window.paints = [];
  document.addEventListener("keydown", (event) => {
    if (event.repeat) return;
    const began = event.timeStamp, key = event.key;
    requestAnimationFrame(() => {
      // A message sent in a frame is delivered once the frame is painted.
      const channel = new MessageChannel();
      channel.port1.onmessage = () => window.paints.push([key, performance.now() - began]);
      channel.port2.postMessage(null);
    });
  }, true);
}
"""
# The review component lives in a shadow root, wherever Streamlit put it.
FIND = """
() => {
  const roots = [document];
  for (const root of roots) {
    const found = root.querySelector(".review");
    if (found) return found;
    for (const node of root.querySelectorAll("*")) if (node.shadowRoot) roots.push(node.shadowRoot);
  }
}
"""
CARD_IS_UP = """
([review, before]) => review.querySelector(".anchor .picture")
  && [...review.querySelectorAll(".pick")].map((pick) => pick.dataset.item).join() !== before
  && [...review.querySelectorAll("img")].every((image) => image.complete)
"""
SHOWN = "(review) => [...review.querySelectorAll('.pick')].map((pick) => pick.dataset.item).join()"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, default=workspace_path())
    parser.add_argument("--cards", type=int, default=60)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/longtail.db"
        os.environ["LONGTAIL_DATABASE_URL"] = url
        paints, per_card, stored = measure(arguments.workspace, Path(folder), arguments.cards, url)
    command = f"python -m benchmarks.judging_browser --workspace workspace --cards {arguments.cards}"
    marks = [ms for key, ms in paints if key != "Enter"]
    enters = [ms for key, ms in paints if key == "Enter"]
    figures = {
        "keypress_to_paint_p95_ms": (float(np.percentile(marks + enters, 95)), "< 50"),
        "mark_to_paint_p95_ms": (float(np.percentile(marks, 95)), "< 50"),
        "submit_to_next_card_painted_p95_ms": (float(np.percentile(enters, 95)), "< 50"),
        "tool_overhead_per_card_s": (float(np.mean(per_card)), "< 0.2"),
        "tool_overhead_per_judgement_s": (float(np.mean(per_card)) / 10, "< 0.2"),
        "browser_judgements_stored": (stored, f">= {10 * arguments.cards}"),
    }
    file = merge_results(
        "judging",
        {
            name: {"value": round(value, 4), "target": target, "command": command}
            for name, (value, target) in figures.items()
        },
    )
    for name, (value, target) in figures.items():
        print(f"{name}: {value:.4g} (target {target})")
    print(file)


def measure(workspace: Path, folder: Path, cards: int, url: str) -> tuple[list[tuple[str, float]], list[float], int]:
    """(key, milliseconds to paint) of every key press, seconds of overhead of every card, judgements stored."""
    port = free_port()
    address = f"http://localhost:{port}"
    with serve_dashboard(workspace, port, folder / "server.log"), launch_browser() as browser:
        wait_for(address)
        context = browser.new_context(viewport={"width": 1360, "height": 860})
        context.add_cookies([{"name": "longtail_curator", "value": RATER.replace(" ", "%20"), "url": address}])
        page = context.new_page()
        page.goto(f"{address}/review")
        page.locator(".pick").first.wait_for(timeout=60_000)
        page.wait_for_timeout(3_000)  # the first cards ahead are fetched
        review = page.evaluate_handle(FIND)
        page.evaluate(WATCH)
        per_card = [judge(page, review, random.Random(number)) for number in range(cards)]
        page.get_by_text("All saved").wait_for(timeout=30_000)
        paints = [(str(key), float(ms)) for key, ms in page.evaluate("() => window.paints")]
    stored = JudgementStore(Database(url)).log()  # with the votes on repeated cards
    return paints, per_card, int((stored["rater"] == RATER).sum())


def judge(page: Any, review: Any, rng: random.Random) -> float:
    """Judge a card as a person would, marking up to four; returns the seconds that were not the person's."""
    before = page.evaluate(SHOWN, review)
    began, paused = time.perf_counter(), 0.0
    paused += pause(LOOK_SECONDS)
    for key in rng.sample("1234567890", rng.randrange(5)):
        page.keyboard.press(key)
        paused += pause(KEY_SECONDS)
    page.keyboard.press("Enter")
    page.wait_for_function(CARD_IS_UP, arg=[review, before], polling="raf")
    return time.perf_counter() - began - paused


def pause(seconds: float) -> float:
    began = time.perf_counter()
    time.sleep(seconds)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
