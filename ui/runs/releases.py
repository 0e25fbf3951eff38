"""The releases there are: which one is live, publishing another, going back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

import streamlit as st

from engine.access.roles import Action
from engine.arms.registry import SERVED
from engine.core.errors import LongtailError
from engine.core.workspace import Workspace
from engine.curation.flags import flag_report, flag_sentence
from engine.recommend.listed_release import ListedRelease
from engine.recommend.recommender import Recommender
from engine.release.publish import Manifest, current_release_id, list_releases, publish, published_releases, rollback
from engine.serving.background_result import BackgroundResult
from engine.serving.what_changes import replaced_by
from ui.app import notices, resources
from ui.app.navigation import open_compare
from ui.app.person import only
from ui.app.second_thoughts import Question, ask
from ui.comparison.results import list_length
from ui.comparison.sides import side_address
from ui.runs.release_change import what_would_change
from ui.widgets.formatting import day_phrase, plain, plural

__all__ = ["ask_to_publish", "ask_to_roll_back", "draw_releases", "flags_since"]

WAIT_SECONDS = 0.2  # for a sentence at the foot of the page


def draw_releases() -> None:
    """Every release with a button to publish it, and one to roll back; nothing before the first training."""
    releases = list_releases(resources.workspace())
    if not releases:
        return
    st.subheader("Releases")
    live = resources.published_id() if resources.has_release() else None
    older = [manifest for manifest in releases if manifest.release_id != live and manifest.damage is None]
    for manifest in releases:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(_line(manifest, live))
            if manifest in older and live is not None:
                _compare_button(live, manifest.release_id)
            if manifest in older:
                _publish_button(manifest.release_id)
    before = [one for one in published_releases(resources.workspace()) if one != live]
    if live is not None and older and before:
        st.button(
            "Roll back",
            icon=":material/history:",
            on_click=_roll_back,
            args=(before[-1],),
            **only(Action.PUBLISH, help="Brings back the release that was live before this one."),
        )


def ask_to_publish() -> None:
    """Ask about the newest release that is not live; says so where there is none."""
    live = current_release_id(resources.workspace())
    whole = [one for one in list_releases(resources.workspace(), verify=False) if one.damage is None]
    other = next((one.release_id for one in whole if one.release_id != live), None)
    if other is None:
        notices.say("There is no other release to publish", ":material/info:")
    else:
        _publish(other)


def ask_to_roll_back() -> None:
    """Ask about the release that was live before; says so where there is none."""
    live = current_release_id(resources.workspace())
    before = [one for one in published_releases(resources.workspace()) if one != live]
    if before:
        _roll_back(before[-1])
    else:
        notices.say("There is no earlier release to go back to", ":material/info:")


def flags_since(release_id: str) -> str:
    """What became of the neighbours people ruled out since the release before this one; empty where nobody can say (yet)."""
    ruled_out, before = resources.served().suppressed_everywhere(), replaced_by(resources.workspace(), release_id)
    if not ruled_out or before is None:
        return ""
    root, stamp = str(resources.workspace().root), resources.judgements().last_id()
    return _flags(root, before, resources.recommender().edition, stamp, resources.recommender(), ruled_out).result


@st.cache_resource(show_spinner=False, max_entries=4)
def _flags(
    root: str, before: str, edition: str, judged: int, _now: Recommender, _ruled_out: Mapping[str, frozenset[str]]
) -> BackgroundResult[str]:
    k = list_length()

    def work() -> str:
        try:
            earlier = _earlier(root, before)
        except LongtailError:
            return ""  # gone or damaged: there is nothing to compare with
        return flag_sentence(flag_report(_ruled_out, earlier, _now, k=k), earlier.manifest.label, _now.manifest.label)

    return BackgroundResult("", work, wait=WAIT_SECONDS)


@st.cache_resource(show_spinner=False, max_entries=2)
def _earlier(root: str, release_id: str) -> ListedRelease:
    """For the threads of `_flags`, which look at it again after every judgement."""
    return ListedRelease.open(Workspace(Path(root)), release_id)


def _line(manifest: Manifest, live: str | None) -> str:
    if manifest.damage is not None:
        state = ":gray[outdated]" if manifest.outdated else ":red[damaged]"
        return f"**Release {manifest.number}** · {state} · {plain(manifest.damage)}"
    state = " · :green[live]" if manifest.release_id == live else ""
    when = day_phrase(datetime.fromisoformat(manifest.created_at))
    return f"**Release {manifest.number}**{state} · trained {when} · {plural(manifest.n_items, 'product')}"


def _compare_button(live: str, release_id: str) -> None:
    """A look at a release before it is published: its lists beside those that are live."""
    if st.button("Compare with live", key=f"compare_{release_id}", type="tertiary", icon=":material/compare:"):
        open_compare(side_address(live, SERVED), side_address(release_id, SERVED))


def _publish_button(release_id: str) -> None:
    st.button(
        "Publish",
        key=f"publish_{release_id}",
        on_click=_publish,
        args=(release_id,),
        **only(
            Action.PUBLISH,
            help="Makes this release live for everyone. The current one is kept, so you can switch back.",
        ),
    )


def _publish(release_id: str) -> None:
    """Callback: ask, and publish."""

    def act() -> None:
        publish(resources.workspace(), release_id)
        notices.say("Published", ":material/check:")

    title = f"Publish {Manifest(release_id).label}?"
    ask(Question(title, partial(_would_change, release_id), "Publish", act))


def _roll_back(release_id: str) -> None:
    """Callback: ask, and roll back."""

    def act() -> None:
        back = rollback(resources.workspace())
        notices.say(f"{Manifest(back).label} is live again", ":material/history:")

    title = f"Go back to {Manifest(release_id).label}?"
    ask(Question(title, partial(_would_change, release_id), "Roll back", act))


def _would_change(release_id: str) -> list[str]:
    """What everybody would see then; a release that cannot be opened says why."""
    try:
        said = what_would_change(release_id) if resources.has_release() else []
    except LongtailError as exc:
        return [str(exc)]
    return [*said, "Everyone will see it. The release that is live now is kept, so you can switch back."]
