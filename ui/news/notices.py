"""What happened, a sentence each, for whoever may know it: from rows of the audit and from runs that ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from engine.access.acting import Actor
from engine.access.audit import AuditEntry
from engine.access.roles import Action
from engine.arms.registry import SERVED
from engine.jobs import RunStatus
from engine.release.manifest import Manifest
from ui.comparison.sides import side_address
from ui.runs.run_view import KINDS, STATES
from ui.widgets.formatting import plural

__all__ = ["TOLD", "Notice", "notices"]

TOLD = (Action.PUBLISH, Action.EDIT_DRAFTS, Action.EDIT_SETS, Action.SEND_TO_REVIEW, Action.RUN_CAMPAIGNS)
"""Deeds that people may hear about; what became of trainings and loads is read off the runs."""
LONGEST = 300
_PUBLISHED = "Published"
_OWN_ARE_KNOWN = (Action.EDIT_DRAFTS, Action.EDIT_SETS, Action.SEND_TO_REVIEW, Action.RUN_CAMPAIGNS)
"""Whoever does these has seen what came of them; a release matters to whoever published it too."""


@dataclass(frozen=True)
class Notice:
    """Something that happened, and the page it is about.

    Attributes
    ----------
    text : strangers' names may be in it: for places that show text as text.
    deed_id : number of the row of the audit that it comes from; 0 where it comes from a run.
    run_id : the run that ended; "" where it comes from the audit.
    """

    text: str
    at: datetime
    page: str
    query: Mapping[str, str | list[str]] = field(default_factory=dict)
    deed_id: int = 0
    run_id: str = ""


def notices(
    entries: Sequence[AuditEntry], runs: Iterable[RunStatus], actor: Actor, live: str, changed: str | None
) -> list[Notice]:
    """What somebody should hear about, the newest first.

    Parameters
    ----------
    entries : of the audit, deeds of `TOLD` that were done, the newest first.
    live, changed : the release that is served, and what it changed in a sentence where that is known.
    """
    told = [*_of_deeds(entries, actor, live, changed), *_of_runs(runs, entries)]
    return sorted(told, key=lambda one: one.at, reverse=True)


def _of_deeds(entries: Sequence[AuditEntry], actor: Actor, live: str, changed: str | None) -> Iterator[Notice]:
    heard = [one for one in entries if not (one.actor == actor.name and one.action in _OWN_ARE_KNOWN)]
    latest = next((one.id for one in entries if one.action == Action.PUBLISH), 0)
    removed = {one.subject for one in entries if one.action == Action.EDIT_SETS and _says(one.after, "removed")}
    for entry in heard:
        notice = None
        if entry.action == Action.PUBLISH:
            notice = _published(entry, changed if entry.id == latest and entry.after == live else None)
        elif entry.action == Action.EDIT_SETS and entry.subject not in removed:
            notice = _set(entry)
        elif entry.action in (Action.SEND_TO_REVIEW, Action.RUN_CAMPAIGNS) and actor.may(Action.JUDGE):
            notice = _campaign(entry, actor)
        if notice is not None:
            yield notice
    if actor.may(Action.EDIT_DRAFTS):
        approved = [one for one in heard if one.action == Action.EDIT_DRAFTS and _is_approval(one)]
        for _, together in groupby(approved, key=lambda one: (one.actor, one.at.date())):
            yield _approved(list(together), actor)


def _published(entry: AuditEntry, changed: str | None) -> Notice | None:
    if not isinstance(entry.after, str) or entry.before == entry.after:
        return None
    label = Manifest(entry.after).label
    if isinstance(entry.before, str) and Manifest(entry.before).number > Manifest(entry.after).number:
        text = f"{label} is live again, in place of {Manifest(entry.before).label.lower()}"
    else:
        text = f"{label} is live"
    page, query = "model", {}
    if changed:
        text = f"{text}: {changed[0].lower()}{changed[1:].rstrip('.')}"
        if isinstance(entry.before, str):
            page, query = (
                "compare",
                {"before": side_address(entry.before, SERVED), "after": side_address(entry.after, SERVED)},
            )
    return Notice(text, entry.at, page, query, entry.id)


def _set(entry: AuditEntry) -> Notice | None:
    """A set that somebody keeps from now on: everybody sees it."""
    if entry.before is not None or not isinstance(entry.after, dict):
        return None
    what = "a search" if entry.after.get("search") else plural(int(entry.after.get("products", 0)), "product")
    text = f"{entry.actor} saved the set “{entry.after.get('name', '')}”: {what}"
    query = {} if entry.after.get("search") else {"show": f"set:{entry.subject}"}
    return Notice(_short(text), entry.at, "similar_items" if query else "sets", query, entry.id)


def _campaign(entry: AuditEntry, actor: Actor) -> Notice | None:
    """Something to judge, for those who may; who asked for it, for those who may know what people do."""
    if entry.after == "ended":
        return Notice(_short(f"The campaign “{entry.subject}” has ended"), entry.at, "campaigns", {}, entry.id)
    if not isinstance(entry.after, dict) or "id" not in entry.after:
        return None
    number = plural(int(entry.after.get("products", 0)), "product")
    by = f"{entry.actor} sent" if actor.may(Action.SEE_AUDIT) else "There are"
    if entry.action == Action.SEND_TO_REVIEW:
        text = f"{by} {number} to review: “{entry.subject}”"
    else:
        text = f"A new campaign to judge: “{entry.subject}”, {number}"
    return Notice(_short(text), entry.at, "review", {"campaign": str(entry.after["id"])}, entry.id)


def _is_approval(entry: AuditEntry) -> bool:
    """Whether a draft is in the shop by this: it was approved, or added as approved."""
    if isinstance(entry.after, dict):
        return _says(entry.after, "state", "approved") and not _says(entry.before, "state", "approved")
    return bool(entry.after == "approved")


def _approved(entries: Sequence[AuditEntry], actor: Actor) -> Notice:
    number, first = len(entries), entries[0]
    drafts, them = plural(number, "draft"), "it is" if number == 1 else "they are"
    said = f"{first.actor} approved {drafts}" if actor.may(Action.SEE_AUDIT) else f"{drafts} {_were(number)} approved"
    query = {"view": "drafts"} | ({"draft": first.subject} if number == 1 else {})
    return Notice(_short(f"{said}: {them} in the shop now"), first.at, "new_product", query, first.id)


def _of_runs(runs: Iterable[RunStatus], entries: Sequence[AuditEntry]) -> Iterator[Notice]:
    published = {one.after for one in entries if one.action == Action.PUBLISH}
    for run in runs:
        if run.state == "running" or (run.state == "done" and run.release_id and run.release_id in published):
            continue  # that its release is live is said by itself
        yield Notice(_short(_run_words(run)), run.ended_at or run.started_at, "model", run_id=run.run_id)


def _run_words(run: RunStatus) -> str:
    name = KINDS.get(run.kind, run.kind)
    message = run.message.rstrip(".")
    if run.state != "done":
        return f"{name} {STATES[run.state]}" + ("" if run.state == "cancelled" or not message else f": {message}")
    if not run.release_id:
        return message or f"{name} done"
    decision = message.partition(": ")[2] or message  # `Release r0003: Not published: …`
    label = Manifest(run.release_id).label
    return f"{label} is trained" if decision.startswith(_PUBLISHED) else f"{label} is trained but not live. {decision}"


def _says(value: Any, name: str, wanted: Any = True) -> bool:
    return isinstance(value, dict) and bool(value.get(name) == wanted)


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip()}…"
