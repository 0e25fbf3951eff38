"""Audit: who did what, when, what was before and what after; to read, and to download."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from engine.access.acting import require
from engine.access.audit import AuditEntry, AuditLog
from engine.access.audit_table import audit_table
from engine.access.roles import Action
from engine.core.exports import FORMATS
from ui.app.choices import menu
from ui.app.resources import database
from ui.app.url import query, set_query
from ui.widgets.formatting import plain, visible_cells

__all__ = ["page"]

A_PAGE = 100
ANY = ""
OUTCOMES = {"begun": "Begun", "done": "Done", "failed": "Failed"}
FILES = [one for one in FORMATS if one.name in ("CSV", "JSON Lines")]


def page() -> None:
    """The newest first, narrowed by person, action and day."""
    st.title("Audit", anchor=False)
    require(Action.SEE_AUDIT)
    st.caption(
        "Everything that changes what the shop shows, or who may change it. Nothing here can be changed or removed."
    )
    log = AuditLog(database())
    wanted = _wanted(log)
    entries = log.entries(**wanted, before_id=_older_than(), most=A_PAGE + 1)
    if not entries:
        st.info("Nobody has done anything like this yet.", icon=":material/info:")
        return
    st.dataframe(
        visible_cells(_table(entries[:A_PAGE])), hide_index=True, width="stretch",
        column_config={"When": st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm:ss", timezone="UTC", help="UTC")},
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        if _older_than() is not None:
            st.button("Newest", icon=":material/first_page:", on_click=set_query, kwargs={"before": None})
        if len(entries) > A_PAGE:
            older = str(entries[A_PAGE - 1].id)
            st.button("Older", icon=":material/navigate_next:", on_click=set_query, kwargs={"before": older})
        st.space("stretch")
        for one in FILES:
            make: Callable[[], bytes] = partial(_file, one.to_bytes, wanted)
            st.download_button(
                plain(one.name), make, file_name=f"audit{one.endings[0]}", mime=one.mime, icon=":material/download:",
                on_click="ignore",
            )  # fmt: skip


def _wanted(log: AuditLog) -> dict[str, Any]:
    """The filters, as `AuditLog.entries` takes them."""
    people = {ANY: "Everyone", **{name: name for name in log.actors()}}
    actions = {ANY: "Everything", **{str(one): one.words.capitalize() for one in Action}}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        actor = menu("Who", "who", people, key="audit_who", width=260, before=None)
        action = menu("What", "what", actions, key="audit_what", width=260, before=None)
        day = st.date_input(
            "Day (UTC)", value=None, key="audit_day", width=180, on_change=set_query, kwargs={"before": None}
        )
    wanted: dict[str, Any] = {"actor": actor or None, "action": action or None}
    if day:
        since = datetime.combine(day, time.min, tzinfo=UTC)
        wanted |= {"since": since, "until": since + timedelta(days=1)}
    return wanted


def _older_than() -> int | None:
    given = query("before")
    return int(given) if given.isdecimal() and len(given) < 19 else None


def _table(entries: list[AuditEntry]) -> pd.DataFrame:
    words = {str(one): one.words.capitalize() for one in Action}
    return pd.DataFrame(
        {
            "When": [one.at for one in entries],
            "Who": [one.actor for one in entries],
            "As": [one.role.capitalize() for one in entries],
            "What": [words.get(one.action, one.action) for one in entries],
            "Which": [one.subject for one in entries],
            "Before": [_text(one.before) for one in entries],
            "After": [_text(one.after) for one in entries],
            "How it ended": [OUTCOMES.get(one.outcome, one.outcome) for one in entries],
        }
    )


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _file(to_bytes: Callable[[pd.DataFrame], bytes], wanted: dict[str, Any]) -> bytes:
    """All that the filters leave, for whoever may still see it."""
    require(Action.SEE_AUDIT)
    return to_bytes(audit_table(AuditLog(database()).entries(**wanted, most=None)))
