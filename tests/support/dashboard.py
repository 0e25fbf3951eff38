"""Driving the dashboard's pages in tests: the shell on a workspace, and what its cards show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

ROOT = Path(__file__).resolve().parent.parent.parent


def open_shell(at: str = "similar_items", /, **query: str) -> AppTest:
    """A page of the dashboard on the workspace that LONGTAIL_WORKSPACE names, run once with this address."""
    app = AppTest.from_file(str(ROOT / "ui" / "app" / "shell.py"), default_timeout=60)
    now_at(app, at)
    app.query_params.update(query)
    return app.run()


def now_at(app: AppTest, page: str) -> None:
    """Say which page is open, as a browser does; `AppTest.switch_page` knows pages that are files alone."""
    app._page_hash = calc_hash(page)


def card_data(app: AppTest, position: int = 0) -> dict[str, Any]:
    """What the card component at this position was given."""
    elements = [element for element in app.get("bidi_component") if element.proto.component_name == "longtail_cards"]
    return dict(json.loads(elements[position].proto.json))


def shown_ids(app: AppTest, group: str = "", position: int = 0) -> list[str]:
    """The ids of the products shown in one group of cards."""
    groups = {entry["name"]: entry["cards"] for entry in card_data(app, position)["groups"]}
    return [card["item_id"] for card in groups[group]]


def written_html(app: AppTest) -> str:
    """Everything that was put on the page as HTML."""
    return "\n".join(element.proto.body for element in app.get("html"))
