"""Every setting, validated, and the one place that reads them: settings.toml, then LONGTAIL_* variables, then --set.

Nothing else in the project reads configuration files or environment variables.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from engine.core.errors import SettingsError
from engine.core.redaction import redact
from engine.core.settings_groups import (
    AccessSettings,
    AuthSettings,
    ClusterSettings,
    CurationSettings,
    EvaluationSettings,
    Group,
    IndexSettings,
    LogSettings,
    MetricsSettings,
    SelectionSettings,
    ServingSettings,
    SmootherSettings,
)
from engine.core.settings_limits import LimitSettings
from engine.core.settings_sources import TextSource, checked_names, explain, toml_source

__all__ = [
    "AlsSettings",
    "AttributeSettings",
    "AuthSettings",
    "CurationSettings",
    "EvaluationSettings",
    "ImageSettings",
    "IndexSettings",
    "InteractionSettings",
    "PredictorSettings",
    "SelectionSettings",
    "ServingSettings",
    "SettingLine",
    "Settings",
    "SmootherSettings",
    "TextSettings",
    "child_environment",
    "describe_settings",
    "environment_variable",
    "fill_in_variables",
    "load_settings",
    "set_elsewhere",
    "workspace_path",
]

ENVIRONMENT_PREFIX = "LONGTAIL_"


class InteractionSettings(Group):
    """How events become one weight per shopper-item pair."""

    event_weights: dict[str, float] = Field(
        default={
            **{"list_view": 0.5, "view": 1.0, "click": 1.5, "wishlist": 2.0, "share": 2.0},
            **{"cart": 3.0, "checkout": 4.0, "purchase": 5.0, "rating": 1.0},
        },
        description="weights of kinds of event; a kind that is not named keeps its default, and one without a default counts as "
        "`other_event_weight`",
    )
    other_event_weight: float = Field(1.0, ge=0, description="weight of every other kind of event")
    half_life_days: float | None = Field(
        None, gt=0, description="time decay: an event this old counts half; no decay unless set"
    )
    min_rating: float | None = Field(
        None, description="ratings below this do not count as interest; the preset's value unless set"
    )


class AlsSettings(Group):
    """Implicit ALS (Hu, Koren and Volinsky 2008)."""

    factors: int = Field(64, ge=2, le=1024, description="numbers that describe a shopper or a product")
    regularization: float = Field(0.05, gt=0, description="pull towards zero: with more, few clicks are trusted less")
    alpha: float = Field(5.0, gt=0, description="confidence is 1 + alpha x weight")
    iterations: int = Field(15, ge=1, le=200, description="rounds over all shoppers and products")
    warm_iterations: int = Field(5, ge=0, le=200, description="the same from the served release on; 0 learns anew")
    tries: int = Field(
        6, ge=1, le=50, description="how many settings are compared before the best is used; 1 uses those above"
    )


class TextSettings(Group):
    """The text encoder."""

    model: str = Field(
        "auto",
        description="'auto' chooses by the language of the texts: 'minilm' for English, 'e5' for other languages (both are "
        "installed with the requirements); a hub name, a local folder, or 'none'",
    )
    max_tokens: int = Field(128, ge=8, le=512, description="longer texts are cut here")
    batch_size: int = Field(32, ge=1, description="texts encoded together")
    precision: Literal["auto", "float32", "bfloat16", "openvino"] = Field("auto", description="'auto': by their number")


class ImageSettings(Group):
    """The image encoder."""

    kind: Literal["auto", "classifiers", "open_clip", "none"] = Field(
        "auto",
        description="'classifiers' learn the catalogue's own attributes on top of a pretrained network; 'open_clip' uses a "
        "pretrained model as it is; 'auto' uses open_clip where its weights are on this machine, else classifiers",
    )
    download: bool = Field(False, description="whether 'auto' may download the weights of open_clip's model")
    backbone: str = Field(
        "tf_efficientnet_lite0",
        description="timm model that the classifiers read pictures with, e.g. resnext50_32x4d",
    )
    weights: Path | None = Field(
        None, description="local safetensors file the backbone (or open_clip model) starts from"
    )
    pretrained: str | None = Field(
        None,
        description="'timm' downloads the backbone's own weights, 'none' starts from random ones, an open_clip tag such as "
        "laion2b_s34b_b79k is for 'open_clip'; unless set, the installed weights of tf_efficientnet_lite0",
    )
    clip_model: str = Field(
        "ViT-B-32",
        description="open_clip's name of a model, or 'hf-hub:' and the hub's, e.g. hf-hub:Marqo/marqo-fashionSigLIP",
    )
    size: int | None = Field(
        None,
        ge=32,
        le=512,
        description="width and height in pixels that the classifiers see; 160 unless set, 48 with random weights",
    )
    epochs: int | None = Field(
        None,
        ge=0,
        le=100,
        description="passes over the pictures that tune the network's last stages for all classifiers, kept where they read "
        "pictures better that were set aside; 0 tunes nothing; 2 unless set, 0 on the demo shop, 9 with random weights",
    )
    attributes: int = Field(
        4, ge=0, le=16, description="how many attributes get their own classifier; 0 uses the network as it is"
    )
    batch_size: int = Field(32, ge=1, description="pictures seen together")
    precision: Literal["auto", "float32", "bfloat16", "openvino"] = Field("auto", description="'auto': by their number")


class AttributeSettings(Group):
    """The attribute encoder."""

    min_count: int = Field(2, ge=1, description="a value seen on fewer items counts as 'other'")
    max_values: int = Field(512, ge=2, description="most frequent values kept per attribute")


class PredictorSettings(Group):
    """The network that predicts an item's ALS factors from its content."""

    hidden: int = Field(512, ge=8, description="width of the hidden layers")
    layers: int = Field(2, ge=0, le=8, description="hidden layers; 0 is a linear map")
    dropout: float = Field(0.2, ge=0, lt=1, description="share of hidden units switched off in training")
    modality_dropout: float = Field(
        0.15, ge=0, lt=1, description="chance that one modality of a product is hidden in training"
    )
    factors: int | None = Field(
        None,
        ge=2,
        le=1024,
        description="ALS factors that are predicted; chosen by the size of the shop unless set, up to 256",
    )
    learning_rate: float = Field(1e-3, gt=0, description="step size of AdamW")
    weight_decay: float = Field(1e-2, ge=0, description="AdamW's pull of weights towards zero")
    batch_size: int = Field(256, ge=2, description="products per step")
    max_steps: int = Field(3000, ge=1, description="most steps of training, however large the catalogue")
    patience: int = Field(
        8, ge=1, description="looks at held-out products, one every 50 steps, without improvement before training stops"
    )
    validation_share: float = Field(
        0.1, gt=0, lt=0.5, description="share of well-known products, at most 300, held out to decide when to stop"
    )
    trust_at: float = Field(
        20.0, gt=0, description="a product with this many interactions is learned from half as much as a well-known one"
    )
    half_known: float | None = Field(
        None,
        ge=0,
        description="in the Predicted list, products with this many interactions are found half by their real behaviour and "
        "half by the predicted, busier ones more by the real; chosen from the data unless set",
    )


