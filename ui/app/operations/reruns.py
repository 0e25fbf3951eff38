"""One run of a page: named in the log, and timed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from engine.core.errors import LongtailError
from engine.core.logs import bound
from ui.app.operations.metrics import rerun_of
from ui.app.operations.requests import new_request_id
from ui.app.person import person

__all__ = ["rerun"]


@contextmanager
def rerun(page: str) -> Iterator[None]:
    """What is logged in the block carries an id of this run and who it is for; the block is timed under the page's name."""
    facts = {"request_id": new_request_id()}
    with suppress(LongtailError):  # the page itself says what is wrong
        if actor := person():
            facts["actor"] = actor.name
    with bound(**facts), rerun_of(page):
        yield
