from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.picture_server import Server, picture_server


@pytest.fixture
def server() -> Iterator[Server]:
    with picture_server() as served:
        yield served
