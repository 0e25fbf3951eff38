"""Before there is anything to show: building the demo shop, or the first training of a shop, step by step."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import streamlit as st

from engine.core.errors import JobError, JobRunningError
from engine.core.workspace import Workspace
from engine.jobs import Kind, RunStatus, active_run, list_runs, run_status, start_run
from engine.release.publish import outdated_release
from ui.app.navigation import link_to
from ui.app.resources import has_release, has_shop, workspace
from ui.runs.run_view import steps_html
from ui.widgets.addresses import thumb_url
from ui.widgets.formatting import duration_phrase, plain

__all__ = ["newest_pictures", "show_first_run"]

REFRESH_SECONDS = 2.0
"""Every redraw takes time from the drawing of dresses, which shares the machine."""
PICTURES = 12
TITLES = {
    "demo": (
        "Building the demo shop",
        "Longtail draws a dress shop and trains on it from scratch. This happens only once.",
    ),
    "train": (
        "Training on your shop",
        "Longtail learns which products belong together. You only wait this once; later training runs in the background.",
    ),
    "ingest": (
        "Loading your shop",
        "Longtail reads and checks your files, then learns which products belong together.",
    ),
}


def show_first_run() -> None:
    """Follow the run that makes the first release; start it where nobody has."""
    run_id = active_run(workspace()) or _start_unless_tried()
    if run_id is None:
        runs = list_runs(workspace())
        _offer(runs[0] if runs else None)
    else:
        _follow(run_id)
    link_to("data", "Load your own shop instead", ":material/upload_file:")


def newest_pictures(workspace: Workspace, count: int = PICTURES) -> list[str]:
    """Content hashes of the thumbnails made last, newest first."""
    newest = heapq.nlargest(count, _thumbnails(workspace.thumbnails, count))
    return [name for _, name in newest]


@st.fragment(run_every=REFRESH_SECONDS)
def _follow(run_id: str) -> None:
    status = run_status(workspace(), run_id)
    if has_release() or status.state != "running":
        st.rerun()
    title, text = TITLES[status.kind]
    step = status.current_step
    if status.seconds_left is not None:
        label, done = f"About {duration_phrase(status.seconds_left)} left", status.done
    else:  # nothing like it ran before: how long the whole takes is not known
        label, done = (step.name, step.done) if step else ("Starting…", 0.0)
    st.title(title)
    st.caption(text)
    st.progress(min(max(done, 0.0), 1.0), text=label)
    steps, pictures = st.columns([2, 3], gap="large")
    steps.html(steps_html(status))
    if status.kind == "demo":
        pictures.html(_pictures_html(newest_pictures(workspace())))


def _offer(last: RunStatus | None) -> None:
    """Nothing is running: say what happened to the last run, and offer the next."""
    kind: Kind = "train" if has_shop() else "demo"
    outdated = outdated_release(workspace())
    st.title("Train again" if outdated else "Almost there" if has_shop() else "No shop yet")
    if outdated:
        st.info(plain(outdated), icon=":material/update:")
    if last is not None and last.state in ("failed", "lost", "cancelled"):
        st.error(last.message or "The run stopped unexpectedly.", icon=":material/error:")
        st.html(steps_html(last))
    elif not outdated:
        st.write(
            "Your shop is loaded. Longtail has not been trained on it yet."
            if has_shop()
            else "There is nothing to show yet."
        )
    label = "Train on this shop" if has_shop() else "Build the demo shop"
    st.button(
        label if last is None or last.state == "done" else f"{label} again",
        type="primary",
        on_click=_start_again,
        args=(kind,),
    )


def _start_unless_tried() -> str | None:
    """Start the first run of an empty workspace. One that was tried and ended badly is not tried again unasked."""
    return None if has_shop() or list_runs(workspace()) else _start("demo")


def _start_again(kind: Kind) -> None:
    """Callback."""
    _start(kind)


def _start(kind: Kind) -> str | None:
    """The id of the run, be it one that somebody else has just started; None where it cannot start, which is said."""
    try:
        return start_run(workspace(), kind)
    except JobRunningError:
        return active_run(workspace())
    except JobError as exc:
        st.error(plain(exc))
        return None


def _pictures_html(images: list[str]) -> str:
    pictures = "".join(f'<img src="{thumb_url(image)}" alt="">' for image in images)
    return f'<div class="lt-drawn">{pictures}</div>'


def _thumbnails(folder: Path, folders: int) -> Iterator[tuple[int, str]]:
    """Time and name of the thumbnails in the subfolders that changed last; as many pictures cannot lie in more."""
    changed = heapq.nlargest(folders, ((path.stat().st_mtime_ns, path) for path in folder.glob("??")))
    for _, subfolder in changed:
        for file in subfolder.glob("*.jpg"):
            if not file.name.startswith("."):
                with suppress(FileNotFoundError):
                    yield file.stat().st_mtime_ns, file.stem
