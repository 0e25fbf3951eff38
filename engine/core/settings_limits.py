"""Settings of fair shares: how much of the dashboard one person, one address and all together may take."""

from __future__ import annotations

from pydantic import Field

from engine.core.settings_groups import Group

__all__ = ["LimitSettings"]


class LimitSettings(Group):
    """How much of the dashboard's server one person may take, so that there is enough for the others."""

    actions_per_second: float = Field(
        4.0,
        gt=0,
        description="judgements and other things sent that one person may keep up; fifteen times as many may come at once",
    )
    views_per_second: float = Field(
        100.0,
        gt=0,
        description="pictures and files of pages that one person may keep up; fifteen times as many may come at once",
    )
    people_per_address: int = Field(
        10,
        ge=1,
        description="one network address may do what this many people may; raise it where an office shares one",
    )
    at_once: int = Field(
        6, ge=1, le=28, description="things sent that are worked on at the same time, in turns by person"
    )
    body_mb: float = Field(1.0, gt=0, description="most that may be sent at once, but for files, in MB")
    body_seconds: float = Field(
        20.0, gt=0, description="seconds in which what is sent must have arrived, but for files"
    )
    head_seconds: float = Field(10.0, gt=0, description="seconds in which a connection must say what it wants")
    stalled_seconds: float = Field(
        60.0, gt=0, description="seconds after which somebody who takes no answer is cut off"
    )
    connections: int = Field(100, ge=1, description="connections open from one address")
    all_connections: int = Field(800, ge=1, description="connections open from everywhere")
    tabs: int = Field(20, ge=1, description="tabs open by one person")
    all_tabs: int = Field(300, ge=1, description="tabs open by everybody")
    message_mb: float = Field(8.0, gt=0, description="largest message of a tab in MB")
    messages_per_second: float = Field(
        10.0, gt=0, description="messages of one person's tabs that are taken a second; further ones wait"
    )
    upload_tab_mb: int = Field(600, ge=1, description="files that the tabs of one person may hold on the server, in MB")
    upload_all_mb: int = Field(
        2000,
        ge=1,
        description="files that all tabs together may hold on the server, in MB; those of one address half of it",
    )
    upload_files: int = Field(3000, ge=1, description="files that one tab may hold on the server")
    upload_bytes_per_second: int = Field(
        16_384,
        ge=1,
        description="slowest pace at which a file may arrive, in bytes a second, after `limits.body_seconds`",
    )
    upload_kept_seconds: float = Field(
        60.0, ge=0, description="seconds after which the files of a closed tab are dropped"
    )
