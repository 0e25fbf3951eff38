"""The files of a shop that somebody loads in the browser: uploaded, and kept on disk until a run has read them."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from engine.jobs import upload_folder
from ui.app.fair_shares import tab_folders
from ui.app.resources import workspace
from ui.widgets.formatting import plain

__all__ = ["OPTIONS", "folder", "forget_files", "uploaded_files"]

OPTIONS = {"items": "--items", "interactions": "--interactions", "images": "--images"}
LABELS = {
    "items": ("Products", "Without this file, products are taken from the clicks, orders or ratings."),
    "interactions": ("Clicks, orders or ratings", "One row an event: who, and which product."),
    "images": (
        "Pictures, as a zip",
        "Named by product ID, or as a column of the products says. Pictures on the internet are not fetched here.",
    ),
}
NARROWEST = 260  # px: below it an uploader breaks its own words
_FOLDER, _SAVED, _TURN, _CARRIED = "load_folder", "load_saved", "load_turn", "load_carried"


def uploaded_files() -> dict[str, list[Path]]:
    """Role -> the files given for it, on disk; draws the uploaders."""
    turn = st.session_state.get(_TURN, 0)
    _carry_over(turn)
    carried: dict[str, list[Path]] = st.session_state.get(_CARRIED, {})
    uploads: dict[str, list[UploadedFile]] = {}
    grid = st.grid(len(LABELS), min_column_width=NARROWEST)
    for role, (label, text) in LABELS.items():
        cell = grid.cell()
        # Tables have many endings (.dat, .inter, ...); whatever is no table is refused with a sentence when it is read.
        given = cell.file_uploader(
            label,
            type="zip" if role == "images" else None,
            help=text,
            key=_key(role, turn),
            accept_multiple_files=role != "images",
        )
        if given:
            uploads[role] = given if isinstance(given, list) else [given]
            _delete(carried.pop(role, []))
        elif carried.get(role):
            with cell.container(horizontal=True, vertical_alignment="center"):
                st.caption(plain(", ".join(path.name for path in carried[role])))
                st.button("Remove", key=f"load_remove_{role}", type="tertiary", on_click=_remove, args=(role,))
    saved = _saved(uploads)
    return {role: files for role in LABELS if (files := saved.get(role) or carried.get(role))}


def folder() -> Path:
    """Where this session's uploads lie."""
    kept: Path | None = st.session_state.get(_FOLDER)
    if kept is None or not kept.is_dir():
        kept = st.session_state[_FOLDER] = upload_folder(workspace())
        tab_folders.keep(kept)
    return kept


def forget_files() -> None:
    """Start over with empty uploaders; the folder is the run's now."""
    if (kept := st.session_state.get(_FOLDER)) is not None:
        tab_folders.give_away(kept)
    for key in (_FOLDER, _SAVED, _CARRIED):
        st.session_state.pop(key, None)
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1


def _key(role: str, turn: int) -> str:
    return f"load_{role}_{turn}"


def _remove(role: str) -> None:
    """Callback: files that were carried over are given no longer."""
    _delete(st.session_state[_CARRIED].pop(role, []))


def _delete(files: list[Path]) -> None:
    for path in files:
        path.unlink(missing_ok=True)


def _carry_over(turn: int) -> None:
    """Somebody who looked at another page finds the uploaders empty, but their files are still on disk: they stay given."""
    saved: dict[str, Path] = st.session_state.get(_SAVED, {})
    if saved and not any(_key(role, turn) in st.session_state for role in LABELS):
        carried: dict[str, list[Path]] = st.session_state.setdefault(_CARRIED, {})
        for path in saved.values():
            carried.setdefault(path.parent.parent.name, []).append(path)
        saved.clear()


def _saved(uploads: Mapping[str, list[UploadedFile]]) -> dict[str, list[Path]]:
    """The uploads as files, written once each; where one was taken away its file goes too."""
    saved: dict[str, Path] = st.session_state.setdefault(_SAVED, {})
    wanted = {upload.file_id for given in uploads.values() for upload in given}
    for file_id in [file_id for file_id in saved if file_id not in wanted]:
        saved.pop(file_id).unlink(missing_ok=True)
    return {role: [_written(role, upload, saved) for upload in given] for role, given in uploads.items()}


def _written(role: str, upload: UploadedFile, saved: dict[str, Path]) -> Path:
    if upload.file_id not in saved:
        # Two files may have the same name; each keeps it in a folder of its own.
        path = folder() / role / secrets.token_hex(4) / Path(upload.name).name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            shutil.copyfileobj(upload, stream)
        saved[upload.file_id] = path
    return saved[upload.file_id]
