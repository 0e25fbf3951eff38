"""A throwaway PostgreSQL server, Debian's, and databases on it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from pathlib import Path

import psycopg

__all__ = ["PostgresServer"]


class PostgresServer:
    """A server on a loopback port of its own with its data in a folder of its own; raises `FileNotFoundError` where none is
    installed under /usr/lib/postgresql.

    Parameters
    ----------
    fsync : whether commits wait for the disk, as they do where data must last.

    Attributes
    ----------
    url : without the name of a database.
    """

    def __init__(self, *, fsync: bool = False) -> None:
        programs = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None, key=lambda path: int(path.parent.name))
        if programs is None or not (programs / "initdb").exists():
            raise FileNotFoundError("no PostgreSQL under /usr/lib/postgresql")
        self._programs, self._fsync = programs, fsync
        self._folder = Path(tempfile.mkdtemp(prefix="longtail-postgres-"))
        # PostgreSQL refuses to run as root: there its own user runs it.
        self._become = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        if self._become:
            shutil.chown(self._folder, "postgres", "postgres")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._data = self._folder / "data"
        self.url = f"postgresql://longtail@127.0.0.1:{self._port}"
        self._run("initdb", "-D", self._data, "-U", "longtail", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        self.start()

    def start(self) -> None:
        options = (
            f"-c listen_addresses=127.0.0.1 -p {self._port} -k {self._folder} -c fsync={'on' if self._fsync else 'off'}"
        )
        self._run("pg_ctl", "-D", self._data, "-w", "-l", self._folder / "log", "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it; `immediate` is what a crash is."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", mode, "stop")

    def make_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(f"{self.url}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"{self.url}/{name}"

    def remove(self) -> None:
        """Stop it, whatever it does, and delete its data."""
        try:
            self.stop()
        except subprocess.CalledProcessError:
            pass  # it is not running
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str | Path) -> None:
        subprocess.run(
            [*self._become, str(self._programs / program), *map(str, arguments)],
            check=True, capture_output=True, timeout=60, cwd=self._folder,
        )  # fmt: skip
