"""A page in Chromium, watched while it comes: when it rests, what moved, where the main thing begins."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["MAIN_THINGS", "MAIN_TOP", "PHONE", "SHIFTS", "WIDE", "at_rest", "opened"]

WIDE = {"width": 1360, "height": 860}
PHONE = {"width": 360, "height": 780}
STILL_SECONDS, PATIENCE_SECONDS = 1.0, 60.0

# Shifts as Chromium counts them, in its largest session window (https://web.dev/articles/cls); `window.__shifts` names what moved.
# Chromium also counts some of what moves before first_paint.js shows the page: that is left out, nobody sees it.
SHIFTS = """
window.__shifts = [];
window.__shownAt = 0;
new MutationObserver(() => {
  if (!window.__shownAt && document.documentElement.dataset.whole !== undefined) window.__shownAt = performance.now();
}).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-whole"] });
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    const name = node => !node ? "" : node.nodeType !== 1 ? name(node.parentElement)
      : `${node.tagName.toLowerCase()}.${(node.getAttribute("class") || node.dataset?.testid || "").slice(0, 60)}`;
    window.__shifts.push({ value: entry.value, at: Math.round(entry.startTime),
      who: (entry.sources || []).map(one => [name(one.node), one.previousRect.y | 0, one.currentRect.y | 0, one.currentRect.height | 0]) });
  }
}).observe({ type: "layout-shift", buffered: true });
window.__largestWindow = () => {
  let best = 0, sum = 0, first = 0, last = -1e9;
  for (const { value, at } of window.__shifts.filter(one => one.at >= window.__shownAt)) {
    if (at - last > 1000 || at - first > 5000) { sum = 0; first = at; }
    sum += value; last = at; best = Math.max(best, sum);
  }
  return best;
};
"""

MAIN_THINGS = (
    "canvas, [data-testid=stVegaLiteChart], [data-testid=stDataFrame], [data-testid=stTable], table, .card, .lt-empty, .lt-glance, "
    ".lt-product, [data-testid=stMetric], .stage, [data-testid=stAlert], [data-testid=stBidiComponentRegular], "
    "[data-testid=stExpander], [data-testid=stFileUploader], [data-testid=stForm], [class*=st-key-settings_]"
)
"""What a page is opened for: results, cards, a chart, a table, or the field that has to be filled before there are any."""

MAIN_TOP = """
selectors => {
  let top = Infinity;
  const look = root => {
    for (const one of root.querySelectorAll("*")) if (one.shadowRoot) look(one.shadowRoot);
    for (const one of root.querySelectorAll(selectors)) {
      const box = one.getBoundingClientRect();
      if (box.height > 20 && box.width > 20 && one.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
        top = Math.min(top, box.y);
    }
  };
  const main = document.querySelector("[data-testid=stMain]") || document.body;
  look(main);
  const scroller = document.querySelector("[data-testid=stMain]");
  return top + (scroller ? scroller.scrollTop : 0);
}
"""


@contextmanager
def opened(browser: Any, address: str, *, viewport: dict[str, int] = WIDE, dark: bool = False) -> Iterator[Any]:
    """The address in a browser without a past, once the page rests."""
    context = browser.new_context(viewport=viewport, color_scheme="dark" if dark else "light")
    try:
        page = context.new_page()
        page.add_init_script(SHIFTS)
        page.goto(address)
        at_rest(page)
        yield page
    finally:
        context.close()


def at_rest(page: Any, patience: float = PATIENCE_SECONDS) -> float:
    """Wait until the page has run to its end and nothing of it is waited for; `TimeoutError` after so many seconds.

    Returns since when it rests, by `time.monotonic`.
    """
    deadline, still_since = time.monotonic() + patience, None
    while still_since is None or time.monotonic() - still_since < STILL_SECONDS:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{page.url} does not come to rest")
        state = page.locator("[data-testid=stApp]").get_attribute("data-test-script-state")
        busy = page.locator(".lt-wait, .lt-wait-cards, [data-testid=stSkeleton], [data-testid=stSpinner]").count()
        if state != "notRunning" or busy:
            still_since = None
        elif still_since is None:
            still_since = time.monotonic()
        page.wait_for_timeout(60)
    return still_since
