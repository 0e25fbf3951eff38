"""A browser's tab without the browser: one Streamlit session over its WebSocket, in the words that the real client speaks.

It asks for pages and waits until they have run to their end, which is what the server has to do for a person who browses; it
draws nothing. Dozens fit where three Chromium do.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from http.cookies import SimpleCookie
from types import TracebackType
from urllib.parse import urlencode, urlsplit

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

__all__ = ["StreamlitSession"]

LARGEST = 64 * 2**20


class StreamlitSession:
    """One tab. Used as a context manager; raises `ConnectionError` where the server closes it or does not answer.

    Parameters
    ----------
    address : of the dashboard, e.g. http://localhost:8501; its first page is fetched, as a browser does, for its cookies.
    cookies : name -> value, beside those.
    headers : sent with every request.

    Attributes
    ----------
    session_id : as the server calls it; known once a page has run.
    cookies : what was given, and what the server has set.
    exceptions : what pages showed as errors.
    """

    def __init__(
        self,
        address: str,
        cookies: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        patience: float = 60.0,
    ) -> None:
        self._patience = patience
        self._hashes: list[str] = []
        self._pages: dict[str, str] = {}
        self.session_id, self.exceptions = "", list[str]()
        self.headers = dict(headers or {})
        self.cookies = dict(cookies or {})
        for path in ("", "/_stcore/health"):
            answer = httpx.get(address + path, headers=self._with_cookies(self.cookies), timeout=patience)
            answer.raise_for_status()
            self.cookies |= _cookies_of(answer.headers.get_list("set-cookie"))
        url = urlsplit(address)
        xsrf = self.cookies.get("_streamlit_xsrf", "")
        self._open = ExitStack()
        self._socket = self._open.enter_context(
            connect(
                f"ws://{url.netloc}/_stcore/stream",
                origin=address,  # type: ignore[arg-type]
                subprotocols=[Subprotocol(one) for one in ("streamlit", xsrf or "none")],
                additional_headers=self._with_cookies(self.cookies),
                open_timeout=patience,
                max_size=LARGEST,
            )
        )

    def __enter__(self) -> StreamlitSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def open(self, page: str = "", /, **query: str) -> float:
        """Ask for a page by its name in the address, wait until it has run, and return how many seconds that took."""
        message = BackMsg()
        message.rerun_script.query_string = urlencode(query)
        message.rerun_script.page_name = page
        message.rerun_script.page_script_hash = self._pages.get(page, "")
        message.rerun_script.cached_message_hashes.extend(self._hashes)
        began = time.perf_counter()
        try:
            self._socket.send(message.SerializeToString())
            self._read_to_the_end(began + self._patience)
        except (ConnectionClosed, TimeoutError) as exc:
            raise ConnectionError(f"the page {page!r} did not come: {exc}") from exc
        return time.perf_counter() - began

    def ask_for_a_file(self, name: str) -> str:
        """Say that a file is coming, and return the path that the server wants it at."""
        message = BackMsg()
        message.file_urls_request.request_id = "1"
        message.file_urls_request.session_id = self.session_id
        message.file_urls_request.file_names.append(name)
        self._socket.send(message.SerializeToString())
        until = time.perf_counter() + self._patience
        while (answer := self._receive(until)).WhichOneof("type") != "file_urls_response":
            pass
        return answer.file_urls_response.file_urls[0].upload_url

    def _receive(self, until: float) -> ForwardMsg:
        raw = self._socket.recv(timeout=max(until - time.perf_counter(), 0.01))
        return ForwardMsg.FromString(raw if isinstance(raw, bytes) else raw.encode())

    def _read_to_the_end(self, until: float) -> None:
        while True:
            message = self._receive(until)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self.session_id = message.new_session.initialize.session_id or self.session_id
            elif kind == "navigation":
                self._pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
            elif kind == "delta" and message.delta.new_element.WhichOneof("type") == "exception":
                self.exceptions.append(message.delta.new_element.exception.message)
            if message.metadata.cacheable and message.hash and message.hash not in self._hashes:
                self._hashes.append(message.hash)
            if kind == "script_finished":
                if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    continue
                return

    def _with_cookies(self, cookies: Mapping[str, str]) -> dict[str, str]:
        spoken = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return {**self.headers, **({"Cookie": spoken} if spoken else {})}


def _cookies_of(said: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in said:
        found |= {name: morsel.value for name, morsel in SimpleCookie(one).items()}
    return found
