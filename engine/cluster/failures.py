"""What goes wrong on a cluster, in one sentence that says what to do; what Spark said stays as its cause."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from engine.core.errors import ClusterError
from engine.core.settings import environment_variable

__all__ = ["INSTALL", "driver_ended", "lost", "require_java", "require_master", "told"]

INSTALL = "Install it with: pip install -r requirements-spark.txt"
_REACHED_IN = 5.0


def require_java() -> None:
    """Raise `ClusterError` where Spark would find no Java."""
    home = environment_variable("JAVA_HOME")
    if not (Path(home, "bin", "java").is_file() if home else shutil.which("java")):
        where = f"JAVA_HOME names {home}, and there is none in it" if home else "there is none on this machine"
        raise ClusterError(
            f"Spark needs Java 17 or later, and {where}. Install it (apt install openjdk-17-jre-headless), or unset cluster.master."
        )


def require_master(master: str) -> None:
    """Raise `ClusterError` where nobody listens at any address of `spark://HOST:PORT[,HOST:PORT]`; other masters are asked by Spark itself."""
    if not master.startswith("spark://"):
        return
    for address in master.removeprefix("spark://").split(","):
        parts = urlsplit(f"//{address}")
        try:
            socket.create_connection((parts.hostname or "", parts.port or 7077), _REACHED_IN).close()
            return
        except OSError as exc:
            refused = exc
    raise ClusterError(
        f"No Spark master answers at {master} ({refused}). Start it, correct cluster.master, or unset it to train on this machine."
    )


def lost(master: str, seconds: float) -> ClusterError:
    """For an application that had no worker for so long."""
    return ClusterError(
        f"The cluster at {master} has had no worker for {seconds:.0f} seconds: all were lost, or none has the memory and the cores that are "
        "asked for. Start workers, or lower cluster.memory; what was served before is served still."
    )


def driver_ended(memory: str) -> ClusterError:
    """For an application whose JVM here is gone."""
    return ClusterError(
        f"The process that sends work to the cluster ended, most likely because {memory} of memory does not suffice for it. Raise "
        "cluster.driver_memory and train again; what was served before is served still."
    )


def told(master: str, exc: BaseException) -> ClusterError:
    """The sentence for what Spark raised."""
    said = str(exc)
    for pattern, sentence in _KNOWN:
        if found := re.search(pattern, said):
            return ClusterError(sentence(found))
    last = next((line.strip() for line in reversed(_python_lines(said)) if line.strip()), type(exc).__name__)
    return ClusterError(f"The cluster at {master} failed: {last[:300]}")


_KNOWN: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (
        r"different version:? ?(?:in worker:? )?([\d.]+) than that in driver:? ?([\d.]+)",
        lambda found: (
            f"The cluster's workers run Python {found[1]}, and this machine Python {found[2]}. Install Python {found[2]} on the workers, "
            "and name it in cluster.python."
        ),
    ),
    (
        r'Cannot run program "([^"]+)"',
        lambda found: f"The cluster's workers have no {found[1]}. Name their Python in cluster.python.",
    ),
    (
        r"ModuleNotFoundError: No module named '([^']+)'",
        lambda found: (
            f"The cluster's workers lack the package {found[1]}. Install requirements.txt and requirements-spark.txt for the Python that "
            "they run, and name it in cluster.python."
        ),
    ),
    (
        r"(?:\[PATH_NOT_FOUND\] Path does not exist: |FileNotFoundException: (?:File )?)(\S+)",
        lambda found: (
            f"The cluster's workers cannot read {found[1].rstrip('.')}. Put the workspace on storage that all machines see under one path, or "
            "name the events in cluster.events."
        ),
    ),
    (
        r"OutOfMemoryError|ExecutorLostFailure.*(?:exit code 137|OOM)|MemoryError",
        lambda found: (
            "The memory of the cluster's workers does not suffice. Raise cluster.memory, or cluster.driver_memory here."
        ),
    ),
    (
        r"All masters are unresponsive|SparkContext was shut down|stopped SparkContext|Connection refused",
        lambda found: (
            "The connection to the cluster broke off. Check that its master runs, and train again; what was served before is served still."
        ),
    ),
)


def _python_lines(said: str) -> list[str]:
    """The part of a message that comes from Python, without the stack of the JVM."""
    return [
        line
        for line in said.splitlines()
        if not re.match(r"\s*(at |\.\.\. \d+ more|Driver stacktrace|Caused by)", line)
    ]
