"""The page's address is the truth about what it shows: widgets mirror it, callbacks change it.

Streamlit puts a changed address into the browser's history, and going back runs the page with the older one. Widgets are
set from the address on every run, before they are drawn, so back, reload and a pasted link all show the same thing.

Streamlit's own binding (`bind="query-params"`) is not used. Measured with 1.67 in Chromium: a bound widget replaces the
address where it stands, so three changes add nothing to the history and Back leaves the dashboard; it writes what the
options are called on screen (`?view=Side+by+side`) and drops addresses that hold their ids (`?view=als`); and no callback
can change a bound parameter, as going back to the first page does when a filter changes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

__all__ = ["Value", "mirror", "query", "query_list", "set_query", "writer"]

Value = str | list[str] | None


def query(name: str, default: str = "", *, allowed: Collection[str] | None = None) -> str:
    """One parameter of the address; the default where it is absent or not `allowed`."""
    value = st.query_params.get(name, default)
    return value if allowed is None or value in allowed else default


def query_list(name: str, *, allowed: Collection[str] | None = None) -> list[str]:
    """A repeated parameter of the address, without values that are not `allowed`."""
    return [value for value in st.query_params.get_all(name) if allowed is None or value in allowed]


def set_query(**changes: Value) -> None:
    """Change parameters in one step (one entry of the history); None, "" and [] remove one."""
    current = {name: st.query_params.get_all(name) for name in st.query_params}
    for name, value in changes.items():
        if value:
            current[name] = [value] if isinstance(value, str) else list(value)
        else:
            current.pop(name, None)
    st.query_params.from_dict(current)


def mirror(key: str, value: object) -> None:
    """Give a widget that is about to be drawn the value that the address asks for.

    Draw it with `persist_state="session"`. A run that another one interrupts leaves its values behind, though what it drew
    never reached the browser; only with this does Streamlit 1.67 send such a value again to a browser that has none.
    """
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value


def writer(
    key: str, name: str, *, to_text: Callable[[object], Value] | None = None, **also: Value
) -> Callable[[], None]:
    """A callback that writes a changed widget into the address as `name`, and `also` other parameters with it.

    Ask for it when the widget is about to be drawn: a callback for a widget that shows what was drawn writes nothing.
    Streamlit calls one that nobody touched where the page was left before the browser heard that the widget is gone,
    and, where one goes back twice in quick succession, before it heard what the first of these addresses asks for.
    """
    drawn, asked = st.session_state.get(key), st.query_params.get_all(name)

    def write() -> None:
        if _goes_through_history():
            return
        value = st.session_state[key]
        if value == drawn and st.query_params.get_all(name) == asked:
            return
        text = to_text(value) if to_text else value
        set_query(**{name: text}, **also)

    return write


def _goes_through_history() -> bool:
    """Whether Back or Forward caused this run: the address is right then, whatever widgets say."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation
