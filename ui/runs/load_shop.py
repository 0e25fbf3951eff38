"""Loading a shop in the browser: files, columns (guessed, correctable), and the run that reads them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from engine.access.roles import Action
from engine.core.errors import InputError, JobError, NotAllowedError
from engine.ingest.presets import available_presets
from engine.ingest.preview import Preview, preview, preview_children
from engine.jobs import cancel_run, run_status, start_run
from engine.untrusted.bounded import BoundedChildren
from ui.app import notices
from ui.app.person import only
from ui.app.resources import workspace
from ui.runs.field_names import TABLES
from ui.runs.load_checks import ask, draw_warnings
from ui.runs.load_columns import Choices, draw_columns, mapping_of
from ui.runs.load_files import OPTIONS, folder, forget_files, uploaded_files
from ui.widgets.formatting import plain

__all__ = ["load_shop"]

NO_PRESET = "none"
STOPS = {"demo": "Stop the demo shop, and load", "train": "Stop the training, and load"}
_STATE = "load_state"


def load_shop(running: str | None = None) -> None:
    """The three steps; the third starts a run that loads the files, instead of the run that is `running`, if one is."""
    if closed := only(Action.LOAD_SHOP):
        st.info(closed["help"], icon=":material/lock:")
        return
    _children()  # is ready by the time that the first file has arrived
    st.markdown("**1. Your files**")
    files = uploaded_files()
    st.caption(
        "CSV, Excel, JSON, XML or Parquet, several files for one table too; up to 200 MB each. "
        "Exports of common shop systems are recognised. For larger files use `python -m engine ingest`."
    )
    tables = {role: files[role] for role in TABLES if role in files}
    if not tables:
        return
    choices, answers = _state(files)
    st.markdown("**2. What they hold**")
    try:
        checked, mapping = _columns(files, choices, answers)
    except InputError as exc:
        st.error(plain(exc), icon=":material/error:")
        if choices or answers:
            st.button("Undo my corrections", on_click=_undo)
        return
    st.markdown("**3. Load**")
    if "interactions" not in files:
        st.info(
            "Now add what shoppers did: a file of clicks, orders or ratings that names these products.",
            icon=":material/info:",
        )
        return
    _load(files, checked, mapping, running)


def _columns(
    files: Mapping[str, list[Path]], choices: Choices, answers: dict[str, str]
) -> tuple[Preview, dict[str, str]]:
    """Draw what the files are read as; returns that, and the corrections as a mapping."""
    preset = st.session_state.get("load_preset")
    guessed = _preview(files, preset, {})
    mapping = mapping_of(choices, guessed) | answers
    checked = _preview(files, preset, mapping)
    # An answer closes its question, which stays on the page all the same.
    asked = {question.key: question for question in (*guessed.questions, *checked.questions)}
    _recognised(checked, preset)
    ask(tuple(asked.values()), answers)
    draw_warnings(checked.warnings, choices)
    for table in checked.tables.values():
        draw_columns(table, choices, with_products="items" in files)
    return checked, mapping


def _recognised(checked: Preview, preset: str | None) -> None:
    """What the files look like, and the menu to say otherwise."""
    presets = {one.name: one.title for one in available_presets()}
    if preset is None and checked.recognised:
        for role, what in checked.recognised.items():
            st.success(f"{TABLES[role]}: this looks like {plain(what)}.", icon=":material/check_circle:")
    with st.popover("Not right?" if checked.recognised else "Say where your files come from", type="tertiary"):
        st.selectbox(
            "Your files come from",
            [None, *presets, NO_PRESET],
            format_func=lambda name: (
                "What they look like" if name is None else presets.get(name, "Something else: go by the columns' names")
            ),
            key="load_preset",
        )


def _load(files: Mapping[str, list[Path]], checked: Preview, mapping: dict[str, str], running: str | None) -> None:
    """The last step; closed while a column that is needed has no name, or a question no answer."""
    name = st.text_input("Shop name", key="load_name", placeholder="My shop", max_chars=80)
    strict = st.checkbox("Reject the whole load if any row is invalid", key="load_strict")
    missing = any(table.missing for table in checked.tables.values())
    unanswered = checked.questions
    st.button(
        STOPS.get(run_status(workspace(), running).kind, "Stop what is running, and load") if running else "Load",
        type="primary",
        on_click=_start,
        args=(_arguments(files, mapping, name.strip(), strict), running),
        disabled=missing or bool(unanswered),
    )
    if missing:
        st.caption("Choose the missing columns above first.")
    elif unanswered:
        st.caption("Answer the question above first." if len(unanswered) == 1 else "Answer the questions above first.")
    else:
        st.caption(
            "Your current shop is replaced only if the new files load without an error. "
            "Rows that cannot be used are left out and listed in the report."
        )


def _state(files: Mapping[str, list[Path]]) -> tuple[Choices, dict[str, str]]:
    """The person's choices and answers about these files; other files begin anew."""
    about = [str(path) for role in TABLES for path in files.get(role, [])]
    state = st.session_state.get(_STATE)
    if state is None or state["about"] != about:
        state = st.session_state[_STATE] = {"about": about, "choices": {}, "answers": {}}
    return state["choices"], state["answers"]


def _undo() -> None:
    """Callback."""
    st.session_state.pop(_STATE, None)


def _preview(files: Mapping[str, list[Path]], preset: str | None, mapping: Mapping[str, str]) -> Preview:
    """The preview of these very files, made once. Raises `InputError`."""
    given = tuple((role, tuple(map(str, paths))) for role, paths in files.items())
    seen = _cached_preview(given, preset, tuple(sorted(mapping.items())), folder() / "samples")
    if isinstance(seen, InputError):
        raise seen
    return seen


@st.cache_data(show_spinner="Reading the first rows…", max_entries=64, ttl=600)
def _cached_preview(
    files: tuple[tuple[str, tuple[str, ...]], ...],
    preset: str | None,
    mapping: tuple[tuple[str, str], ...],
    _kept: Path,
) -> Preview | InputError:
    """A refusal is kept too: a file that took too long to read would be read again with every click."""
    paths = {role: [Path(path) for path in given] for role, given in files}
    try:
        return preview(paths, preset, dict(mapping), kept=_kept, children=_children())
    except InputError as exc:
        return InputError(str(exc))


@st.cache_resource(show_spinner=False, max_entries=1, on_release=BoundedChildren.close)
def _children() -> BoundedChildren:
    """The child processes that read previews, for all sessions."""
    children = preview_children(most=2)
    threading.Thread(target=children.warm, name="a child for previews", daemon=True).start()
    return children


def _start(arguments: list[str], running: str | None) -> None:
    """Callback: start the run, and have the uploaders empty when it is over."""
    try:
        if running is not None:
            cancel_run(workspace(), running)
        start_run(workspace(), "ingest", arguments=arguments, discard=folder())
    except (JobError, NotAllowedError) as exc:
        notices.say(plain(exc), ":material/info:")
        return
    forget_files()
    st.session_state.pop(_STATE, None)


def _arguments(files: Mapping[str, list[Path]], mapping: Mapping[str, str], name: str, strict: bool) -> list[str]:
    """What `python -m engine ingest` is called with."""
    arguments: list[str] = []
    for role, option in OPTIONS.items():
        if role in files:
            arguments += [option, *(str(path.absolute()) for path in files[role])]
    if preset := st.session_state.get("load_preset"):
        arguments += ["--preset", preset]
    for field, column in mapping.items():
        arguments += ["--map", f"{field}={column}"]
    if name:
        arguments += ["--name", name]
    if strict:
        arguments.append("--strict")
    return arguments
