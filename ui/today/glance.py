"""Today at a glance: how good the lists are, what the last release changed, and what to do first."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.comparison.release_change import ReleaseChange, change_words
from ui.app.resources import recommender, shop_words
from ui.runs.release_change import change_of
from ui.today.health import trust_sentence
from ui.today.lines import Line
from ui.today.results import Results
from ui.widgets.formatting import html_text, plural

__all__ = ["change_sentence", "draw_glance", "glances"]


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


def change_sentence(change: ReleaseChange, label: str) -> str:
    """What a release changed; `label` is what it is called."""
    changed = change.lists
    if not changed.changed:
        said = f"{label} left all {plural(changed.compared, 'list')} as they were."
    else:
        said = (
            f"{label} changed {changed.changed:,} of {plural(changed.compared, 'list')}: on average {changed.replaced:.1f} of "
            f"{change.k} products are others."
        )
        if change.measure is not None:
            said = f"{said} {change_words(change)}"
    return f"{said} It brought {plural(changed.came, 'new product')}." if changed.came else said


def draw_glance(found: Results, lines: Sequence[Line]) -> None:
    """Draw the tiles."""
    facade = recommender()
    change = change_of(facade.release_id)
    said = None if change is None else change_sentence(change, facade.manifest.label)
    tiles = "".join(
        f"<section><h2>{html_text(heading)}</h2><p>{html_text(sentence)}</p></section>"
        for heading, sentence in glances(found, lines, said, shop_words().interaction_word)
    )
    st.html(f'<div class="lt-glance">{tiles}</div>')
