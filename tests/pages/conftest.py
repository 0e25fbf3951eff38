"""What every test of a page builds on."""

from __future__ import annotations

import pytest

from engine.serving import edits_database


@pytest.fixture(autouse=True)
def edits_of_others_are_seen_at_once(monkeypatch) -> None:
    """A test writes through a database of its own; a dashboard asks for what others wrote every half a second alone."""
    monkeypatch.setattr(edits_database, "STAMP_SECONDS", -1.0)
