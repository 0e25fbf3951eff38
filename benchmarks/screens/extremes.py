"""Every page with titles of 300 characters and no pictures, in an empty workspace, and at the largest size: what sticks out or is cut off.

    python -m benchmarks.screens --only extremes --pictures FOLDER

also keeps a picture of each.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.screens.shops import addresses, dashboard, empty_workspace, long_titled_workspace, made_workspace
from benchmarks.screens.watched import PHONE, WIDE, opened
from benchmarks.support import launch_browser

LOOKS: dict[str, dict[str, Any]] = {
    "wide": {"viewport": WIDE},
    "wide dark": {"viewport": WIDE, "dark": True},
    "phone": {"viewport": PHONE},
    "phone dark": {"viewport": PHONE, "dark": True},
    "320": {"viewport": {"width": 320, "height": 780}},
}

WIDER = (
    "() => { const m = document.querySelector('[data-testid=stMain]'); return m ? m.scrollWidth - m.clientWidth : 0 }"
)

# Texts that a box cuts off sideways without an ellipsis and without a way to scroll to them; charts, canvases and what only readers of screens see are left out.
CUT = """
() => {
  const found = [];
  const look = (root) => {
    for (const one of root.querySelectorAll("*")) {
      if (one.shadowRoot) look(one.shadowRoot);
      const text = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim().length > 2);
      if (!text || !one.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
      const range = document.createRange();
      range.selectNodeContents(one);
      const words = range.getBoundingClientRect();
      if (words.width < 2 || words.height < 2) continue;
      for (let box = one; box && box !== document.body; box = box.parentElement || box.getRootNode().host) {
        const style = getComputedStyle(box);
        if (style.position === "fixed" || /auto|scroll/.test(style.overflowX)) break;
        if (!/hidden|clip/.test(style.overflowX)) continue;
        const edge = box.getBoundingClientRect();
        if (edge.width <= 2 || edge.height <= 2) break;
        if (words.right > edge.right + 2 && style.textOverflow !== "ellipsis" && style.webkitLineClamp === "none") {
          found.push(`${one.tagName.toLowerCase()}.${String(one.className).slice(0, 40)}: ${one.textContent.trim().slice(0, 60)}`);
        }
        break;
      }
    }
  };
  look(document);
  return [...new Set(found)];
}
"""


def measure(arguments: argparse.Namespace) -> dict[str, tuple[Any, ...]]:
    """Open every page of each shop in each look; what is wrong with any of them."""
    shops = {
        "long titles": long_titled_workspace(arguments.folder),
        "empty": empty_workspace(arguments.folder),
        f"{max(arguments.products):,} products": made_workspace(arguments.folder, max(arguments.products)),
    }
    wider: dict[str, int] = {}
    cut: dict[str, list[str]] = {}
    opened_pages = 0
    with launch_browser() as browser:
        for shop, workspace in shops.items():
            with dashboard(workspace) as address:
                for name, path in addresses(workspace).items():
                    for look, how in LOOKS.items():
                        with opened(browser, f"{address}/{path}", **how) as page:
                            where, opened_pages = f"{name}, {shop}, {look}", opened_pages + 1
                            if (over := page.evaluate(WIDER)) > 1:
                                wider[where] = over
                            for text in page.evaluate(CUT):
                                cut.setdefault(text, []).append(where)
                            _keep(page, arguments.pictures, where)
    for text, where in cut.items():
        print(text, *where[:3], sep="\n    ", flush=True)
    return {
        "extreme_pages_wider_than_the_window": (len(wider), "0", {"opened": opened_pages, "pages": wider}),
        "extreme_texts_cut_off": (len(cut), "0", {"opened": opened_pages, "texts": cut}),
    }


def _keep(page: Any, folder: Path | None, where: str) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{where.replace(', ', '-').replace(' ', '-')}.png")
