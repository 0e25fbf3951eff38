"""People: who has been here, what each of them may do and why, and giving and taking back roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

import pandas as pd
import streamlit as st

from engine.access.acting import require
from engine.access.people import People, Person
from engine.access.roles import Action, Role
from engine.core.errors import LongtailError
from engine.core.settings import AuthSettings
from ui.app.identity import usable_name
from ui.app.notices import say
from ui.app.person import end_sessions_of, forget_roles, signs_in
from ui.app.resources import database, settings
from ui.app.second_thoughts import Question, ask, offer_undo
from ui.app.sign_in import ROLE_WORDS
from ui.widgets.formatting import day_phrase, plain, visible_cells

__all__ = ["page"]

NEW = "Somebody who was never here…"


def page() -> None:
    """Everybody with their role, and a form for one of them."""
    st.title("People", anchor=False)
    require(Action.SET_ROLES)
    auth = settings().auth
    if not signs_in():
        st.info(
            f"Nobody signs in here: everyone who opens Longtail is {_one(Role(auth.open_role))}, whatever name they give. The roles below "
            "count once sign-in is set up.",
            icon=":material/lock_open:",
        )
    everybody = {one.name: one for one in People(database()).all()}
    admins = {name for one in auth.admins if (name := usable_name(one))}
    names = sorted({*everybody, *admins}, key=str.casefold)
    if names:
        rows = [_row(name, everybody.get(name), admins, auth) for name in names]
        st.dataframe(visible_cells(pd.DataFrame(rows)), hide_index=True, width="stretch")
    else:
        st.write("Nobody has been here yet.")
    if not admins and not any(one.role is Role.ADMIN or one.claimed_role is Role.ADMIN for one in everybody.values()):
        st.warning(
            "Nobody is an admin by name. Make yourself one before you set up sign-in.",
            icon=":material/admin_panel_settings:",
        )
    _form(names, everybody, admins)


def _row(name: str, person: Person | None, admins: set[str], auth: AuthSettings) -> dict[str, str]:
    role, source = _role(name, person, admins, auth)
    seen = person.last_seen if person else None
    return {
        "Name": name,
        "Role": role.capitalize() if role else "None",
        "Where it comes from": source,
        "Last here": day_phrase(seen) if seen else "Never",
    }


def _role(name: str, person: Person | None, admins: set[str], auth: AuthSettings) -> tuple[Role | None, str]:
    """What somebody is, and why; the same order as `ui.app.person.role_of`."""
    if name in admins:
        return Role.ADMIN, "Settings (auth.admins)"
    if person and person.claimed_role:
        return person.claimed_role, "Their sign-in"
    if person and person.role:
        return person.role, f"Given by {person.set_by}{_on(person.set_at)}"
    return (None if auth.default_role == "none" else Role(auth.default_role)), "Everyone has it"


def _on(moment: datetime | None) -> str:
    return f", {day_phrase(moment)}" if moment else ""


def _form(names: list[str], everybody: Mapping[str, Person], admins: set[str]) -> None:
    """Choose somebody, or write a name that is new; then give or take back a role."""
    st.subheader("Change a role", anchor=False)
    choices = [*names, NEW]
    chosen = st.selectbox("Who", choices, index=None, key="people_who", width=420, placeholder="Choose somebody")
    if chosen == NEW:
        chosen = st.text_input(
            "Name, as sign-in gives it", key="people_new", width=420, placeholder="e.g. ada@example.com"
        )
    if not chosen:
        return
    name = usable_name(chosen)
    if name is None:
        st.error("No sign-in gives such a name: it has spaces at its ends, or characters that cannot be seen.")
        return
    person = everybody.get(name)
    if name in admins or (person and person.claimed_role):
        where = "in the settings (auth.admins)" if name in admins else "where people sign in"
        st.info(
            f"This role is given {where}; change it there. A role given here would have no effect.",
            icon=":material/info:",
        )
    given = person.role if person else None
    role = st.radio(
        "Role", list(Role), index=list(Role).index(given or Role.VIEWER), format_func=lambda role: plain(role.capitalize()),
        captions=[ROLE_WORDS[one].replace("You can", "Can") for one in Role], key=f"people_role_{name}",
    )  # fmt: skip
    with st.container(horizontal=True):
        st.button("Give this role", type="primary", icon=":material/check:", on_click=_give, args=(name, role, given))
        if given is not None:
            st.button("Take the role back", icon=":material/undo:", on_click=_take_back, args=(name, given))
        if person is not None:
            st.button(
                "End their sessions", icon=":material/logout:", on_click=_end_sessions, args=(name,),
                help="They have to sign in again, in every browser.",
            )  # fmt: skip


def _give(name: str, role: Role, before: Role | None) -> None:
    """Callback: give the role."""
    _do(partial(_set, name, role), f"{name} is {_one(role)} now", partial(_set, name, before))


def _take_back(name: str, before: Role) -> None:
    """Callback: take the role back."""
    _do(partial(_set, name, None), f"{name} has no role of their own now", partial(_set, name, before))


def _end_sessions(name: str) -> None:
    """Callback: ask, and end them."""

    def act() -> None:
        end_sessions_of(name)
        forget_roles()
        say(plain(f"{name} has to sign in again"), ":material/check:")

    says = ["They have to sign in again in every browser; what they have not saved is lost."]
    ask(Question(f"End the sessions of {name}?", says, "End their sessions", act))


def _set(name: str, role: Role | None) -> None:
    """Give a role, or none."""
    if role is None:
        People(database()).remove(name, other_admins=_by_settings())
    else:
        People(database()).set_role(name, role, other_admins=_by_settings())
    forget_roles()


def _do(act: Callable[[], None], done: str, undo: Callable[[], None]) -> None:
    try:
        act()
    except LongtailError as exc:
        say(plain(exc), ":material/error:")
    else:
        offer_undo(done, undo)


def _by_settings() -> tuple[str, ...]:
    return tuple(name for one in settings().auth.admins if (name := usable_name(one)))


def _one(role: Role) -> str:
    return f"{'an' if role is Role.ADMIN else 'a'} {role}"
