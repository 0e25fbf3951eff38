"""Loading a shop in the browser: files, columns (guessed, correctable), and the run that reads them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from engine.core.errors import InputError, JobError
from engine.ingest.columns import EVENT_FIELDS, ITEM_FIELDS
from engine.ingest.presets import Preset, available_presets
from engine.ingest.preview import TablePreview, preview, preview_children
from engine.jobs import cancel_run, start_run, upload_folder
from engine.untrusted.bounded import BoundedChildren
from ui.app import notices
from ui.app.resources import workspace
from ui.widgets.formatting import plain

__all__ = ["load_shop"]

FIELDS = {"items": ITEM_FIELDS, "interactions": EVENT_FIELDS}
TABLES = {"items": "Products", "interactions": "Clicks, orders or ratings"}
FIELD_NAMES = {
    "item_id": "Product ID",
    "user_id": "Shopper ID",
    "title": "Title",
    "description": "Description",
    "brand": "Brand",
    "category": "Category",
    "price": "Price",
    "image": "Picture",
    "event": "Kind of event",
    "rating": "Rating",
    "quantity": "Quantity",
    "value": "Value",
    "timestamp": "Time",
}
KIND_NAMES = {"category": "single choice", "number": "number", "text": "text", "multi": "multiple choice"}
TYPES = ["csv", "gz", "parquet", "jsonl", "json", "ndjson", "txt", "tsv"]
NO_COLUMN = "(none)"
OPTIONS = {"items": "--items", "interactions": "--interactions", "images": "--images"}
_FOLDER, _SAVED = "load_folder", "load_saved"


def load_shop(running: str | None = None) -> None:
    """The three steps; the third starts a run that loads the files, instead of the run that is `running`, if one is."""
    preset = _preset()
    files = _files(_uploads())
    if "interactions" not in files:
        st.caption(
            "CSV (or .csv.gz), Parquet or JSON Lines, up to 200 MB per file. For larger files use `python -m engine ingest`."
        )
        return
    st.markdown("**2. Columns**")
    try:
        mapping = _columns(files, preset)
    except InputError as exc:
        st.error(plain(exc), icon=":material/error:")
        return
    _load(files, preset, mapping, running)


def _preset() -> Preset | None:
    """The known data set that the files are; None for files of one's own."""
    presets = {preset.name: preset for preset in available_presets()}
    st.markdown("**1. Files**")
    chosen = st.selectbox(
        "What kind of data do you have?",
        [None, *presets],
        format_func=lambda name: presets[name].title if name else "My own files",
        key="load_preset",
    )
    if not chosen:
        return None
    st.caption(presets[chosen].description)
    return presets[chosen]


def _load(
    files: Mapping[str, Path], preset: Preset | None, mapping: Mapping[str, str] | None, running: str | None
) -> None:
    """The last step; `mapping` is None while a column that is needed has no name."""
    st.markdown("**3. Load**")
    name = st.text_input("Shop name", key="load_name", placeholder="My shop", max_chars=80)
    strict = st.checkbox("Reject the whole load if any row is invalid", key="load_strict")
    st.button(
        "Load" if running is None else "Stop what is running, and load",
        type="primary",
        on_click=_start,
        args=(_arguments(files, preset.name if preset else None, mapping or {}, name.strip(), strict), running),
        disabled=mapping is None,
    )
    st.caption(
        "Your current shop is replaced only if the new files load without an error. "
        "Rows that cannot be used are left out and listed in the report."
    )


def _uploads() -> dict[str, UploadedFile]:
    columns = st.columns(3)
    labels = {
        "items": ("Products (optional)", TYPES, "Without this file, products are taken from the events."),
        "interactions": ("Clicks, orders or ratings", TYPES, "Each row needs a shopper and a product."),
        "images": (
            "Pictures (optional, as a zip)",
            ["zip"],
            "Name each picture after its product ID, or give its file name in a column of the products.",
        ),
    }
    uploads = {
        role: column.file_uploader(label, type=types, help=text, key=f"load_{role}")
        for column, (role, (label, types, text)) in zip(columns, labels.items(), strict=True)
    }
    return {role: upload for role, upload in uploads.items() if upload is not None}


def _files(uploads: Mapping[str, UploadedFile]) -> dict[str, Path]:
    """The uploads as files on disk, written once each; where one was taken away its file goes too."""
    saved: dict[str, tuple[str, Path]] = st.session_state.setdefault(_SAVED, {})
    for role in [
        role for role, (file_id, _) in saved.items() if role not in uploads or uploads[role].file_id != file_id
    ]:
        saved.pop(role)[1].unlink(missing_ok=True)
    for role, upload in uploads.items():
        if role not in saved:
            path = _folder() / role / Path(upload.name).name
            path.parent.mkdir(exist_ok=True)
            with path.open("wb") as stream:
                shutil.copyfileobj(upload, stream)
            saved[role] = (upload.file_id, path)
    return {role: path for role, (_, path) in saved.items()}


