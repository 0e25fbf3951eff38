"""What a release changes where it takes the place of another, in words and as a table; looked up where it is kept, else worked out in a thread."""

from __future__ import annotations

import streamlit as st

from engine.arms.registry import SERVED
from engine.comparison.kept_changes import is_behind, kept_change
from engine.comparison.list_gains import Tally
from engine.comparison.release_change import ReleaseChange, better_words, change_words, lists_words
from engine.core.errors import LongtailError
from engine.curation.judgements import JudgementStore
from engine.recommend.recommender import Recommender
from engine.release.manifest import Manifest
from engine.serving.background_result import BackgroundResult
from engine.serving.what_changes import replaced_by, what_changes
from ui.app import resources
from ui.app.navigation import link_to
from ui.comparison.results import list_length
from ui.comparison.sides import side_address
from ui.widgets.cards import LEVEL_NAMES
from ui.widgets.formatting import html_text, plain, plural

__all__ = [
    "change_of",
    "change_sentence",
    "changed_sentence",
    "draw_change",
    "draw_compare_link",
    "group_sentences",
    "is_being_worked_out",
    "what_would_change",
]


def change_sentence(release_id: str) -> str | None:
    """`214 lists improved, 9 got worse, by …` against the release that it took the place of, or would; None where that is not known (yet)."""
    change = change_of(release_id)
    return None if change is None else change_words(change)


def change_of(release_id: str) -> ReleaseChange | None:
    """What a release changed where it was published last, or would change where it is not served; None where that is not known (yet).

    A look at a small file. Where nothing is kept, or much was judged since, a thread works it out, once.
    """
    return _looked_up(release_id)[0]


def is_being_worked_out(release_id: str) -> bool:
    """Whether a thread is at it."""
    return not _looked_up(release_id)[1]


def _looked_up(release_id: str) -> tuple[ReleaseChange | None, bool]:
    """What is known, and whether that is all there will be."""
    before = replaced_by(resources.workspace(), release_id)
    if before is None or before == release_id:
        return None, True
    k, store = list_length(), resources.judgements()
    known = kept_change(resources.workspace(), before, release_id, k)
    if known is not None and not is_behind(known, store.last_id()):
        return known, True
    root, stamp = str(resources.workspace().root), -1 if known is None else known.judged
    held = _worked_out(root, before, release_id, k, stamp, resources.served().as_trained, store)
    return held.result or known, held.done


def what_would_change(release_id: str) -> list[str]:
    """What serving a release would change beside the one that is served, a sentence each. Raises as `what_changes`."""
    now = resources.served().as_trained
    k = list_length()
    change = what_changes(resources.workspace(), now.release_id, release_id, k, resources.judgements(), opened=(now,))
    said = lists_words(change.lists, k)
    return [*said, *better_words(change), *group_sentences(change)]


def changed_sentence(change: ReleaseChange, label: str) -> str:
    """How many lists a release changed, and how much of them; `label` is what it is called."""
    lists = change.lists
    if not lists.changed:
        said = f"{label} left all {plural(lists.compared, 'list')} as they were."
    else:
        said = (
            f"{label} changed {lists.changed:,} of {plural(lists.compared, 'list')}: on average {lists.replaced:.1f} of "
            f"{change.k} products are others."
        )
    return f"{said} It brought {plural(lists.came, 'new product')}." if lists.came else said


def group_sentences(change: ReleaseChange) -> list[str]:
    """`Long tail: 120 improved, 3 got worse, of 1,098.` for every traffic group in which a list improved or got worse."""
    return [
        f"{LEVEL_NAMES[level]}: {tally.improved:,} improved, {tally.worse:,} got worse, of {tally.compared:,}."
        for level, tally in change.groups.items()
        if change.measure is not None and (tally.improved or tally.worse)
    ]


def draw_change(release_id: str) -> None:
    """Draw what the release that is served changed: a sentence, the traffic groups, and a link to its lists; nothing where that is not known (yet)."""
    change = change_of(release_id)
    if change is None:
        return
    st.subheader(f"What {Manifest(release_id).label.lower()} changed", anchor=False)
    st.markdown(plain(" ".join([changed_sentence(change, Manifest(release_id).label), *better_words(change)])))
    if change.measure is not None:
        _draw_groups(change)
    draw_compare_link(release_id)


def draw_compare_link(release_id: str) -> None:
    """Draw a link to the lists of a release beside those it took the place of; nothing where they are the same, or that is not known (yet)."""
    change = change_of(release_id)
    if change is None or not change.lists.changed:
        return
    before = change.before.partition("-")[0]
    sides = {"before": side_address(before, SERVED), "after": side_address(release_id, SERVED)}
    link_to("compare", f"Compare with {Manifest(before).label.lower()}", ":material/compare:", sides)


def _draw_groups(change: ReleaseChange) -> None:
    """A table of how many lists of each traffic group improved and got worse."""
    rows = "".join(_row(LEVEL_NAMES[level], tally) for level, tally in change.groups.items())
    checked = "Checked" if change.measure == "held-out" else "Lists"
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Improved", "Got worse", checked))
    st.html(f'<table class="lt-trust lt-changes"><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table>')


def _row(name: str, tally: Tally) -> str:
    cells = (
        _cell(tally.improved, tally.compared, "up"), _cell(tally.worse, tally.compared, "down"), f"<td>{tally.compared:,}</td>",
    )  # fmt: skip
    return f'<tr><th scope="row">{html_text(name)}</th>{"".join(cells)}</tr>'


def _cell(count: int, of: int, kind: str) -> str:
    share = 100 * count / of if of else 0
    return f'<td class="{kind}"><strong>{count:,}</strong><span class="lt-range"><i style="left:0;width:{share:.1f}%"></i></span></td>'


@st.cache_resource(show_spinner=False, max_entries=4)
def _worked_out(
    root: str, before: str, after: str, k: int, stamp: int, _served: Recommender, _judgements: JudgementStore
) -> BackgroundResult[ReleaseChange | None]:
    workspace = resources.workspace()
    first: ReleaseChange | None = None

    def work() -> ReleaseChange | None:
        try:
            return what_changes(workspace, before, after, k, _judgements, opened=(_served,))
        except LongtailError:
            return None  # one of them is gone or damaged: there is nothing to compare with

    return BackgroundResult(first, work)
