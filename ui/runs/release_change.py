"""What a release changes where it takes the place of another, in words."""

from __future__ import annotations

import streamlit as st

from engine.arms.registry import SERVED
from engine.comparison.changed_lists import ChangedLists, changed_lists
from engine.comparison.list_gains import Gains, Side, list_gains
from engine.core.errors import LongtailError
from engine.recommend.recommender import Recommender
from engine.release.publish import published_releases
from engine.serving.background_result import BackgroundResult
from ui.app import resources
from ui.comparison.results import list_length
from ui.comparison.words import change_words
from ui.widgets.formatting import plural

__all__ = ["change_sentence", "lists_sentences", "what_would_change"]


def what_would_change(release_id: str) -> list[str]:
    """What serving a release would change, a sentence each; it is opened for that. Raises as `resources.release`."""
    now, later = resources.served().as_trained, resources.release(release_id)
    k = resources.settings().serving.neighbours
    return lists_sentences(_changed(now.edition, later.edition, k, now, later), k)


def change_sentence(release_id: str) -> str | None:
    """`214 lists improved, 9 got worse, by …` against the release that was live before; None where nothing differs, or that is not known (yet)."""
    after = resources.served().as_trained
    before = [one for one in published_releases(resources.workspace()) if one != release_id]
    if not before or after.release_id != release_id:
        return None
    judged = resources.judgements().last_id()
    gains = _gains(str(resources.workspace().root), before[-1], after.edition, list_length(), judged, after).result
    return None if gains is None else change_words(gains)


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


@st.cache_resource(show_spinner=False, max_entries=2)
def _gains(
    root: str, before: str, after: str, k: int, judged: int, _after: Recommender
) -> BackgroundResult[Gains | None]:
    workspace, out = resources.workspace(), resources.served().suppressed_everywhere()
    first: Gains | None = None

    def work() -> Gains | None:
        try:
            earlier = Recommender.open(workspace, before)
        except LongtailError:
            return None  # gone or damaged: there is nothing to compare with
        return list_gains(Side(earlier, SERVED), Side(_after, SERVED), k, out)

    return BackgroundResult(first, work)
