from __future__ import annotations

from engine.ingest.preview import ColumnPreview, Preview, TablePreview
from ui.runs.load_columns import Choices, choose, mapping_of


def seen(role: str, **fields: str | None) -> Preview:
    """A preview of one table: column -> the field that it is read as."""
    columns = tuple(ColumnPreview(name, (), field, None, "", "sure", "") for name, field in fields.items())
    return Preview({role: TablePreview(role, "a.csv", columns, (), ())}, (), (), {})


def test_a_field_is_mapped_to_the_chosen_column_and_leaves_the_other() -> None:
    choices: Choices = {}
    choose(choices, "items", "label", "field:title")
    assert mapping_of(choices, seen("items", name="title", label=None)) == {"items.title": "label"}


def test_a_column_that_is_not_to_be_used_leaves_its_field_empty_and_is_no_attribute() -> None:
    choices: Choices = {}
    choose(choices, "items", "name", "skip")
    assert mapping_of(choices, seen("items", name="title")) == {"kind.name": "skip", "items.title": ""}
    assert mapping_of({("interactions", "when"): "skip"}, seen("interactions", when="timestamp")) == {
        "interactions.timestamp": ""
    }


def test_a_column_can_be_an_attribute_of_a_kind() -> None:
    assert mapping_of({("items", "shade"): "kind:category"}, seen("items", shade=None)) == {"kind.shade": "category"}


def test_a_field_belongs_to_the_column_that_was_chosen_last() -> None:
    choices: Choices = {}
    choose(choices, "items", "a", "field:title")
    choose(choices, "items", "b", "field:title")
    choose(choices, "interactions", "a", "field:item_id")
    assert choices == {("items", "b"): "field:title", ("interactions", "a"): "field:item_id"}


def test_without_choices_nothing_is_mapped() -> None:
    assert mapping_of({}, seen("items", name="title")) == {}
