"""What a release changes where it takes the place of another, in words."""

from __future__ import annotations

import streamlit as st

from engine.comparison.changed_lists import ChangedLists, changed_lists
from engine.recommend.recommender import Recommender
from ui.app import resources
from ui.widgets.formatting import plural

__all__ = ["lists_sentences", "what_would_change"]


def what_would_change(release_id: str) -> list[str]:
    """What serving a release would change, a sentence each; it is opened for that. Raises as `resources.release`."""
    now, later = resources.served().as_trained, resources.release(release_id)
    k = resources.settings().serving.neighbours
    return lists_sentences(_changed(now.edition, later.edition, k, now, later), k)


def lists_sentences(lists: ChangedLists, k: int) -> list[str]:
    """How many lists change, and which products come and go."""
    if not lists.changed:
        said = [f"The lists of all {plural(lists.compared, 'product')} stay as they are."]
    else:
        said = [
            f"{lists.changed:,} of {plural(lists.compared, 'product')} get a different list: "
            f"on average {lists.replaced:.1f} of its {k} products change."
        ]
    if lists.came:
        said.append(f"{plural(lists.came, 'product')} {'are' if lists.came > 1 else 'is'} new in the shop.")
    if lists.went:
        said.append(f"{plural(lists.went, 'product')} {'leave' if lists.went > 1 else 'leaves'} it.")
    return said


@st.cache_resource(show_spinner=False, max_entries=8)
def _changed(before: str, after: str, k: int, _before: Recommender, _after: Recommender) -> ChangedLists:
    return changed_lists(_before, _after, k=k)
