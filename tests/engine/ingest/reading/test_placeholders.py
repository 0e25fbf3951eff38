from __future__ import annotations

import pytest

from engine.ingest.reading.placeholders import missing_texts


@pytest.mark.parametrize(
    ("texts", "name", "missing"),
    [
        (["red", "—", "n/a", "NA", "."], "colour", {"—", "n/a", "NA", "."}),
        (["DE", "NA", "FR"], "country", set()),
        (["NA"], "colour", set()),
        (["-", "n/a"], "colour", set()),
        (["red", "none of these"], "colour", set()),
    ],
)
def test_placeholders_are_missing_where_the_rest_is_something_else(
    texts: list[str], name: str, missing: set[str]
) -> None:
    assert missing_texts(texts, name) == missing
