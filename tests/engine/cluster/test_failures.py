"""What a cluster cannot do is told in one sentence, before anything is trained."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import pytest

from engine.cluster.failures import told
from engine.cluster.session import cluster_in_use, on_cluster
from engine.core.errors import ClusterError, SettingsError
from engine.core.settings import load_settings
from engine.core.settings_groups import ClusterSettings
from tests.conftest import skip_or_fail
from tests.support.spark_cluster import missing_for_spark


@pytest.fixture
def master() -> Iterator[str]:
    """The address of something that listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"spark://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def with_spark() -> None:
    if missing := missing_for_spark():
        skip_or_fail(missing)


def refused(master: str) -> str:
    with pytest.raises(ClusterError) as told_so, on_cluster(ClusterSettings(master=master)):
        pass
    return str(told_so.value)


def test_without_a_master_nothing_of_spark_is_loaded():
    with on_cluster(ClusterSettings()):
        assert cluster_in_use() is None


def test_a_missing_pyspark_is_told_with_the_command_that_installs_it(master: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    assert refused(master) == (
        "cluster.master is set, and pyspark is not installed. Install it with: pip install -r requirements-spark.txt, or unset "
        "cluster.master."
    )


@pytest.mark.usefixtures("with_spark")
def test_a_missing_java_is_told(master: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert refused(master).startswith("Spark needs Java 17 or later, and there is none on this machine. Install it")
    monkeypatch.setenv("JAVA_HOME", "/nowhere/java")
    assert "JAVA_HOME names /nowhere/java, and there is none in it" in refused(master)


@pytest.mark.usefixtures("with_spark")
def test_a_master_that_does_not_answer_is_told_at_once():
    with socket.create_server(("127.0.0.1", 0)) as server:
        gone = f"spark://127.0.0.1:{server.getsockname()[1]}"
    assert refused(gone).startswith(f"No Spark master answers at {gone}")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "[PYTHON_VERSION_MISMATCH] Python in worker has different version: 3.9 than that in driver: 3.11, PySpark cannot run",
            "The cluster's workers run Python 3.9, and this machine Python 3.11. Install Python 3.11 on the workers, and name it in "
            "cluster.python.",
        ),
        (
            'java.io.IOException: Cannot run program "/opt/python": error=2, No such file or directory',
            "The cluster's workers have no /opt/python. Name their Python in cluster.python.",
        ),
        (
            "ModuleNotFoundError: No module named 'implicit'\n\n\tat org.apache.spark.api.python.BasePythonRunner",
            "The cluster's workers lack the package implicit. Install requirements.txt and requirements-spark.txt for the Python that "
            "they run, and name it in cluster.python.",
        ),
        (
            "[PATH_NOT_FOUND] Path does not exist: s3a://shop/events. SQLSTATE: 42K03",
            "The cluster's workers cannot read s3a://shop/events. Put the workspace on storage that all machines see under one path, or "
            "name the events in cluster.events.",
        ),
        (
            "java.lang.OutOfMemoryError: Java heap space",
            "The memory of the cluster's workers does not suffice. Raise cluster.memory, or cluster.driver_memory here.",
        ),
        (
            "Job aborted\nValueError: the last thing that Python said\n\tat scala.Option.foreach",
            "The cluster at spark://one:7077 failed: ValueError: the last thing that Python said",
        ),
    ],
)
def test_what_spark_raises_becomes_a_sentence(said: str, sentence: str):
    assert str(told("spark://one:7077", RuntimeError(said))) == sentence


@pytest.mark.usefixtures("with_spark")
def test_another_python_is_recognised_as_pyspark_words_it():
    from pyspark.errors import PySparkRuntimeError

    versions = {"worker_version": "3.9", "driver_version": "3.11"}
    raised = PySparkRuntimeError(errorClass="PYTHON_VERSION_MISMATCH", messageParameters=versions)
    assert str(told("spark://one:7077", raised)).startswith(
        "The cluster's workers run Python 3.9, and this machine Python 3.11."
    )


@pytest.mark.parametrize("memory", ["2", "lots", "0g", "-1g"])
def test_memory_is_given_as_java_takes_it(memory: str):
    with pytest.raises(SettingsError, match=r"cluster\.memory"):
        load_settings(overrides={"cluster.master": "spark://one:7077", "cluster.memory": memory})
