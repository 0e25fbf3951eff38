"""Where everything that is logged goes: JSON lines in the workspace and on stderr, or plain lines on a terminal.

Every line says when, how bad, who logged it and what; and, where it is known, for which request, run, session and person
it happened and under which number a person can quote it. Passwords are taken out of every text. A log that cannot be
written (a full disk, a folder that is gone) fails nobody: the line is lost, and the next one is tried again. What repeats
is counted after a while, so that nobody can flood it.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TextIO

from concurrent_log_handler import ConcurrentRotatingFileHandler

from engine.core.redaction import redact
from engine.core.repeated_messages import RepeatedMessages
from engine.core.settings_groups import LogSettings
from engine.core.workspace import Workspace

__all__ = ["JsonLines", "PlainLines", "bound", "configured_logging", "new_error_number", "process_wide"]

Facts = Mapping[str, str]

# A text of a stranger may be as long as they like; a line of the log may not.
MOST_CHARACTERS = 8_000
OURS = ("engine", "ui", "pages", "app", "__main__")
# The server's word about its start and end is worth a line for programs, what other libraries say in passing is not.
SERVER = ("uvicorn", "streamlit")
# What a line may say beside its message, in this order.
FACTS = ("request_id", "run_id", "session", "actor", "error")
_bound: ContextVar[Facts] = ContextVar("log facts", default=MappingProxyType({}))
_of_process: dict[str, str] = {}
_FIRST_WORD = re.compile(r"\A\S*")
_LAST_WORD = re.compile(r"(?<!\S)\S*\Z")
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}


def new_error_number() -> str:
    """Eight hexadecimal digits under which a person finds an error again: log it with `extra={"error": number}`."""
    return secrets.token_hex(4)


@contextmanager
def bound(**facts: str) -> Iterator[None]:
    """What is logged in this block, by this thread or task, carries these facts: `bound(request_id="1f0a...")`."""
    token = _bound.set({**_bound.get(), **facts})
    try:
        yield
    finally:
        _bound.reset(token)


@contextmanager
def process_wide(**facts: str) -> Iterator[None]:
    """What is logged in this block by any thread of the process carries these facts: a run is all that its process does."""
    before = dict(_of_process)
    _of_process.update(facts)
    try:
        yield
    finally:
        _of_process.clear()
        _of_process.update(before)


@contextmanager
def configured_logging(
    workspace: Workspace,
    settings: LogSettings,
    *,
    stream: TextIO | None = None,
    console_level: int = logging.NOTSET,
    more: Callable[[], Facts] = dict,
) -> Iterator[None]:
    """Send what is logged in this process to the workspace's file and to `stream` while the block lasts.

    Parameters
    ----------
    stream : stderr unless given; where it is a terminal it gets plain lines.
    console_level : what is less than this goes to the file alone.
    more : asked with every line for further facts: the browser session and the person, where the caller knows them.
    """
    root, before = logging.getLogger(), logging.getLogger().level
    handlers = _handlers(workspace, settings, stream or sys.stderr, console_level)
    for handler in handlers:
        handler.addFilter(RepeatedMessages())
        handler.addFilter(_Facts(more))
        root.addHandler(handler)
    root.setLevel(settings.level.upper())
    hook, threading.excepthook = threading.excepthook, _log_thread
    try:
        yield
    finally:
        threading.excepthook = hook
        root.setLevel(before)
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()


def _handlers(workspace: Workspace, settings: LogSettings, stream: TextIO, console_level: int) -> list[logging.Handler]:
    handlers: list[logging.Handler] = []
    if settings.console != "off":
        plain = settings.console == "text" or (settings.console == "auto" and stream.isatty())
        console = _Stream(stream)
        console.setLevel(console_level)
        console.setFormatter(PlainLines() if plain else JsonLines())
        console.addFilter(_is_from(OURS if plain else OURS + SERVER))
        handlers.append(console)
    if settings.file:
        file = _WorkspaceFile(workspace.log_file, settings.max_megabytes * 1_000_000, settings.files - 1)
        file.setFormatter(JsonLines())
        file.addFilter(_is_from(OURS + SERVER))
        handlers.append(file)
    return handlers


class JsonLines(logging.Formatter):
    """One record as a line of JSON; what is not known is left out."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without passwords and of bounded length."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _clean(record.getMessage()),
            **_facts_of(record),
            "process": record.process,
        }
        if record.exc_info and record.exc_info[0]:
            line["exception"] = _clean(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")


class PlainLines(logging.Formatter):
    """One record for a person at a terminal: the time of day, how bad, what, its number; an exception below it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without passwords and without what would steer the terminal."""
        when = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        number = getattr(record, "error", None)
        text = (
            f"{when} {level}{_clean(record.getMessage()).translate(_CONTROL)}{f' (error {number})' if number else ''}"
        )
        if record.exc_info and record.exc_info[0]:
            lines = _clean(self.formatException(record.exc_info)).split("\n")
            text += "\n" + "\n".join(line.translate(_CONTROL) for line in lines)
        return text


class _Facts(logging.Filter):
    """Puts what is known where a record is made on the record: another thread may write it."""

    def __init__(self, more: Callable[[], Facts]) -> None:
        super().__init__()
        self._more = more

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            more = self._more()
        except Exception:  # who it was for matters less than what happened
            more = {}
        for name, value in {**more, **_of_process, **_bound.get()}.items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True


class _Stream(logging.StreamHandler):
    """A stream that nobody may be reading any more."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """The line is lost."""


class _WorkspaceFile(ConcurrentRotatingFileHandler):
    """A file that many processes write to and rotate; nothing is made before the workspace exists."""

    def __init__(self, file: Path, max_bytes: int, older: int) -> None:
        super().__init__(str(file), maxBytes=max_bytes, backupCount=older, encoding="utf-8", chmod=0o600)
        self._folder = file.parent

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if not self._folder.is_dir():
                if not self._folder.parent.is_dir():
                    return
                self._folder.mkdir(mode=0o700, exist_ok=True)
        except OSError:
            return
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """The line is lost; the file is opened again for the next one."""
        self._close()


def _facts_of(record: logging.LogRecord) -> dict[str, str]:
    return {name: _clean(str(getattr(record, name))) for name in FACTS if getattr(record, name, None)}


def _clean(text: str) -> str:
    """Without passwords, and cut in the middle where it is too long: what happened stands at both ends of a trace."""
    if len(text) > MOST_CHARACTERS:
        # Cut at blanks: of half an address nobody could tell whether it holds a password.
        head, tail = text[: MOST_CHARACTERS // 2], text[-MOST_CHARACTERS // 2 :]
        head, tail = _LAST_WORD.sub("", head), _FIRST_WORD.sub("", tail)
        text = f"{head}\n... {len(text) - len(head) - len(tail)} characters left out ...\n{tail}"
    return redact(text)


def _is_from(packages: tuple[str, ...]) -> Callable[[logging.LogRecord], bool]:
    """Whether a record is a warning or worse, or from one of these packages."""
    return lambda record: record.levelno >= logging.WARNING or record.name.partition(".")[0] in packages


def _log_thread(arguments: threading.ExceptHookArgs) -> None:
    """An exception that ends a thread belongs in the log, not on stderr."""
    if arguments.exc_type is SystemExit or arguments.exc_value is None:
        return
    name = arguments.thread.name if arguments.thread else "a thread"
    trace = (arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
    logging.getLogger(__name__).error("%s ended by an error", name, exc_info=trace)
