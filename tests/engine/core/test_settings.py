from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from engine.core.errors import SettingsError
from engine.core.settings import Settings, describe_settings, load_settings, workspace_path


def test_without_any_source_the_defaults_hold(tmp_path: Path) -> None:
    assert load_settings(tmp_path, environment={}) == Settings()


def test_later_sources_win(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("seed = 1\n[als]\nfactors = 8\niterations = 3\nalpha = 2.0\n")
    environment = {"LONGTAIL_ALS__ITERATIONS": "4", "LONGTAIL_ALS__ALPHA": "3", "LONGTAIL_WORKSPACE": "w", "HOME": "/"}
    settings = load_settings(tmp_path, {"als.alpha": "4"}, environment)
    assert (settings.seed, settings.als.factors, settings.als.iterations, settings.als.alpha) == (1, 8, 4, 4.0)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("evaluation.enabled", "false", False),
        ("predictor.half_known", "none", None),
        ("interactions.half_life_days", "null", None),
        ("interactions.event_weights", '{"view": 2}', {"view": 2.0}),
        ("image.weights", "/models/net.safetensors", Path("/models/net.safetensors")),
        ("text.model", "none", "none"),
        ("database_url", "", None),
    ],
)
def test_text_becomes_the_type_that_the_setting_asks_for(name: str, text: str, value: object) -> None:
    setting: object = load_settings(None, {name: text}, {})
    for part in name.split("."):
        setting = getattr(setting, part)
    assert setting == value


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("als.factors", "many", "als.factors = 'many'"),
        ("als.factors", "1", "greater than or equal to 2"),
        ("als.alpha", "nan", "als.alpha"),
        ("als.colour", "red", "als.colour: there is no such setting"),
        ("colour", "red", "colour: there is no such setting"),
        ("seed.x", "1", "seed.x: seed is a value, not a group"),
        ("interactions.event_weights", "{view: 2", "event_weights: '{view: 2' is not valid JSON"),
        ("auth.admins", "Anna", "admins: 'Anna' is not valid JSON"),
        ("als.factors.x", "1", "als.factors"),
        ("als", "3", "als"),
        ("image.kind", "magic", "image.kind = 'magic'"),
    ],
)
def test_a_bad_setting_is_named_with_its_value(name: str, text: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(None, {name: text}, {})
    assert words in str(caught.value)


def test_a_group_cannot_be_set_below_a_value(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("als = 3\n")
    with pytest.raises(SettingsError, match="als"):
        load_settings(tmp_path, {"als.factors": "8"}, {})


def test_a_table_is_merged_source_by_source(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("[interactions.event_weights]\nview = 1.0\nwishlist = 2.0\n")
    settings = load_settings(tmp_path, environment={"LONGTAIL_INTERACTIONS__EVENT_WEIGHTS__VIEW": "4"})
    assert settings.interactions.event_weights == {"view": 4.0, "wishlist": 2.0}


def test_settings_made_without_sources_read_no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGTAIL_SEED", "5")
    monkeypatch.setenv("SEED", "6")
    assert Settings().seed == 0
    assert Settings.model_validate({"als": {"factors": 8}}).seed == 0
    assert load_settings(None).seed == 5


def test_a_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"settings\.toml"):
        load_settings(tmp_path, environment={})


def test_settings_cannot_be_changed_after_they_were_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().als.factors = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("argument", "environment", "expected"),
    [("a", {"LONGTAIL_WORKSPACE": "b"}, "a"), (None, {"LONGTAIL_WORKSPACE": "b"}, "b"), (None, {}, "workspace")],
)
def test_the_workspace_is_the_argument_or_the_variable_or_the_default(
    argument: str | None, environment: dict[str, str], expected: str
) -> None:
    assert workspace_path(argument, environment) == Path(expected)


def test_every_setting_is_listed_with_its_value_and_default() -> None:
    lines = {line.name: line for line in describe_settings(load_settings(None, {"als.factors": "8"}, {}))}
    assert (lines["als.factors"].value, lines["als.factors"].default, lines["als.factors"].kind) == ("8", "64", "int")
    assert lines["image.kind"].kind == "Literal['auto', 'classifiers', 'open_clip', 'none']"
    assert lines["database_url"].value == "null"


def test_a_password_is_not_listed() -> None:
    url = "postgresql://me:secret@host/db"
    lines = {line.name: line.value for line in describe_settings(load_settings(None, {"database_url": url}, {}))}
    assert lines["database_url"] == '"postgresql://me:***@host/db"'
