"""A page never shows a stack trace: our own errors are sentences, any other gets an id that stands in the log too."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from engine.core.errors import LongtailError, StoreError
from ui.widgets.formatting import plain

__all__ = ["guarded", "logged_detail"]

logger = logging.getLogger(__name__)


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Turn an error in the block into a message on the page; `what` names the block in the log."""
    try:
        yield
    except LongtailError as exc:
        st.error(f"{plain(exc)}{logged_detail(exc, what)}", icon=":material/info:")
    except Exception:
        reference = secrets.token_hex(4)
        logger.exception("error %s in %s", reference, what)
        st.error(
            "Something went wrong on our side. Try again; if it keeps happening, tell whoever looks after this dashboard: "
            f"the log has the details under error {reference}.",
            icon=":material/error:",
        )


def logged_detail(error: LongtailError, what: str) -> str:
    """Write what only the log may say about an error, and return how to quote it: " (error 1a2b3c4d)", or "".

    Hosts, users and paths stand in the detail of a `StoreError`; people who browse need none of them.
    """
    if not isinstance(error, StoreError) or not error.detail:
        return ""
    reference = secrets.token_hex(4)
    logger.warning("error %s in %s: %s (%s)", reference, what, error, error.detail)
    return f" (error {reference})"
