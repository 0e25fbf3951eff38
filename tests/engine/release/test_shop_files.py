from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.release.shop_files import _lists

VALUES = st.lists(st.sampled_from(["a", "b", "", "a\x1fb", "\x1f"]), max_size=3)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@given(st.lists(st.none() | VALUES, max_size=30))
def test_values_come_as_they_are_in_the_file(kind: pa.DataType, rows: list[list[str] | None]):
    column = pa.chunked_array([pa.array(rows[:7], pa.list_(kind)), pa.array(rows[7:], pa.list_(kind))])
    assert _lists(column).tolist() == rows


def test_products_with_the_same_values_share_a_list():
    column = pa.chunked_array([pa.array([["a", "b"], None, ["a", "b"], []])])
    first, _, third, _ = _lists(column)
    assert first is third
