"""Groups of settings: how the catalogue is searched, chosen for, measured, shown and judged.

Those of what learns from the shop's data stand in `engine.core.settings`, which puts all of them together.
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Any, Literal

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

__all__ = [
    "AccessSettings",
    "AuthSettings",
    "ClusterSettings",
    "CurationSettings",
    "EvaluationSettings",
    "Group",
    "IndexKind",
    "IndexSettings",
    "LogSettings",
    "MetricsSettings",
    "RoleName",
    "SelectionSettings",
    "ServingSettings",
    "SmootherSettings",
]

# `engine.access.roles.Role`, in words.
RoleName = Literal["viewer", "curator", "merchandiser", "lead", "admin"]


class Group(BaseModel):
    """Settings that belong together: unknown names are refused."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _none_as_text(cls, value: Any, info: ValidationInfo) -> Any:
        """TOML and variables have no null: "none" is one where the setting is unset by default."""
        optional = cls.model_fields[str(info.field_name)].default is None
        return None if optional and isinstance(value, str) and value.lower() in {"none", "null"} else value


IndexKind = Literal["cells", "annoy"]
_MEMORY = r"^[1-9]\d*[mg]$"


class IndexSettings(Group):
    """How lists are searched."""

    kind: IndexKind = Field(
        "cells",
        description="what searches catalogues that are too large to compare all products: the cells that products lie in, or Annoy",
    )
    trees: int = Field(
        20, ge=1, le=1000, description="trees in the index; more find more of the true neighbours but make larger files"
    )
    search_k: int = Field(
        2000, ge=-1, description="nodes that Annoy inspects per query, at least; -1 is its own choice"
    )


class SmootherSettings(Group):
    """Carrying behaviour over to look-alikes."""

    exact: int = Field(
        20_000,
        ge=100,
        le=60_000,
        description="products with interactions up to which all of them count; takes this number squared x 4 bytes of memory",
    )
    landmarks: int = Field(
        5_000, ge=100, le=30_000, description="in larger shops so many products stand for all of them"
    )


class SelectionSettings(Group):
    """What suits the shop's data, compared on hidden interactions."""

    enabled: bool = Field(
        True, description="choose with every training what suits the data; without it settings and recipe are as given"
    )


class EvaluationSettings(Group):
    """The figures computed with every release, and how interactions are hidden for them and for choosing."""

    enabled: bool = Field(True, description="whether every training measures quality")
    budget_seconds: float = Field(
        300.0,
        ge=1,
        description="seconds of one core that choosing settings and measuring quality may cost, by a model of sizes and not by the clock; "
        "a sample of its products stands for a shop of which they would cost more",
    )
    min_interactions: int = Field(
        12, ge=4, description="products with at least this many interactions may become test products"
    )
    target_share: float = Field(0.3, gt=0, lt=1, description="share of those products that become test products")
    max_targets: int = Field(1000, ge=20, description="most test products")
    held_out_share: float = Field(
        0.2, gt=0, lt=1, description="share of each shopper's interactions hidden in the published task"
    )
    low_traffic: int = Field(
        5, ge=0, description="candidates in the published task have at most this many interactions left"
    )


class ClusterSettings(Group):
    """A Spark cluster that does the heavy work of a training (docs/cluster.md)."""

    master: str | None = Field(
        None,
        description="address of a Spark cluster that trainings work on, e.g. spark://HOST:7077, yarn or k8s://https://HOST; this machine "
        "alone unless set",
    )
    memory: str = Field("2g", pattern=_MEMORY, description="memory of each executor's JVM, e.g. 4g")
    driver_memory: str = Field(
        "1g", pattern=_MEMORY, description="memory of the JVM on this machine that sends parts out and collects results"
    )
    python: str | None = Field(
        None, description="the workers' Python; at the path of the one that runs the training unless set"
    )
    events: str | None = Field(
        None,
        description="Parquet files of events that the cluster reads instead of the loaded shop's, e.g. s3a://BUCKET/events; columns as in "
        "interactions.parquet",
    )
    patience: float = Field(120.0, ge=2, description="seconds without a single worker after which a training gives up")
    options: dict[str, str | int | float | bool] = Field(
        default={}, description="further settings of Spark by their own names, e.g. {'spark.executor.cores' = 4}"
    )


