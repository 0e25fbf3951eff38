"""Violations that axe-core finds on every page, light and dark: the serious and critical ones."""

from __future__ import annotations

import argparse
from importlib.resources import files
from typing import Any

from benchmarks.screens.shops import SMALL, addresses, dashboard, made_workspace
from benchmarks.screens.watched import opened
from benchmarks.support import launch_browser

__all__ = ["AXE", "measure", "violations"]

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
GRAVE = ("serious", "critical")


def measure(arguments: argparse.Namespace) -> dict[str, tuple[Any, ...]]:
    """Run axe-core on every page, in both themes."""
    workspace = made_workspace(arguments.folder, SMALL)
    found: dict[str, list[str]] = {}
    with dashboard(workspace) as address, launch_browser() as browser:
        for look in ("light", "dark"):
            for name, path in addresses(workspace).items():
                with opened(browser, f"{address}/{path}", dark=look == "dark") as page:
                    for rule, html, says in violations(page):
                        found.setdefault(f"{rule}: {html[:160]} ({says[:160]})", []).append(f"{name} {look}")
    for violation, where in found.items():
        print(violation, where, sep="\n    ", flush=True)
    return {"axe_grave_violations": (len(found), "0", {"violations": found})}


def violations(page: Any) -> list[tuple[str, str, str]]:
    """Serious and critical ones: rule, markup of the element, what is wrong with it."""
    page.evaluate(AXE)
    found = page.evaluate(
        "() => axe.run(document, { resultTypes: ['violations'], rules: { 'label-content-name-mismatch': { enabled: true } } })"
    )
    return [
        (rule["id"], node["html"], " ".join(one["message"] for one in node["any"] + node["all"] + node["none"]))
        for rule in found["violations"]
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]
