"""A page never shows a stack trace: our own errors are sentences, any other gets an id that stands in the log too."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from engine.core.disk_errors import SENTENCES, disk_error
from engine.core.errors import LongtailError, StorageError, StoreError
from engine.core.logs import new_error_number
from ui.widgets.formatting import plain

__all__ = ["guarded", "logged_detail", "show_script_error"]

logger = logging.getLogger(__name__)


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Turn an error in the block into a message on the page; `what` names the block in the log."""
    try:
        yield
    except Exception as exc:
        _show(exc, what)


def show_script_error(error: Exception) -> bool:
    """What Streamlit calls where a callback or the frame around a page fails: our message stands instead of its own."""
    _show(error, "a callback or the frame of a page")
    return True


def logged_detail(error: LongtailError, what: str) -> str:
    """Write what only the log may say about an error, and return how to quote it: " (error 1a2b3c4d)", or "".

    Hosts, users and paths stand in the detail of a `StoreError` or `StorageError`; people who browse need none of them.
    """
    if not isinstance(error, StoreError | StorageError) or not error.detail:
        return ""
    number = new_error_number()
    logger.warning("in %s: %s (%s)", what, error, error.detail, extra={"error": number})
    return f" (error {number})"


def _show(error: Exception, what: str) -> None:
    if isinstance(error, OSError) and not isinstance(error, LongtailError) and error.errno in SENTENCES:
        logger.warning("the system refused a file in %s", what, exc_info=error)
        error = disk_error(error)
    if isinstance(error, LongtailError):
        st.error(f"{plain(error)}{logged_detail(error, what)}", icon=":material/info:")
    else:
        _show_unexpected(error, what)


def _show_unexpected(error: Exception, what: str) -> None:
    number = new_error_number()
    logger.error("unexpected in %s", what, exc_info=error, extra={"error": number})
    st.error(
        "Something went wrong on our side. Try again; if it keeps happening, tell whoever looks after this dashboard: "
        f"the log has the details under error {number}.",
        icon=":material/error:",
    )
