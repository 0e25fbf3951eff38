"""Object stores on loopback, in processes of their own."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import HTTPError

import pyarrow.fs
import pytest

from tests.conftest import REPOSITORY, skip_or_fail


@contextmanager
def server(program: str, *arguments: str) -> Iterator[str]:
    """Run a program of `.venv-stores` until it answers; its address. `{port}` in the arguments is the port."""
    path = REPOSITORY / ".venv-stores" / "bin" / program
    if not path.exists():
        skip_or_fail(f"no {path}; `make install` installs it")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(path), *(argument.format(port=port) for argument in arguments)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def wait_for(address: str) -> None:
    """Until the server answers, whatever it says."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except HTTPError:
            return
        except OSError:
            pass
        time.sleep(0.1)
    raise TimeoutError(address)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    with server("moto_server", "-H", "127.0.0.1", "-p", "{port}") as address:
        yield address


@pytest.fixture(scope="session")
def gcs_server() -> Iterator[str]:
    with server("gcp-storage-emulator", "start", "--host", "127.0.0.1", "--port", "{port}", "--in-memory") as address:
        yield address


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> pyarrow.fs.FileSystem:
    """A server with an empty bucket `shop`, which the environment names."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "geheim")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    urllib.request.urlopen(urllib.request.Request(f"{s3_server}/moto-api/reset", method="POST")).close()
    store = pyarrow.fs.S3FileSystem(endpoint_override=s3_server, allow_bucket_creation=True)
    store.create_dir("shop")
    return store


@pytest.fixture
def gcs(gcs_server: str, monkeypatch: pytest.MonkeyPatch) -> pyarrow.fs.FileSystem:
    """A server with a bucket `shop`, which the environment names."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_server)
    body, kind = json.dumps({"name": "shop"}).encode(), {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(f"{gcs_server}/storage/v1/b?project=x", body, kind)).close()
    host = gcs_server.removeprefix("http://")
    return pyarrow.fs.GcsFileSystem(anonymous=True, scheme="http", endpoint_override=host)
