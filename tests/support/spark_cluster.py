"""A real standalone Spark cluster on this machine: a master and workers of one core, each a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["QUICK", "SparkCluster", "missing_for_spark", "running_cluster"]

QUICK = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
"""A JVM that lives for a minute is better off without its second compiler, and need not look closely at Spark's own classes."""
PATIENCE = 180.0


def missing_for_spark() -> str | None:
    """What there is to install before a cluster can run here; None where there is nothing."""
    if find_spec("pyspark") is None:
        return "pyspark is not installed: pip install -r requirements-spark.txt"
    if shutil.which("java") is None:
        return "there is no Java: apt install openjdk-17-jre-headless"
    return None


class SparkCluster:
    """A master on a port of its own, and workers that can be killed."""

    def __init__(self, folder: Path, n_workers: int, worker_memory: str = "1g"):
        self._folder, self._worker_memory = folder, worker_memory
        self._n_started, self._registered = 0, 0
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.master = f"spark://127.0.0.1:{free.getsockname()[1]}"
        self._master = self._start("master.Master", "--host", "127.0.0.1", "--port", self.master.rpartition(":")[2])
        self._workers: list[subprocess.Popen[bytes]] = []
        self.have(n_workers)

    def settings(self, **more: Any) -> dict[str, Any]:
        """The group `cluster` of settings for it."""
        options = {"spark.driver.extraJavaOptions": QUICK, "spark.executor.extraJavaOptions": QUICK}
        return {"master": self.master, "memory": "512m", "driver_memory": "512m", "options": options, **more}

    def have(self, n_workers: int) -> None:
        """Start workers until there are so many."""
        while len(self._workers) < n_workers:
            self._workers.append(self._start_worker())
            self._registered += 1
        self._wait_for(self._registered)

    def kill_worker(self) -> None:
        """As if its machine lost power: the worker and its executor."""
        self._kill(self._workers.pop())

    def stop(self) -> None:
        """Kill whatever is left."""
        for process in (*self._workers, self._master):
            self._kill(process)

    def _start_worker(self) -> subprocess.Popen[bytes]:
        place = str(self._folder / f"worker-{self._n_started}")
        return self._start(
            "worker.Worker",
            "--host",
            "127.0.0.1",
            "--cores",
            "1",
            "--memory",
            self._worker_memory,
            "--work-dir",
            place,
            self.master,
        )

    def _start(self, role: str, *arguments: str) -> subprocess.Popen[bytes]:
        import pyspark

        self._n_started += 1
        program = Path(pyspark.__file__).parent / "bin" / "spark-class"
        chosen = {"SPARK_DAEMON_MEMORY": "128m", "SPARK_DAEMON_JAVA_OPTS": QUICK, "SPARK_LOCAL_IP": "127.0.0.1"}
        with self._log(self._n_started).open("wb") as log:
            return subprocess.Popen(
                [str(program), f"org.apache.spark.deploy.{role}", "--webui-port", "0", *arguments],
                env={**os.environ, **chosen, "PYSPARK_PYTHON": sys.executable},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _log(self, number: int) -> Path:
        return self._folder / f"process-{number}.log"

    def _wait_for(self, n_workers: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while self._log(1).read_text("utf-8", "replace").count("Registering worker") < n_workers:
            assert self._master.poll() is None, self._log(1).read_text("utf-8", "replace")[-3000:]
            assert time.monotonic() < deadline, self._log(1).read_text("utf-8", "replace")[-3000:]
            time.sleep(0.1)

    @staticmethod
    def _kill(process: subprocess.Popen[bytes]) -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def running_cluster(folder: Path, n_workers: int = 2, worker_memory: str = "1g") -> Iterator[SparkCluster]:
    """A cluster that is gone when the block ends; its workers have so much memory for executors."""
    cluster = SparkCluster(folder, n_workers, worker_memory)
    try:
        yield cluster
    finally:
        cluster.stop()
