"""The figures of the shop that GET /metrics gives: what is served, judged, trained, and how many people are there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from streamlit.runtime import Runtime
from streamlit.runtime.stats import ACTIVE_SESSIONS_FAMILY, CACHE_MEMORY_FAMILY

from engine.core.errors import LongtailError
from engine.curation.activity import activity
from engine.jobs import RunStatus, latest_runs
from engine.release.publish import current_release_id, last_good_release
from engine.store import has_database
from ui.app.resources import database, served, settings, workspace

__all__ = ["ShopFigures", "held_by_uploads", "open_sessions"]

KEPT = 10.0  # seconds for which what was looked up holds
RUNS_LOOKED_AT = 20
Figures = dict[str, float]

_HELP = {
    "longtail_sessions": "Browser tabs that are connected.",
    "longtail_uploads_bytes": "Memory held by files that people have uploaded and not used yet.",
    "longtail_database_up": "1 where the database answers.",
    "longtail_judgements": "Judgements ever stored.",
    "longtail_queue_products": "Products of open campaigns that are not judged yet.",
    "longtail_leases": "Products that somebody has on their screen to judge.",
    "longtail_release_number": "The release that is served.",
    "longtail_release_age_seconds": "Time since it was trained.",
    "longtail_release_damaged": "1 where another release had to be served than the one published last, or none can be.",
    "longtail_training_running": "1 while a training or a load with training runs.",
    "longtail_training_last_succeeded": "1 where the last training that ended did so well.",
    "longtail_training_last_seconds": "Time that it took.",
    "longtail_training_last_end_timestamp_seconds": "When it ended.",
}


class ShopFigures(Collector):
    """Looks the figures up, at most every `KEPT` seconds; one that cannot be known is left out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: Figures = {}
        self._until = 0.0

    def collect(self) -> Iterator[Metric]:
        """A gauge for each figure."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._known = {}
                for look_up in (_people, _judging, _release, _training):
                    self._known |= _tried(look_up)
                self._until = time.monotonic() + KEPT
            known = dict(self._known)
        for name, value in known.items():
            yield GaugeMetricFamily(name, _HELP[name], value=value)


def open_sessions() -> int:
    """Browser tabs that are connected to this server."""
    return int(_streamlit_figure(ACTIVE_SESSIONS_FAMILY, "value"))


def held_by_uploads() -> int:
    """Bytes of memory that uploads hold."""
    return int(_streamlit_figure(CACHE_MEMORY_FAMILY, "byte_length"))


def _streamlit_figure(family: str, attribute: str) -> float:
    if not Runtime.exists():
        return 0
    manager = Runtime.instance()
    provider = manager.stats_mgr if family == ACTIVE_SESSIONS_FAMILY else manager.uploaded_file_mgr
    return float(sum(getattr(stat, attribute) for stat in provider.get_stats([family]).get(family, ())))


def _people() -> Figures:
    return {"longtail_sessions": open_sessions(), "longtail_uploads_bytes": held_by_uploads()}


def _judging() -> Figures:
    if not has_database(workspace(), settings()):
        return {}
    try:
        counts = activity(database(), time.time())
    except LongtailError:
        return {"longtail_database_up": 0}
    return {
        "longtail_database_up": 1,
        "longtail_judgements": counts.judgements,
        "longtail_queue_products": counts.waiting,
        "longtail_leases": counts.leases,
    }


def _release() -> Figures:
    if current_release_id(workspace()) is None:
        return {}
    try:
        shop = served()
    except LongtailError:
        return {"longtail_release_damaged": 1}
    try:
        _, damage = last_good_release(workspace())
    except LongtailError as exc:
        damage = str(exc)
    manifest = shop.as_trained.manifest
    age = datetime.now(UTC) - datetime.fromisoformat(manifest.created_at)
    return {
        "longtail_release_number": float(manifest.number),
        "longtail_release_age_seconds": age.total_seconds(),
        "longtail_release_damaged": 1 if damage else 0,
    }


def _training() -> Figures:
    runs = [run for run in latest_runs(workspace(), RUNS_LOOKED_AT) if _trains(run)]
    figures: Figures = {"longtail_training_running": float(any(run.state == "running" for run in runs))}
    last = next((run for run in runs if run.ended_at is not None), None)
    if last is not None and last.ended_at is not None:
        figures["longtail_training_last_succeeded"] = float(last.state == "done")
        figures["longtail_training_last_seconds"] = (last.ended_at - last.started_at).total_seconds()
        figures["longtail_training_last_end_timestamp_seconds"] = last.ended_at.timestamp()
    return figures


def _trains(run: RunStatus) -> bool:
    return run.kind in ("train", "demo") or bool(run.release_id)


def _tried(look_up: Callable[[], Figures]) -> Figures:
    try:
        return look_up()
    except (LongtailError, OSError):
        return {}
