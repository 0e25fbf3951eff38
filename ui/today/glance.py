"""Today at a glance: how good the lists are, what the last release changed, and what to do first."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.comparison.changed_lists import ChangedLists
from ui.app.navigation import link_to
from ui.app.resources import recommender, shop_words
from ui.runs import release_change
from ui.today.health import trust_sentence
from ui.today.lines import Line
from ui.today.results import Results, last_change, list_length
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


def change_sentence(changed: ChangedLists, label: str, k: int) -> str:
    """What a release changed; `label` is what it is called, `k` how many products a list has."""
    if not changed.changed:
        said = f"{label} left all {plural(changed.compared, 'list')} as they were."
    else:
        said = (
            f"{label} changed {changed.changed:,} of {plural(changed.compared, 'list')}: on average {changed.replaced:.1f} of "
            f"{k} products are others."
        )
    return f"{said} It brought {plural(changed.came, 'new product')}." if changed.came else said


def draw_glance(found: Results, lines: Sequence[Line]) -> None:
    """Draw the tiles."""
    changed, facade = last_change(), recommender()
    change = None if changed is None else change_sentence(changed, facade.manifest.label, list_length())
    if changed is not None and changed.changed and (better := release_change.change_sentence(facade.release_id)):
        change = f"{change} {better}"
    tiles = "".join(
        f"<section><h2>{html_text(heading)}</h2><p>{html_text(sentence)}</p></section>"
        for heading, sentence in glances(found, lines, change, shop_words().interaction_word)
    )
    st.html(f'<div class="lt-glance">{tiles}</div>')
    if changed is not None and changed.changed:
        link_to("compare", "Compare it with the release before", ":material/compare:")
