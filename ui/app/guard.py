"""A page never shows a stack trace: our own errors are sentences, any other gets an id that stands in the log too."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from engine.core.errors import LongtailError
from ui.widgets.formatting import plain

__all__ = ["guarded"]

logger = logging.getLogger(__name__)


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Turn an error in the block into a message on the page; `what` names the block in the log."""
    try:
        yield
    except LongtailError as exc:
        st.error(plain(exc), icon=":material/info:")
    except Exception:
        reference = secrets.token_hex(4)
        logger.exception("error %s in %s", reference, what)
        st.error(
            "Something went wrong on our side. Try again; if it keeps happening, tell whoever looks after this dashboard: "
            f"the log has the details under error {reference}.",
            icon=":material/error:",
        )