class Settings(Group, BaseSettings):
    """Everything that can be configured; each field says its unit and range.

    `Settings()` holds the defaults and reads nothing; `load_settings` reads the sources.
    """

    seed: int = Field(
        0,
        ge=0,
        le=2**31 - 1,
        description="the same data, settings and seed, after the same release, give the same release",
    )
    threads: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="threads of a training; one for each core that is free when it starts unless set",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="what a training calculates on; 'auto' uses a graphics card if there is one that CUDA knows"
    )
    database_url: str | None = Field(None, description="SQLAlchemy URL; SQLite in the workspace unless set")
    interactions: InteractionSettings = InteractionSettings()
    als: AlsSettings = AlsSettings()
    text: TextSettings = TextSettings()
    image: ImageSettings = ImageSettings()
    attributes: AttributeSettings = AttributeSettings()
    predictor: PredictorSettings = PredictorSettings()
    index: IndexSettings = IndexSettings()
    cluster: ClusterSettings = ClusterSettings()
    smoother: SmootherSettings = SmootherSettings()
    selection: SelectionSettings = SelectionSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    serving: ServingSettings = ServingSettings()
    access: AccessSettings = AccessSettings()
    auth: AuthSettings = AuthSettings()
    curation: CurationSettings = CurationSettings()
    logs: LogSettings = LogSettings()
    limits: LimitSettings = LimitSettings()
    metrics: MetricsSettings = MetricsSettings()

    @field_validator("database_url")
    @classmethod
    def _empty_is_unset(cls, value: str | None) -> str | None:
        return value or None

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *others: Any, **more: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What `Settings(...)` is given and nothing else."""
        return (init_settings,)


def load_settings(
    workspace: Path | None = None,
    overrides: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Read and validate settings; later sources win: settings.toml, LONGTAIL_* variables, `overrides`.

    Parameters
    ----------
    workspace : directory whose settings.toml is read, if it has one.
    overrides : `{"als.factors": "128"}`, as `--set als.factors=128` gives them.
    environment : variables to read instead of the process's own; `LONGTAIL_ALS__FACTORS=128` sets als.factors.

    Raises `SettingsError` naming the setting, the value and what is allowed.
    """
    variables = os.environ if environment is None else environment
    lower = {name.lower(): text for name, text in variables.items()}
    sources = (
        TextSource(Settings, checked_names(Settings, overrides or {}), delimiter="."),
        TextSource(Settings, lower, prefix=ENVIRONMENT_PREFIX.lower(), delimiter="__"),
        toml_source(Settings, workspace / "settings.toml" if workspace else None),
    )
    try:
        return Settings(_build_sources=(sources, {}))
    except ValidationError as exc:
        raise SettingsError(explain(exc)) from exc


