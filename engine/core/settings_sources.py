"""The sources that settings are read from, for pydantic-settings: a TOML file, and texts from variables or --set."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, TomlConfigSettingsSource

from engine.core.errors import SettingsError
from engine.core.reading import read_bounded

__all__ = ["TextSource", "checked_names", "explain", "toml_source"]


# Settings whose value stands in no message.
SECRETS = ("auth.header_secret", "metrics.token")


MOST_TOML = 1 << 20  # bytes


class TextSource(EnvSettingsSource):
    """Settings as text, by name: `{"longtail_als__factors": "128"}`; lists and tables are JSON.

    Parameters
    ----------
    model : the settings to fill.
    texts : every variable; those without the prefix or of no known setting are passed over.
    prefix, delimiter : how a name is made: prefix, group, delimiter, setting.
    """

    def __init__(
        self, model: type[BaseSettings], texts: Mapping[str, str], *, prefix: str = "", delimiter: str
    ) -> None:
        super().__init__(model, case_sensitive=True, env_prefix=prefix, env_nested_delimiter=delimiter)
        self.env_vars = texts

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """The list or table in a JSON text. Raises `SettingsError` where it is not JSON."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError as exc:
            raise SettingsError(
                f'{field_name}: {value!r} is not valid JSON. Write a list as ["a", "b"] and a table as {{"view": 2}}.'
            ) from exc


class _TomlSource(TomlConfigSettingsSource):
    """A TOML file, which editors on Windows begin with a mark of its encoding."""

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        return tomllib.loads(read_bounded(file_path, MOST_TOML).decode("utf-8-sig"))


def toml_source(model: type[BaseSettings], file: Path | None) -> TomlConfigSettingsSource:
    """The settings in a file; none where there is no file. Raises `SettingsError` naming the file."""
    try:
        # pydantic-settings would pass over what is no file, and the defaults would hold
        if file is not None and os.path.lexists(file) and not file.is_file():
            what = "a folder" if file.is_dir() else "no file"
            raise SettingsError(f"{file}: it is {what}. Write the settings to a file of this name, or move it away.")
        source = _TomlSource(model, toml_file=file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise SettingsError(f"{file}: not valid TOML ({exc}). Fix the file, save it as UTF-8, or remove it.") from exc
    except OSError as exc:
        raise SettingsError(
            f"{file}: it cannot be read ({exc.strerror}). Let the user that runs Longtail read it."
        ) from exc
    for name, value in source().items():
        if _is_group(model, name) and not isinstance(value, dict):
            raise SettingsError(f"{file}: {name} is a group of settings, not a value. Write [{name}] and its settings.")
    return source


def checked_names(model: type[BaseSettings], texts: Mapping[str, str]) -> Mapping[str, str]:
    """`texts` as they are. Raises `SettingsError` for a name of no setting, which `TextSource` would pass over."""
    for name in texts:
        first, _, rest = name.partition(".")
        if first not in model.model_fields:
            raise SettingsError(_no_such_setting(first))
        if rest and not _is_group(model, first):
            raise SettingsError(f"{name}: {first} is a value, not a group of settings.")
    return texts


def explain(exc: ValidationError) -> str:
    """One line for each problem: the setting, its value and what is allowed."""
    problems = []
    for error in exc.errors():
        name = ".".join(str(part) for part in error["loc"])
        if error["type"] == "extra_forbidden":
            problems.append(_no_such_setting(name))
        else:
            value = "(not shown)" if name in SECRETS else repr(error["input"])
            problems.append(f"{name} = {value}: {error['msg'][0].lower()}{error['msg'][1:]}.")
    return "\n".join(problems)


def _is_group(model: type[BaseSettings], name: str) -> bool:
    field = model.model_fields.get(name)
    return field is not None and isinstance(field.default, BaseModel)


def _no_such_setting(name: str) -> str:
    return f"{name}: there is no such setting. `python -m engine settings` lists them."
