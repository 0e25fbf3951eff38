"""Several dashboards of one workspace behind a proxy, set up by the very files that docs/teams.md shows.

Shared by the load run and `tests/teams`. Needs Debian's nginx-light or haproxy.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from benchmarks.support import ROOT, free_port

__all__ = ["HEADER_SECRET", "SETTINGS", "USER_HEADER", "Dashboard", "Proxy", "configuration"]

PAGE = ROOT / "docs" / "teams.md"
PATIENCE = 120.0
HEADER_SECRET = "at least 16 characters that only the proxy and this file know"
USER_HEADER = "X-Test-User"
"""By this header of a request the proxies here know who asks, in the place of a company's sign-in."""
SETTINGS = f"""
[auth]
header = "X-Forwarded-User"
header_secret = "{HEADER_SECRET}"
proxies = ["127.0.0.1"]

[limits]
connections = 800
people_per_address = 60
"""


class Dashboard:
    """`streamlit run app.py` on a workspace, once it answers; raises `RuntimeError` with its log where it does not.

    Attributes
    ----------
    port, process, log : of the one that runs now.
    """

    def __init__(self, workspace: Path, log: Path, variables: Mapping[str, str] | None = None) -> None:
        self._workspace, self.log, self._variables = workspace, log, dict(variables or {})
        self.port = free_port()
        self.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, again where it was stopped."""
        variables = {**os.environ, "LONGTAIL_WORKSPACE": str(self._workspace), "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)]
        with self.log.open("ab") as stream:
            self.process = subprocess.Popen(
                [*command, "--server.address", "127.0.0.1"], cwd=ROOT, env={**variables, **self._variables},
                stdout=stream, stderr=subprocess.STDOUT,
            )  # fmt: skip
        _wait_for(self.address, self.process, self.log)

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end, and make it."""
        _stop(self.process)


class Proxy:
    """nginx or HAProxy in front of dashboards, on a loopback port of its own. Used as a context manager.

    Raises `FileNotFoundError` where the program is not installed.

    Parameters
    ----------
    kind : "nginx" or "haproxy".
    ports : of the dashboards.
    sticky : without it browsers go to all of them in turn.
    """

    def __init__(self, kind: str, ports: Sequence[int], *, sticky: bool = True) -> None:
        self.program = shutil.which(kind) or shutil.which(kind, path="/usr/sbin:/usr/local/sbin")
        if self.program is None:
            raise FileNotFoundError(f"no {kind}; install Debian's {'nginx-light' if kind == 'nginx' else kind}")
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix=f"longtail-{kind}-"))
        self._folder.chmod(0o755)
        file, log = self._folder / "proxy.conf", self._folder / "log"
        file.write_text(configuration(kind, self.port, ports, self._folder, sticky=sticky), "utf-8")
        command = [
            self.program,
            *(("-p", str(self._folder), "-c", str(file)) if kind == "nginx" else ("-db", "-f", str(file))),
        ]
        with log.open("wb") as stream:
            self.process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, cwd=self._folder)
        _wait_for(self.address, self.process, log)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Proxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _stop(self.process)
        shutil.rmtree(self._folder, ignore_errors=True)


def configuration(kind: str, port: int, ports: Sequence[int], folder: Path, *, sticky: bool = True) -> str:
    """The configuration of docs/teams.md on loopback ports, without TLS, with `USER_HEADER` in the place of sign-in."""
    text = "\n".join(re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text("utf-8"), re.S))
    if kind == "nginx":
        text = re.sub(r" *ssl_certificate.*\n", "", text)
        text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};").replace(
            "$user;", f"${_variable(USER_HEADER)};"
        )
        text = text.replace("location / {", "add_header X-Dashboard $upstream_addr always;\n    location / {")
        if not sticky:
            text = re.sub(r" *hash \$.*\n", "", text)
        text = (
            f"worker_processes 1;\ndaemon off;\npid {folder}/pid;\nerror_log stderr warn;\n"
            "events { worker_connections 1024; }\nhttp {\naccess_log off;\n"
            + "".join(
                f"{one}_temp_path {folder}/{one};\n" for one in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            )
            + f"{text}}}\n"
        )
        text = f"user {pwd.getpwuid(0).pw_name};\n{text}" if os.getuid() == 0 else text
    else:
        text = text.replace("bind :443 ssl crt /etc/ssl/longtail.pem", f"bind 127.0.0.1:{port}")
        text = text.replace("%[ssl_c_s_dn(cn)]", f"%[req.hdr({USER_HEADER})]")
        text = text.replace(
            "    option httpchk", "    http-response set-header X-Dashboard %[srv_name]\n    option httpchk"
        )
        if not sticky:
            text = re.sub(r" *cookie longtail.*\n", "", text).replace("leastconn", "roundrobin")
    for place, dashboard in zip((8501, 8502), ports, strict=True):
        text = text.replace(f"127.0.0.1:{place}", f"127.0.0.1:{dashboard}")
    return text


def _variable(header: str) -> str:
    return "http_" + header.lower().replace("-", "_")


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        with suppress(OSError, urllib.error.HTTPError):
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=2)
            return
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"{address} does not answer:\n{log.read_text('utf-8', 'replace')[-2000:]}")
        time.sleep(0.1)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(15)
    if process.poll() is None:
        process.kill()
        process.wait()
