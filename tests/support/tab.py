"""A tab without a browser: Streamlit's websocket, spoken as its page does, and the files that the page sends."""

from __future__ import annotations

import http.client
import uuid
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Self
from urllib.request import urlopen

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

__all__ = ["Tab", "xsrf_token"]

_ONLY_PARTLY = (ForwardMsg.FINISHED_EARLY_FOR_RERUN, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
"""How a run ends that another follows, or that drew a part of the page."""


def xsrf_token(port: int) -> str:
    """What every browser is given and sends back with a file."""
    with urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=10) as answer:
        cookies = answer.headers.get_all("Set-Cookie") or []
    return next(one.split(";")[0].partition("=")[2] for one in cookies if one.startswith("_streamlit_xsrf"))


class Tab:
    """An open tab at a page of the dashboard on this port.

    Attributes
    ----------
    session : Streamlit's id of it.
    """

    def __init__(
        self,
        port: int,
        page: str = "",
        *,
        name: str = "Ada",
        source: str = "127.0.0.1",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.port, self._source, self._name, self._xsrf = port, source, name, xsrf_token(port)
        self._open = ExitStack()
        websocket = connect(
            f"ws://127.0.0.1:{port}/_stcore/stream",
            origin=f"http://127.0.0.1:{port}",  # type: ignore[arg-type]
            subprotocols=["streamlit", self._xsrf],  # type: ignore[list-item]
            additional_headers={"Cookie": f"_streamlit_xsrf={self._xsrf}; longtail_curator={name}", **(headers or {})},
            source_address=(source, 0),
            max_size=None,
            max_queue=None,
        )
        self._socket = self._open.enter_context(websocket)
        message = BackMsg()
        message.rerun_script.page_name = page
        self.send(message)
        self.session = self._await("new_session").new_session.initialize.session_id

    def send(self, message: BackMsg) -> None:
        """What the page tells the server."""
        self._socket.send(message.SerializeToString())

    def finish(self) -> None:
        """Wait until the page has run."""
        self._await("script_finished")

    def texts(self) -> str:
        """All that the page draws until it has run, as the server writes it."""
        drawn: list[str] = []
        self._await("script_finished", drawn)
        return "\n".join(drawn)

    def upload_addresses(self, count: int = 1) -> list[str]:
        """Where an uploader sends files to."""
        message = BackMsg()
        message.file_urls_request.request_id = str(uuid.uuid4())
        message.file_urls_request.file_names.extend(f"file {number}" for number in range(count))
        self.send(message)
        return [one.upload_url for one in self._await("file_urls_response").file_urls_response.file_urls]

    def upload(self, address: str, content: bytes, *, method: str = "PUT") -> tuple[int, str]:
        """Send a file; the status and the text of the answer."""
        boundary = "a-boundary"
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f.bin"\r\n\r\n'
        headers = {
            "Cookie": f"_streamlit_xsrf={self._xsrf}; longtail_curator={self._name}",
            "X-Xsrftoken": self._xsrf,
            "Content-Type": f"multipart/form-data; boundary={boundary}",
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60, source_address=(self._source, 0))
        try:
            body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode() if method == "PUT" else b""
            with suppress(BrokenPipeError, ConnectionResetError):  # refused before all was sent; the answer is there
                connection.request(method, address, body, headers)
            answer = connection.getresponse()
            try:
                return answer.status, answer.read().decode()
            except http.client.IncompleteRead as cut:  # what was still on its way made the connection end
                return answer.status, cut.partial.decode()
        finally:
            connection.close()

    def close(self) -> None:
        """Close the tab."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _await(self, kind: str, drawn: list[str] | None = None) -> ForwardMsg:
        while True:
            message = ForwardMsg()
            message.ParseFromString(self._socket.recv(timeout=60))  # type: ignore[arg-type]
            if drawn is not None and message.WhichOneof("type") in ("delta", "navigation"):
                drawn.append(str(message))
            if message.WhichOneof("type") == kind and not (
                kind == "script_finished" and message.script_finished in _ONLY_PARTLY
            ):
                return message
