"""Changing single settings in settings.toml: everything else in the file stays as it is, comments and order too."""

from __future__ import annotations

import stat
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from engine.access.audit import deed
from engine.access.roles import Action
from engine.core.errors import SettingsError
from engine.core.settings import Settings, describe_settings, load_settings, set_elsewhere
from engine.core.storage import atomic_file
from engine.core.workspace import Workspace

__all__ = ["change_setting", "is_written"]

_lock = threading.Lock()


def change_setting(workspace: Workspace, name: str, value: Any) -> None:
    """Set one setting, such as "serving.neighbours", or have it as it is by default (None).

    Raises `NotAllowedError`, and `SettingsError` naming the setting where there is none of this name, the value is not allowed, a
    variable of the environment sets it, or the file cannot be read; nothing is written then.
    """
    before = {line.name: line.value for line in describe_settings(load_settings(workspace.root))}
    if name not in before:
        raise SettingsError(f"There is no setting {name!r}.")
    if variable := set_elsewhere(name):
        raise SettingsError(f"{name} is set by the variable {variable}, which wins over the file. Change it there.")
    with _lock, deed(Action.EDIT_SETTINGS, name, workspace=workspace, before=before[name]) as done:
        text = _changed(_read(workspace.settings_file), name, value)
        done.after = {line.name: line.value for line in describe_settings(_checked(text))}[name]
        file = workspace.settings_file.resolve()
        with atomic_file(file, mode=stat.S_IMODE(file.stat().st_mode) if file.exists() else 0o600) as stream:
            stream.write(text.encode("utf-8"))


def is_written(workspace: Workspace, name: str) -> bool:
    """Whether settings.toml itself says something of a setting; one that has its default value may be written or not.

    Raises `SettingsError` where the file cannot be read.
    """
    group_name, _, key = name.rpartition(".")
    document = _parsed(_read(workspace.settings_file))
    group = document.get(group_name) if group_name else document
    return isinstance(group, Mapping) and key in group


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"settings.toml cannot be read ({exc}).") from exc


def _changed(text: str, name: str, value: Any) -> str:
    document = _parsed(text)
    group_name, _, key = name.rpartition(".")
    group: Any = document
    if group_name:
        if group_name not in document:
            document.add(group_name, tomlkit.table())
        group = document[group_name]
        if not isinstance(group, Table | dict):
            raise SettingsError(f"settings.toml: {group_name} is no group of settings. Correct it first.")
    if value is None:
        group.pop(key, None)
    else:
        group[key] = value
    return tomlkit.dumps(document)


def _parsed(text: str) -> TOMLDocument:
    try:
        return tomlkit.parse(text)
    except TOMLKitError as exc:
        raise SettingsError(f"settings.toml is no TOML ({exc}). Correct it first.") from exc


def _checked(text: str) -> Settings:
    """The settings of such a file; raises `SettingsError` where it holds one that is not allowed."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "settings.toml").write_text(text, "utf-8")
        return load_settings(Path(folder))
