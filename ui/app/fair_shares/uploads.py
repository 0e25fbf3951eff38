"""Files that browsers send: taken from open tabs that asked for them, bounded for each tab and for all, dropped when a tab closes.

Streamlit keeps what an uploader was given in memory, for as long as the tab's session; a session outlives its tab for minutes,
because it may come back. Its own route takes any number of files under any id.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter, deque
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadFileUrlInfo

from engine.core.settings_limits import LimitSettings
from ui.app.access import App, Receive, Send
from ui.app.fair_shares import tab_folders
from ui.app.fair_shares.bodies import MIB, announced_bytes, counted
from ui.app.fair_shares.client import Client, client_of
from ui.app.fair_shares.refused import RefusedError

__all__ = ["Uploads", "address_of"]

LOOK_SECONDS = 1.0
_FRAMING = 64 * 1024  # bytes of a request around its file
_BEYOND = "00000000-0000-0000-0000-000000000000"  # the file that stands for all that are too many
_MOST_BEYOND = 20_000
_ADDRESS = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)/?$")
_OTHERS = "Others are loading large files right now. Try again in a few minutes."
_NO_TAB = (
    "This file was not taken: the page that asked for it is no longer open. Reload the page and choose the file again."
)


def address_of(scope: MutableMapping[str, Any]) -> tuple[str, str] | None:
    """Session and file of a request that brings a file, or takes one back; None for any other request."""
    match = _ADDRESS.search(scope["path"])
    return (match[1], match[2]) if match and scope["method"] in {"PUT", "DELETE"} else None


class Uploads:
    """What tabs have sent, and are sending.

    Parameters
    ----------
    runtime : Streamlit's, whose sessions are the tabs and who keeps the files.
    """

    def __init__(self, runtime: Runtime, limits: LimitSettings) -> None:
        manager = runtime.uploaded_file_mgr
        if not isinstance(manager, MemoryUploadedFileManager):
            raise TypeError(f"{type(manager).__name__} keeps uploads; their bounds are known for Streamlit's own alone")
        self._runtime, self._files, self._limits = runtime, manager, limits
        self._asked: dict[str, deque[str]] = {}
        self._arriving: Counter[str] = Counter()
        self._clients: dict[str, Client] = {}
        self._closed: dict[str, float] = {}
        self._give_addresses = manager.get_upload_urls
        # An uploader asks for addresses to send its files to; only these are taken.
        manager.get_upload_urls = self._addresses  # type: ignore[method-assign]

    async def take(self, app: App, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Pass a file on to Streamlit's route within the bounds. Raises `RefusedError`, also in the middle of the file."""
        session, file = address_of(scope) or ("", "")
        if not self._runtime.is_active_session(session):
            raise RefusedError(403, _NO_TAB)
        if scope["method"] == "DELETE":
            await app(scope, receive, send)
            return
        if file == _BEYOND:
            raise RefusedError(413, self._too_many())
        if file not in self._asked.get(session, ()):
            raise RefusedError(403, _NO_TAB)
        self._clients[session] = client_of(scope)
        with self._room(session) as arrived:
            announced = announced_bytes(scope)
            arrived(announced)
            counted_ahead = announced

            def more(size: int) -> None:
                nonlocal counted_ahead
                arrived(max(size - counted_ahead, 0))
                counted_ahead = max(counted_ahead - size, 0)

            limits = self._limits
            await app(scope, counted(receive, more, limits.body_seconds, limits.upload_bytes_per_second), send)

    async def drop_closed(self) -> None:
        """Until it is cancelled: drop the files of tabs that have been closed for a while."""
        while True:
            self.drop(time.monotonic())
            await asyncio.sleep(LOOK_SECONDS)

    def drop(self, now: float) -> None:
        """Drop the files, and the sessions, of tabs that have been closed for `limits.upload_kept_seconds`."""
        holding = {*self._files.file_storage, *self._asked, *tab_folders.sessions()}
        closed = {session for session in holding if not self._runtime.is_active_session(session)}
        self._closed = {session: self._closed.get(session, now) for session in closed}
        for session, since in list(self._closed.items()):
            if now - since >= self._limits.upload_kept_seconds:
                self._runtime.close_session(session)
                self._files.remove_session_files(session)
                tab_folders.remove(session)
                self._asked.pop(session, None)
                self._clients.pop(session, None)
                del self._closed[session]

    def _addresses(self, session_id: str, file_names: Sequence[str]) -> list[UploadFileUrlInfo]:
        most = self._limits.upload_files
        given = self._give_addresses(session_id, file_names[:most])
        self._asked.setdefault(session_id, deque(maxlen=most)).extend(one.file_id for one in given)
        if len(file_names) <= most:
            return given
        # A browser without an address for each file sends none of them, and says so in words of programmers.
        address = f"{given[0].upload_url.rpartition('/')[0]}/{_BEYOND}"
        return given + [UploadFileUrlInfo(_BEYOND, address, address)] * min(len(file_names) - most, _MOST_BEYOND)

    def _too_many(self) -> str:
        return f"Not taken: a page holds at most {self._limits.upload_files:,} files. Remove some, or load the rest in a second go."

    @contextmanager
    def _room(self, session: str) -> Iterator[Any]:
        """Room for a file; yields what is to be told the bytes that arrive, and raises `RefusedError` where there is none left."""
        limits = self._limits
        largest = int(st.get_option("server.maxUploadSize")) * MIB + _FRAMING
        if len(self._files.file_storage.get(session, {})) >= limits.upload_files:
            raise RefusedError(413, self._too_many())
        client = self._clients[session]
        size = 0

        def arrived(more: int) -> None:
            nonlocal size
            size += more
            self._arriving[session] += more
            if size > largest:
                raise RefusedError(413, f"A file may have at most {largest // MIB} MB.")
            if sum(map(self._held, self._tabs_of(client))) > limits.upload_tab_mb * MIB + _FRAMING:
                raise RefusedError(
                    413, f"Your tabs hold {limits.upload_tab_mb} MB of files. Remove some, or reload the page."
                )
            if sum(map(self._held, self._tabs_at(client))) > limits.upload_all_mb * MIB // 2 + _FRAMING:
                raise RefusedError(429, _OTHERS, 60)
            if self._held_in_all() + self._arriving.total() > limits.upload_all_mb * MIB + _FRAMING:
                raise RefusedError(429, _OTHERS, 60)

        try:
            yield arrived
        finally:
            self._arriving[session] -= size
            if not self._arriving[session]:
                del self._arriving[session]

    def _tabs_of(self, client: Client) -> list[str]:
        return [session for session, one in self._clients.items() if one == client]

    def _tabs_at(self, client: Client) -> list[str]:
        return [session for session, one in self._clients.items() if one.address == client.address]

    def _held(self, session: str) -> int:
        """Bytes that a tab has sent, and is sending."""
        return self._arriving[session] + sum(
            len(one.data) for one in tuple(self._files.file_storage.get(session, {}).values())
        )

    def _held_in_all(self) -> int:
        return sum(one.byte_length for stats in self._files.get_stats().values() for one in stats)
