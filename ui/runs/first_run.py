"""Before there is anything to show: the choice between the demo shop and one's own, and the run that makes the first release."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import streamlit as st

from engine.access.roles import Action
from engine.core.workspace import Workspace
from engine.jobs import RunStatus, active_run, list_runs, run_status
from engine.release.publish import outdated_release
from ui.app.navigation import link_to, open_page
from ui.app.person import only
from ui.app.resources import has_release, has_shop, workspace
from ui.runs.run_view import draw_run, start, steps_html
from ui.runs.shop_summary import draw_next_step, draw_summary, shop_counts
from ui.widgets.addresses import thumb_url
from ui.widgets.formatting import plain

__all__ = ["newest_pictures", "show_first_run"]

NARROWEST = 300  # px of a way to begin
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
    "ingest": ("Loading your shop", "Longtail reads and checks your files. Then you see what it found."),
}


def show_first_run() -> None:
    """Follow the run that makes the first release; where none is at work, say what can be done. Nothing starts unasked."""
    run_id = active_run(workspace())
    if run_id is not None:
        _follow(run_id)
        if (kind := run_status(workspace(), run_id).kind) != "ingest":
            own = "your own shop" if kind == "demo" else "other files"
            link_to("data", f"Load {own} instead", ":material/upload_file:")
    elif has_shop():
        _offer_training(_last_run())
    else:
        _choose(_last_run())


def newest_pictures(workspace: Workspace, count: int = PICTURES) -> list[str]:
    """Content hashes of the thumbnails made last, newest first."""
    newest = heapq.nlargest(count, _thumbnails(workspace.thumbnails, count))
    return [name for _, name in newest]


def _last_run() -> RunStatus | None:
    runs = list_runs(workspace())
    return runs[0] if runs else None


@st.fragment(run_every=REFRESH_SECONDS)
def _follow(run_id: str) -> None:
    status = run_status(workspace(), run_id)
    if has_release() or status.state != "running":
        st.rerun()
    title, text = TITLES[status.kind]
    st.title(title)
    st.caption(text)
    if status.kind != "demo":
        draw_run(status)
        return
    steps, pictures = st.columns([2, 3], gap="large")
    with steps:
        draw_run(status)
    pictures.html(_pictures_html(newest_pictures(workspace())))


def _choose(last: RunStatus | None) -> None:
    """An empty workspace: two ways to begin, neither before the other."""
    st.title("Welcome to Longtail")
    st.write("Better similar items, also for products that hardly anybody has bought yet. How do you want to begin?")
    tried = _say_what_went_wrong(last)
    grid = st.grid(2, min_column_width=NARROWEST)
    with grid.cell().container(border=True, height="stretch"):
        st.subheader("Try the demo shop")
        st.write(
            "2,000 drawn dresses and a year of made-up shoppers. You can look around everywhere; it takes about two minutes."
        )
        again = " again" if tried and last is not None and last.kind == "demo" else ""
        st.button(
            f"Try the demo shop{again}", type="primary", width="stretch", on_click=start, args=("demo",),
            **only(Action.LOAD_SHOP),
        )  # fmt: skip
    with grid.cell().container(border=True, height="stretch"):
        st.subheader("Load your own")
        st.write(
            "Your products, and what shoppers clicked, ordered or rated: an export of your shop system, or CSV, Excel or JSON files. Pictures too."
        )
        if st.button("Load your own shop", type="primary", width="stretch", **only(Action.LOAD_SHOP)):
            open_page("data")


def _offer_training(last: RunStatus | None) -> None:
    """A shop without a release: what it holds, and the training that is missing."""
    outdated = outdated_release(workspace())
    st.title("Train again" if outdated else "Your shop is loaded")
    if outdated:
        st.info(plain(outdated), icon=":material/update:")
    _say_what_went_wrong(last)
    counts = shop_counts()
    if counts is not None:
        draw_summary(counts.summary)
    draw_next_step()


def _say_what_went_wrong(last: RunStatus | None) -> bool:
    """The last run's error and steps, if it ended badly."""
    if last is None or last.state not in ("failed", "lost", "cancelled"):
        return False
    if last.state == "cancelled":
        st.info(f"{TITLES[last.kind][0] if last.kind in TITLES else 'The run'} was cancelled.", icon=":material/info:")
        return True
    st.error(plain(last.message or "The run stopped unexpectedly."), icon=":material/error:")
    st.html(steps_html(last))
    return True


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
