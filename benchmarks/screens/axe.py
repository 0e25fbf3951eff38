"""Violations that axe-core finds on every page, light and dark: serious and critical ones, ours and Streamlit's."""

from __future__ import annotations

import argparse
from collections import Counter
from importlib.resources import files
from typing import Any

from benchmarks.screens.shops import SMALL, addresses, dashboard, made_workspace
from benchmarks.screens.watched import opened
from benchmarks.support import launch_browser

__all__ = ["AXE", "STREAMLITS_OWN", "is_ours", "measure", "violations"]

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
GRAVE = ("serious", "critical")

STREAMLITS_OWN = {
    "list": 'data-testid="stSidebarNavItems"',  # the navigation's sections are a list whose children are not its items,
    "listitem": '<li class="st-emotion-cache-',  # and whose items have a parent of their own in between
}
"""Rules that Streamlit's own markup breaks, where neither an option nor CSS helps -> a part of the element that breaks it."""


def measure(arguments: argparse.Namespace) -> dict[str, tuple[Any, ...]]:
    """Run axe-core on every page, in both themes."""
    workspace = made_workspace(arguments.folder, SMALL)
    ours: dict[str, list[str]] = {}
    theirs: Counter[str] = Counter()
    with dashboard(workspace) as address, launch_browser() as browser:
        for look in ("light", "dark"):
            for name, path in addresses(workspace).items():
                with opened(browser, f"{address}/{path}", dark=look == "dark") as page:
                    for rule, html, says in violations(page):
                        if not is_ours(rule, html):
                            theirs[rule] += 1
                        else:
                            ours.setdefault(f"{rule}: {html[:160]} ({says[:160]})", []).append(f"{name} {look}")
    for violation, where in ours.items():
        print(violation, where, sep="\n    ", flush=True)
    return {
        "axe_grave_violations": (len(ours), "0", {"violations": ours}),
        "axe_violations_in_streamlits_markup": (sum(theirs.values()), "-", {"rules": dict(theirs)}),
    }


def is_ours(rule: str, html: str) -> bool:
    """Whether an element that breaks a rule is not one of `STREAMLITS_OWN`."""
    return rule not in STREAMLITS_OWN or STREAMLITS_OWN[rule] not in html


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
