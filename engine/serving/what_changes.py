"""What a release changes where it takes the place of another: looked up where it is kept, else worked out with what people judged, and kept."""

from __future__ import annotations

from collections.abc import Sequence

from engine.comparison.kept_changes import is_behind, keep_change, kept_change
from engine.comparison.release_change import ReleaseChange, change_between
from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.curation.suppression import Suppressed
from engine.recommend.listed_release import ListedRelease
from engine.release.publish import current_release_id, published_releases
from engine.release.top_lists import TOP

__all__ = ["list_length", "replaced_by", "what_changes"]


def what_changes(
    workspace: Workspace,
    before_id: str,
    after_id: str,
    k: int,
    judgements: JudgementStore | None,
    opened: Sequence[ListedRelease] = (),
) -> ReleaseChange:
    """Takes a second or two at 100,000 products where it is worked out, else nothing.

    Raises `NotFoundError`, `ReleaseError` or `NoRoomError` where it is not known and one of the releases is gone or damaged, or memory does not hold what must be opened for it.

    Parameters
    ----------
    k : neighbours of a list (`list_length`).
    judgements : None where there is no database yet.
    opened : releases that are open already, if any.
    """
    last_id = judgements.last_id() if judgements is not None else 0
    known = kept_change(workspace, before_id, after_id, k)
    if known is not None and not is_behind(known, last_id):
        return known
    have = {one.release_id: one for one in opened}
    before, after = (have.get(one) or ListedRelease.open(workspace, one) for one in (before_id, after_id))
    ruled_out = Suppressed(judgements).all() if judgements is not None else {}
    change = change_between(before, after, k, ruled_out, last_id)
    keep_change(workspace, change)
    return change


def replaced_by(workspace: Workspace, release_id: str) -> str | None:
    """The release that this one took the place of, when it was published last; of one that is not served, the one that it would replace.

    None where there is none.
    """
    published = published_releases(workspace)
    if release_id in published:
        place = len(published) - 1 - published[::-1].index(release_id)
        return next((one for one in reversed(published[:place]) if one != release_id), None)
    return current_release_id(workspace) or None


def list_length(neighbours: int) -> int:
    """How many products of a list are compared: as many as are shown, where a release keeps that many."""
    return min(neighbours, TOP)
