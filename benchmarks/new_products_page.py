"""How the scripts find their way on the page New product: every address, text and selector they rely on."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

__all__ = [
    "AT_REST",
    "CARDS_SHOWN",
    "CHANGE",
    "DISCARD",
    "FORM",
    "RELEASE",
    "SAVE",
    "WITHDRAW",
    "as_upload",
    "button",
    "changing_line",
    "collection_address",
    "collection_picture_files",
    "collection_ready",
    "collection_save",
    "collection_saved",
    "collection_sheet_file",
    "collection_shown_at_once",
    "curator_cookie",
    "discarded_line",
    "draft_address",
    "draft_line",
    "id_field",
    "picture_files",
    "title_field",
]

FORM = "/new_product"
RELEASE = "Show it in the shop"
WITHDRAW = "Take it out of the shop"
DISCARD = "Discard"
CHANGE = "Change"
SAVE = "Save draft"
NAME = "Scripted curator"
AT_REST = '[data-testid="stApp"][data-test-script-state="notRunning"]'

# Ids of the products on the cards of the page, in order; the component lives in a shadow root, wherever Streamlit put it.
CARDS_SHOWN = """
() => {
  const roots = [document], found = [];
  for (const root of roots) {
    found.push(...root.querySelectorAll(".card[data-item]"));
    for (const node of root.querySelectorAll("*")) if (node.shadowRoot) roots.push(node.shadowRoot);
  }
  return found.filter((card) => card.checkVisibility()).map((card) => card.dataset.item);
}
"""


def curator_cookie(address: str) -> dict[str, str]:
    """What makes a browser somebody whom the dashboard knows."""
    return {"name": "longtail_curator", "value": quote(NAME), "url": address}


def as_upload(name: str, data: bytes, kind: str = "image/jpeg") -> dict[str, Any]:
    """A file for `set_input_files` that is nowhere on the disk."""
    return {"name": name, "mimeType": kind, "buffer": data}


def button(page: Any, name: str) -> Any:
    """A button by its words."""
    return page.get_by_role("button", name=name).first


# --- one product -------------------------------------------------------------------------------------------------


def title_field(page: Any) -> Any:
    """Where the title is typed: when it is there, the form is."""
    return page.get_by_label("Title", exact=True)


def id_field(page: Any) -> Any:
    """Where the id is typed."""
    return page.get_by_label("ID", exact=True)


def picture_files(page: Any) -> Any:
    """The input of the product's pictures."""
    return page.locator("input[type=file]").first


# --- drafts ------------------------------------------------------------------------------------------------------


def draft_address(draft_id: str) -> str:
    """The page of a draft that is stored."""
    return f"/new_product?view=drafts&draft={quote(draft_id)}"


def draft_line(page: Any, draft_id: str) -> Any:
    """The line under a draft's card that says it is stored."""
    return page.get_by_text(f"{draft_id}, saved")


def discarded_line(page: Any) -> Any:
    """The confirmation that a draft was thrown away."""
    return page.get_by_text("Discarded", exact=True)


def changing_line(page: Any, draft_id: str) -> Any:
    """The line over the form that says which draft is changed in it."""
    return page.get_by_text(f"You are editing {draft_id}.")


# --- a collection ------------------------------------------------------------------------------------------------


def collection_address() -> str:
    """The page that takes a sheet and its pictures."""
    return "/new_product?view=collection"


def collection_sheet_file(page: Any) -> Any:
    """The input of the sheet."""
    return page.locator("input[type=file]").nth(0)


def collection_picture_files(page: Any) -> Any:
    """The input of the pictures and zips."""
    return page.locator("input[type=file]").nth(1)


def collection_ready(page: Any, rows: int) -> Any:
    """The sentence that says that so many rows can be saved."""
    return page.get_by_text(re.compile(rf"\b{rows:,} rows? ready"))


def collection_shown_at_once(page: Any) -> Any:
    """The switch that has the drafts shown in the shop when they are saved."""
    return page.get_by_text("Show them in the shop straight away")


def collection_save(page: Any, rows: int) -> Any:
    """The button that saves so many."""
    return page.get_by_role("button", name=re.compile(rf"Save {rows:,} drafts?\b"))


def collection_saved(page: Any, rows: int) -> Any:
    """The confirmation that so many are saved."""
    return page.get_by_text(re.compile(rf"\b{rows:,} drafts? saved")).first
