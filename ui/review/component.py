"""The component of the Review page: card, keys and outbox in the browser (assets/review*.js)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from markdown_it import MarkdownIt

from engine.core.visible_text import printable
from engine.curation.votes import GIVEN, Reason
from ui.review.cards import ReviewCard
from ui.review.progress import Progress

__all__ = ["ReviewData", "guidelines_html", "review_component"]

ASSETS = Path(__file__).resolve().parents[2] / "assets"
SCRIPTS = ("common.js", "cards_text.js", "review_outbox.js", "review_view.js", "review.js")
STYLES = ("cards_text.css", "review.css")


@dataclass(frozen=True)
class ReviewData:
    """What the component needs; it adds the verdicts and reasons with their words.

    Attributes
    ----------
    session : names curator, shop, mode and campaign; the browser files what it stores under this name.
    pair : whether a card has one neighbour instead of ten.
    token : from `sign_token`, sent with every request.
    url : where to ask for "cards" and send "decisions".
    guidelines : HTML.
    warmup : cards with answers, shown before the first real one.
    """

    session: str
    pair: bool
    token: str
    url: Mapping[str, str]
    guidelines: str
    warmup: Sequence[ReviewCard]
    progress: Progress


def review_component(*, key: str, data: ReviewData, on_renew: Callable[[], None]) -> None:
    """Draw the component.

    Parameters
    ----------
    on_renew : called before the page runs again when the token is no longer good.
    """
    words = {
        "verdicts": {verdict.value: verdict.words for verdict in GIVEN},
        "reasons": [[reason.value, reason.words] for reason in Reason],
    }
    _component()(key=key, data=asdict(data) | words, on_renew_change=on_renew)


def guidelines_html(text: str) -> str:
    """Markdown as HTML that holds paragraphs, lists, headings and emphasis alone: no HTML of its writer's, no link, no picture."""
    return str(_markdown().render(printable(text)))


@functools.cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).disable(["image", "link", "autolink", "reference"])


@functools.cache
def _component() -> Callable[..., Any]:
    css = "\n".join((ASSETS / name).read_text("utf-8") for name in STYLES)
    js = "\n".join((ASSETS / name).read_text("utf-8") for name in SCRIPTS)
    return st.components.v2.component("longtail_review", css=css, js=js)