@dataclass(frozen=True)
class SettingLine:
    """One setting as a person reads it; `value` and `default` are JSON."""

    name: str
    value: str
    default: str
    kind: str
    meaning: str


def describe_settings(settings: Settings) -> list[SettingLine]:
    """Every setting, in the order of the groups; passwords and secrets are not shown."""
    return list(_lines(settings, Settings(), ""))


def workspace_path(argument: str | Path | None = None, environment: Mapping[str, str] | None = None) -> Path:
    """The workspace: the argument, else LONGTAIL_WORKSPACE, else ./workspace."""
    named = (os.environ if environment is None else environment).get(f"{ENVIRONMENT_PREFIX}WORKSPACE")
    return Path(argument or named or "workspace")


def environment_variable(name: str) -> str | None:
    """The value of a variable that other programs use too, such as AWS_ENDPOINT_URL; None where it is not set, or empty."""
    return os.environ.get(name) or None


def set_elsewhere(name: str) -> str | None:
    """The variable of the environment that sets a setting, and wins over settings.toml; None where there is none."""
    variable = f"{ENVIRONMENT_PREFIX}{name.replace('.', '__')}".upper()
    return next((one for one in os.environ if one.upper() == variable), None)


def fill_in_variables(text: str) -> str:
    """`text` with the value of the variable NAME for every `${NAME}`, so that a password need not be typed.

    Raises `SettingsError` naming a variable that is not set.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise SettingsError(f"the variable {match[1]} is not set, but {match[0]} asks for it. Export it first.")
        return os.environ[match[1]]

    return re.sub(r"\$\{(\w+)\}", value, text)


def child_environment(**more: str) -> dict[str, str]:
    """The variables a child process starts with: this process's own, and `more`."""
    return {**os.environ, **more}


def _lines(group: BaseModel, defaults: BaseModel, prefix: str) -> Iterator[SettingLine]:
    for name, field in type(group).model_fields.items():
        value, default = getattr(group, name), getattr(defaults, name)
        if isinstance(value, BaseModel):
            yield from _lines(value, default, f"{prefix}{name}.")
            continue
        if name == "database_url" and value:
            value = redact(value)
        annotation = field.annotation
        kind = annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")
        yield SettingLine(
            f"{prefix}{name}", _as_json(value), _as_json(default), kind.replace("pathlib.", ""), field.description or ""
        )


def _as_json(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)
