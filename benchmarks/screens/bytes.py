"""What a first page sends: over the session's socket and from our routes; Streamlit's own files as information."""

from __future__ import annotations

import argparse
from collections import defaultdict
from typing import Any

from benchmarks.screens.shops import SMALL, addresses, dashboard, made_workspace
from benchmarks.screens.watched import SHIFTS, WIDE, at_rest
from benchmarks.support import launch_browser

STREAMLITS = ("/static/", "/_stcore/", "/vendor/")


def measure(arguments: argparse.Namespace) -> dict[str, tuple[Any, ...]]:
    """Open every page in a browser without a past, and add up what comes: pictures are reckoned apart, they come as one scrolls."""
    workspace = made_workspace(arguments.folder, SMALL)
    pages: dict[str, dict[str, float]] = {}
    with dashboard(workspace) as address, launch_browser() as browser:
        for name, path in addresses(workspace).items():
            pages[name] = _received(browser, address, path)
    first = pages["today"]
    return {
        "first_page_kb": (first["page"], "<= 60", {"first_page": first}),
        "largest_page_kb": (max(one["page"] for one in pages.values()), "-", {"pages": pages}),
    }


def _received(browser: Any, address: str, path: str) -> dict[str, float]:
    """Kilobytes by kind, as they crossed the network."""
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    page.add_init_script(SHIFTS)
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    where: dict[str, str] = {}
    sums: dict[str, float] = defaultdict(float)

    def kind_of(url: str) -> str:
        local = url.removeprefix(address)
        if local.startswith(("/thumb/", "/image/", "/upload/", "/picture/")):
            return "pictures"
        return "streamlit" if local.startswith(STREAMLITS) or local in ("/", f"/{path}") else "page"

    network.on("Network.responseReceived", lambda event: where.update({event["requestId"]: event["response"]["url"]}))
    network.on(
        "Network.loadingFinished",
        lambda event: sums.__setitem__(
            kind_of(where.get(event["requestId"], "")),
            sums[kind_of(where.get(event["requestId"], ""))] + event["encodedDataLength"],
        ),
    )
    network.on("Network.webSocketFrameReceived", lambda event: _add_frame(sums, event["response"]))
    page.goto(f"{address}/{path}")
    at_rest(page)
    context.close()
    return {kind: round(sums[kind] / 1000, 1) for kind in ("page", "pictures", "streamlit")}


def _add_frame(sums: dict[str, float], frame: dict[str, Any]) -> None:
    """A frame's payload: base64 where it is binary."""
    length = len(frame["payloadData"])
    sums["page"] += length * 3 / 4 if frame["opcode"] == 2 else length