def _folder() -> Path:
    folder: Path | None = st.session_state.get(_FOLDER)
    if folder is None or not folder.is_dir():
        folder = st.session_state[_FOLDER] = upload_folder(workspace())
    return folder


def _columns(files: Mapping[str, Path], preset: Preset | None) -> dict[str, str] | None:
    """What each column is taken for, with a menu per field; the corrections, or None while a needed one is missing."""
    tables = {role: files[role] for role in TABLES if role in files}
    name = preset.name if preset else None
    guessed = _preview(tables, name, {})
    mapping: dict[str, str] = {}
    for role, table in guessed.items():
        with st.expander(f"{TABLES[role]}: {table.file}", expanded=bool(table.missing) or preset is None):
            mapping |= _fields(role, table)
    checked = _preview(tables, name, mapping) if mapping else guessed
    for role, table in checked.items():
        _checked(role, table)
    return None if any(table.missing for table in checked.values()) else mapping


def _preview(files: Mapping[str, Path], preset: str | None, mapping: Mapping[str, str]) -> dict[str, TablePreview]:
    with st.spinner("Reading the first rows…"):
        return preview(files, preset, mapping, kept=_folder() / "samples", children=_children())


@st.cache_resource(show_spinner=False, max_entries=1, on_release=BoundedChildren.close)
def _children() -> BoundedChildren:
    """The child processes that read previews, for all sessions."""
    return preview_children(most=2)


def _checked(role: str, table: TablePreview) -> None:
    """What a table is read as: its attributes, what is left out, its first rows, and what is still missing."""
    if kinds := {column.name: column.kind for column in table.columns if column.kind}:
        st.caption("Read as attributes: " + ", ".join(f"{col} ({KIND_NAMES.get(k, k)})" for col, k in kinds.items()))
    for column in table.columns:
        if column.note:
            st.caption(f"Left out: {plain(column.name)}. {plain(column.note)}")
    shown = {column.name: [", ".join(column.samples)] for column in table.columns}
    st.dataframe(shown, hide_index=True, width="stretch")
    for field in table.missing:
        st.warning(f"{TABLES[role]}: which column holds the {_lower(FIELD_NAMES[field])}?", icon=":material/help:")


def _lower(name: str) -> str:
    """A field's name within a sentence: shopper ID, price."""
    return name[0].lower() + name[1:]


def _fields(role: str, table: TablePreview) -> dict[str, str]:
    """A menu per field; only what differs from the guess is a correction."""
    taken = {column.field: column.name for column in table.columns if column.field}
    options = [NO_COLUMN, *(column.name for column in table.columns)]
    corrections = {}
    fields = [field for field in FIELDS[role] if field in FIELD_NAMES and (role == "items" or field != "price")]
    places = st.columns(3)
    for place, field in enumerate(fields):
        guess = taken.get(field, NO_COLUMN)
        picked = places[place % 3].selectbox(
            FIELD_NAMES[field],
            options,
            index=options.index(guess) if guess in options else 0,
            key=f"load_{role}_{field}_{table.file}",
        )
        if picked != guess:
            corrections[f"{role}.{field}"] = "" if picked == NO_COLUMN else picked
    return corrections


def _start(arguments: list[str], running: str | None) -> None:
    """Callback: start the run, and have the uploaders empty when it is over."""
    try:
        if running is not None:
            cancel_run(workspace(), running)
        start_run(workspace(), "ingest", arguments=arguments, discard=st.session_state.get(_FOLDER))
    except JobError as exc:
        notices.say(plain(exc), ":material/info:")
        return
    st.session_state.pop(_FOLDER, None)
    st.session_state.pop(_SAVED, None)
    for role in OPTIONS:
        st.session_state.pop(f"load_{role}", None)


def _arguments(
    files: Mapping[str, Path], preset: str | None, mapping: Mapping[str, str], name: str, strict: bool
) -> list[str]:
    """What `python -m engine ingest` is called with."""
    arguments: list[str] = []
    for role, option in OPTIONS.items():
        if role in files:
            arguments += [option, str(files[role].absolute())]
    if preset:
        arguments += ["--preset", preset]
    for field, column in mapping.items():
        arguments += ["--map", f"{field}={column}"]
    if name:
        arguments += ["--name", name]
    if strict:
        arguments.append("--strict")
    return arguments
