"""The Spark application of one training: started, watched, and stopped."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cluster.failures import INSTALL, driver_ended, lost, require_java, require_master, told
from engine.cluster.held import SparkWorkers
from engine.cluster.shipped_code import write_engine
from engine.core.errors import ClusterError, LongtailError
from engine.core.progress import Progress, silent
from engine.core.settings_groups import ClusterSettings
from engine.core.workers import workers, working_with

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["Cluster", "cluster_in_use", "on_cluster"]

STEP = "Starting the cluster"
DRIVER_ENDS_IN = 1.0
"""Seconds after which a JVM that nobody can talk to any more has ended, if it did."""
LOOK_EVERY = 2.0
"""Seconds between two looks at which workers there are."""


class Cluster(SparkWorkers):
    """The cluster that a training works on.

    Attributes
    ----------
    session : of the application. cores : that its executors have, as far as they have come.
    """

    def __init__(self, session: SparkSession, settings: ClusterSettings):
        super().__init__(session.sparkContext, self._told)
        self.session, self.settings = session, settings
        self._gone, self._ended = threading.Event(), threading.Event()
        threading.Thread(target=self._watch, name="cluster-watch", daemon=True).start()

    @property
    def cores(self) -> int:
        """At least 1."""
        return int(max(1, self.context.defaultParallelism))

    def close(self) -> None:
        """End the application."""
        self._ended.set()
        with suppress(Exception):  # its JVM may be gone
            self.session.stop()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except LongtailError:
            raise
        except Exception as exc:  # py4j, pyspark and sockets raise whatever they like
            raise self._why(exc) from exc

    def _why(self, exc: Exception) -> ClusterError:
        master = str(self.settings.master)
        if self._gone.is_set():
            return lost(master, self.settings.patience)
        with suppress(subprocess.TimeoutExpired, AttributeError):
            self.context._gateway.proc.wait(DRIVER_ENDS_IN)
            return driver_ended(self.settings.driver_memory)
        return told(master, exc)

    def _watch(self) -> None:
        """End the jobs once there has been no executor for too long: Spark would wait for ever."""
        without = 0.0
        while not self._ended.wait(LOOK_EVERY):
            try:
                executors = self.context._jsc.sc().statusTracker().getExecutorInfos()
                without = 0.0 if len(executors) > 1 or self._is_local() else without + LOOK_EVERY  # one is the driver
                if without >= self.settings.patience:
                    self._gone.set()
                    self.context.cancelAllJobs()
            except Exception:  # the application has ended: whoever waits for a job hears it there
                return

    def _is_local(self) -> bool:
        return str(self.settings.master).startswith("local")


def cluster_in_use() -> Cluster | None:
    """The cluster that this training works on; None where it works on this machine alone."""
    some = workers()
    return some if isinstance(some, Cluster) else None


@contextmanager
def on_cluster(settings: ClusterSettings, progress: Progress = silent) -> Iterator[None]:
    """In the block heavy work is done on the cluster at `cluster.master`; here, where that is unset.

    Raises `ClusterError` where pyspark or Java is missing, nobody answers, or the workers cannot run what the driver sends.
    """
    if settings.master is None:
        yield
        return
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        # Nothing here goes through pandas, which pyspark would only half support.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        builder = _builder()
        require_java()
        require_master(settings.master)
        progress(STEP, 0.0, settings.master)
        cluster = _started(builder, settings, Path(folder))
        progress(STEP, 1.0)
        try:
            with working_with(cluster):
                yield
        finally:
            cluster.close()


def _builder() -> Any:
    """What builds a session."""
    try:
        from pyspark.sql import SparkSession
    except ImportError as exc:
        raise ClusterError(
            f"cluster.master is set, and pyspark is not installed. {INSTALL}, or unset cluster.master."
        ) from exc
    return SparkSession.builder.appName("longtail")


def _started(builder: Any, settings: ClusterSettings, folder: Path) -> Cluster:
    for name, value in _configuration(settings).items():
        builder = builder.config(name, value)
    interrupted = signal.getsignal(signal.SIGINT)
    try:
        session = builder.getOrCreate()
    except Exception as exc:
        raise told(str(settings.master), exc) from exc
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, interrupted)  # pyspark takes Ctrl-C, and keeps it when it has stopped
    session.sparkContext.pythonExec = settings.python or sys.executable
    cluster = Cluster(session, settings)
    try:
        session.sparkContext.addPyFile(str(write_engine(folder / "engine.zip")))
        _try_out(cluster)
    except BaseException:
        cluster.close()
        raise
    return cluster


def _configuration(settings: ClusterSettings) -> dict[str, str]:
    """What the application starts with; `cluster.options` win."""
    chosen: dict[str, Any] = {
        "spark.master": settings.master,
        "spark.driver.memory": settings.driver_memory,
        # Without, it would go on with a scheduler that lost what it could not hold, and no job would ever end.
        "spark.driver.defaultJavaOptions": "-XX:+ExitOnOutOfMemoryError",
        "spark.driver.maxResultSize": 0,
        "spark.executor.memory": settings.memory,
        "spark.executorEnv.OPENBLAS_NUM_THREADS": 1,
        "spark.executorEnv.OMP_NUM_THREADS": 1,
        "spark.broadcast.compress": "false",  # vectors do not get smaller
        "spark.log.level": "ERROR",
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    if _on_this_machine(str(settings.master)):
        chosen |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    return {name: str(value) for name, value in (chosen | dict(settings.options)).items()}


def _on_this_machine(master: str) -> bool:
    return master.startswith(("local", "spark://127.0.0.1", "spark://localhost"))


def _try_out(cluster: Cluster) -> None:
    """Have a worker do something, so that whatever is wrong with all of them is said before the training begins."""
    list(cluster.hold([0]).each(_imports))


def _imports(part: int) -> int:
    """What every stage needs on a worker."""
    for module in ("implicit", "duckdb", "engine.cluster.interactions", "engine.models.als"):
        import_module(module)

    return part
