"""Today at a glance: how good the lists are, what the last release changed, and what to do first."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.comparison.release_change import better_words
from ui.app.resources import recommender, shop_words
from ui.runs.release_change import change_of, changed_sentence
from ui.today.health import trust_sentence
from ui.today.lines import Line
from ui.today.results import Results
from ui.widgets.formatting import html_text, plural

__all__ = ["draw_glance", "glances"]


def glances(found: Results, lines: Sequence[Line], change: str | None, word: str) -> list[tuple[str, str]]:
    """Heading and sentence of each; `change` is what the last release changed, None where that is not known."""
    said = []
    if found.judged is not None:
        said.append(("How it is", f"{trust_sentence(found.judged.trust, word)}."))
    else:
        said.append(("How it is", "Not known yet." if found.done else "Looking…"))
    if change:
        said.append(("What changed", change))
    if lines:
        more = (
            f" There {'is' if len(lines) == 2 else 'are'} {plural(len(lines) - 1, 'more thing')} to do."
            if lines[1:]
            else ""
        )
        said.append(("What to do first", f"{lines[0].title}.{more}"))
    elif found.done:
        said.append(("What to do first", "Nothing: all is well."))
    else:
        said.append(("What to do first", "Looking…"))
    return said


def draw_glance(found: Results, lines: Sequence[Line]) -> None:
    """Draw the tiles."""
    facade = recommender()
    change = change_of(facade.release_id)
    said = None
    if change is not None:
        said = " ".join([changed_sentence(change, facade.manifest.label), *better_words(change)])
    tiles = "".join(
        f"<section><h2>{html_text(heading)}</h2><p>{html_text(sentence)}</p></section>"
        for heading, sentence in glances(found, lines, said, shop_words().interaction_word)
    )
    st.html(f'<div class="lt-glance">{tiles}</div>')
