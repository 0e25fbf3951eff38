"""The log of a dashboard: our own, Streamlit's and the server's lines go one way, each with its session and person."""

from __future__ import annotations

import atexit
import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from streamlit import logger as streamlit_logger
from streamlit.runtime.scriptrunner import get_script_run_ctx

from engine.core.errors import SettingsError
from engine.core.logs import configured_logging
from engine.core.settings import load_settings, workspace_path
from engine.core.settings_groups import LogSettings
from engine.core.workspace import Workspace
from ui.app.operations.metrics import RecordCounter

__all__ = ["begin_server_logs", "server_logs"]

SERVER = ("uvicorn", "uvicorn.error", "uvicorn.asgi")
# A line for every picture that a browser asks for would drown the others.
ACCESS = "uvicorn.access"
# Says again, without a number, what `ui.app.guard` logs with one.
SCRIPT_ERRORS = "streamlit.error_util"


@contextmanager
def server_logs() -> Iterator[None]:
    """Log as the workspace's settings say while the block lasts; by the defaults where they cannot be read."""
    try:
        settings = load_settings(workspace_path()).logs
    except SettingsError:
        settings = LogSettings()
    make_own = streamlit_logger.setup_formatter
    # Streamlit gives every logger of its own a handler, also to those it makes later.
    streamlit_logger.setup_formatter = _hand_on
    streamlit_logger.update_formatter()
    logging.getLogger(SCRIPT_ERRORS).disabled = True
    for name in SERVER:
        server = logging.getLogger(name)
        server.handlers, server.propagate = [], True
    try:
        with _counted(), configured_logging(Workspace(workspace_path()), settings, more=_session):
            yield
    finally:
        logging.getLogger(SCRIPT_ERRORS).disabled = False
        streamlit_logger.setup_formatter = make_own
        streamlit_logger.update_formatter()


def begin_server_logs() -> None:
    """Log as the workspace's settings say until this process ends."""
    stack = ExitStack()
    stack.enter_context(server_logs())
    atexit.register(stack.close)


@contextmanager
def _counted() -> Iterator[None]:
    counter = RecordCounter()
    logging.getLogger().addHandler(counter)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(counter)


def _hand_on(logger: logging.Logger) -> None:
    if own := getattr(logger, "streamlit_console_handler", None):
        logger.removeHandler(own)
    logger.propagate = logger.name != ACCESS


def _session() -> Mapping[str, str]:
    """The browser session that this thread runs a page for, by the beginning of its id: the whole opens its uploads."""
    context = get_script_run_ctx(suppress_warning=True)
    return {"session": context.session_id[:8]} if context else {}
