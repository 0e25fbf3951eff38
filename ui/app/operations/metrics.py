"""What the dashboard counts and times, in a registry of its own, and GET /metrics, which Prometheus reads.

Figures of the shop are looked up when they are asked for, and then hold for some seconds: a scrape costs next to nothing.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from engine.core.errors import LongtailError
from ui.app.access import host_is_loopback
from ui.app.resources import settings
from ui.widgets.addresses import base_path

__all__ = ["REGISTRY", "RecordCounter", "answered", "metrics", "rerun_of", "route_of"]

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
_SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
_requests = Counter("longtail_requests", "Answers to HTTP requests.", ("route", "status"), registry=REGISTRY)
_request_seconds = Histogram(
    "longtail_request_seconds", "Time to answer.", ("route",), buckets=_SECONDS, registry=REGISTRY
)
_rerun_seconds = Histogram(
    "longtail_rerun_seconds", "Time to run a page.", ("page",), buckets=_SECONDS, registry=REGISTRY
)
_records = Counter("longtail_log_records", "Warnings and errors that were logged.", ("level",), registry=REGISTRY)

# Addresses of strangers must not become labels; what is not listed counts as "other".
_ROUTES = (
    "/health/live", "/health/ready", "/metrics", "/review/cards", "/review/decisions", "/thumb", "/picture", "/find", "/why", "/map-data", "/script",
    "/_stcore/upload_file", "/_stcore/bidi-components", "/_stcore", "/media", "/static", "/component",
)  # fmt: skip
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_REFUSED = "Figures are shown to this machine alone, or with metrics.token as a bearer token.\n"


def route_of(path: str) -> str:
    """The route that a path belongs to; one of a few."""
    path = path.removeprefix(base_path())
    return next((route for route in _ROUTES if path == route or path.startswith(f"{route}/")), "other")


def answered(path: str, status: int, seconds: float) -> None:
    """Count an answer."""
    route = route_of(path)
    _requests.labels(route, str(status)).inc()
    _request_seconds.labels(route).observe(seconds)


@contextmanager
def rerun_of(page: str) -> Iterator[None]:
    """Time the block as a run of this page."""
    began = time.perf_counter()
    try:
        yield
    finally:
        _rerun_seconds.labels(page).observe(time.perf_counter() - began)


class RecordCounter(logging.Handler):
    """Counts what is logged from warnings upwards."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Count it."""
        _records.labels("error" if record.levelno >= logging.ERROR else "warning").inc()


async def metrics(request: Request) -> Response:
    """The figures as Prometheus reads them; 403 for whoever may not see them."""
    if not await run_in_threadpool(_may_see, request):
        return PlainTextResponse(_REFUSED, status_code=403, headers={"Cache-Control": "no-store"})
    text = await run_in_threadpool(generate_latest, REGISTRY)
    return Response(text, headers={"Cache-Control": "no-store", "Content-Type": CONTENT_TYPE_LATEST})


def _may_see(request: Request) -> bool:
    """With the token; or, where none is set, from this very machine and not by way of a proxy."""
    try:
        token, hosts = settings().metrics.token, settings().access.hosts
    except LongtailError:
        return False
    if token is not None:
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(
            given.encode("utf-8", "surrogateescape"), f"Bearer {token.get_secret_value()}".encode()
        )
    proxied = bool(hosts) or any(name in request.headers for name in _FORWARDED)
    # A page of somebody else may have pointed a name of its own at this machine, and read what its browser gets.
    own_name = host_is_loopback(dict(request.scope["headers"]))
    return not proxied and own_name and request.client is not None and _is_loopback(request.client.host)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