class ServingSettings(Group):
    """What people see."""

    shop_name: str | None = Field(None, description="the shop's name on screen; the loaded shop's own unless set")
    sample_judgements: bool = Field(True, description="whether the demo shop starts with sample judgements")
    tour: bool = Field(True, description="whether people are shown around on their first visit, in four steps")
    neighbours: int = Field(10, ge=1, le=100, description="neighbours shown per product")
    favour: float | None = Field(
        None,
        ge=1,
        le=100,
        description="how often the score of a long-tail product counts when a shopper's list is filled; as much as costs no accuracy, as "
        "training measures it, unless set",
    )


class AccessSettings(Group):
    """Who may ask the dashboard for anything."""

    hosts: tuple[str, ...] = Field(
        (),
        description="names under which browsers may open the dashboard, beside localhost, e.g. longtail.example.com or *.example.com",
    )


class AuthSettings(Group):
    """Who signs in how, and who may do what. Where neither OpenID Connect nor a header is configured, people give a name that nobody checks."""

    open: bool = Field(
        False,
        description="whether the dashboard may listen beyond this machine although nobody signs in: whoever reaches it has "
        "`auth.open_role`",
    )
    open_role: RoleName = Field("admin", description="what everybody is where nobody signs in")
    header: str | None = Field(
        None,
        description="header in which a reverse proxy names the person it signed in, e.g. X-Forwarded-User; believed from those alone "
        "who know `auth.header_secret` or come from `auth.proxies`",
    )
    header_secret: SecretStr | None = Field(
        None,
        min_length=16,
        description="what the proxy sends in X-Longtail-Secret, at least 16 characters; not shown anywhere",
    )
    proxies: tuple[str, ...] = Field((), description="addresses of the proxy, e.g. 10.0.0.5 or 10.0.0.0/24")
    groups_header: str | None = Field(
        None,
        description="header in which the proxy names the person's groups, separated by commas, e.g. X-Forwarded-Groups",
    )
    sign_out_url: str | None = Field(None, description="where the proxy signs people out, e.g. /oauth2/sign_out")
    name_claim: str = Field(
        "email", description="claim of OpenID Connect that is a person's name here; it has to be unique"
    )
    role_claim: str | None = Field(
        None, description="claim of OpenID Connect that names a person's groups or roles, e.g. groups"
    )
    roles: dict[str, RoleName] = Field(
        default={}, description="group or claim -> role, e.g. {shop-leads = 'lead'}; the highest of a person's counts"
    )
    admins: tuple[str, ...] = Field((), description="people who are admins whatever the table of people says")
    default_role: RoleName | Literal["none"] = Field(
        "viewer",
        description="what people are who signed in and were given no role; 'none' lets them see nothing, for providers where anybody "
        "can have an account",
    )
    session_hours: int = Field(12, ge=1, le=720, description="how long a sign-in holds, in hours")

    @field_validator("proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            try:
                ip_network(one, strict=False)
            except ValueError:
                raise ValueError(f"{one!r} is no address and no network such as 10.0.0.0/24") from None
        return value

    @field_validator("sign_out_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"https?://[^/]|/(?!/)", value):
            raise ValueError("it begins with https:// or with a slash")
        return value


class CurationSettings(Group):
    """Judging."""

    learn: bool = Field(True, description="whether a training learns from judgements")
    teaching_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="share of judged products that teach; judgements of the others measure what was learned",
    )


class LogSettings(Group):
    """What is logged, and where to."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="what is less than this is not logged"
    )
    console: Literal["auto", "text", "json", "off"] = Field(
        "auto",
        description="how lines look on stderr: text for people, json for programs; text on a terminal alone unless set",
    )
    file: bool = Field(True, description="whether lines are also written to logs/longtail.jsonl in the workspace")
    max_megabytes: int = Field(
        10, ge=1, le=1000, description="size at which that file is put aside for a new one, in MB"
    )
    files: int = Field(5, ge=1, le=100, description="files of it that are kept, with the newest")


class MetricsSettings(Group):
    """The figures for Prometheus at /metrics."""

    token: SecretStr | None = Field(
        None,
        min_length=16,
        description="secret that /metrics asks for; unless set it answers this machine alone, and nobody who comes by way of a proxy",
    )
