"""What a preset says about the files of a shop system or published data set."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from engine.catalogue.attribute_kinds import AttributeKind

__all__ = ["Derived", "EventRules", "FileNames", "Fold", "ItemRules", "Pairs", "Preset", "Properties"]


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_several)]
"""Names of columns, of which the first that the file has and that holds anything counts; one may be a plain string."""


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileNames(_Group):
    """Names of the data set's files: glob patterns, of which the first match counts."""

    items: tuple[str, ...] = ()
    interactions: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    orders: tuple[str, ...] = Field(
        default=(), description="who placed each order, where the events only name the order"
    )


class Derived(_Group):
    """A column made from others: the first group of a pattern, the last of several values, or the first that is filled."""

    source: Names
    pattern: str | None = None
    take: Literal["match", "last", "filled"] = "match"


class Fold(_Group):
    """Rows that are variants or further pictures of a product become part of it.

    Attributes
    ----------
    by : the column that the rows of a product share.
    fill : rows without a value there belong to the product above them.
    parent : the column in which a variant names its product, as "id:44" or by one of the columns `named_by`.
    kind, product : the column that says what a row is, and what it says of a product; other rows are part of the one above.
    children : the column in which a product lists its variants; `child` is the pattern of one.
    """

    by: Names
    fill: bool = False
    parent: Names = ()
    named_by: tuple[str, ...] = ()
    kind: Names = ()
    product: str = ""
    children: Names = ()
    child: str = ""


class Pairs(_Group):
    """Columns that hold an attribute's name and its value; {} stands for their number. Systems that translate their headers
    have several of both, in the same order."""

    name: Names
    value: Names
    separator: str | None = None
    ignore: tuple[str, ...] = Field(default=(), description="names that stand for no attribute")


class Properties(_Group):
    """A table of properties, one row a product, property and time; the latest value counts."""

    item: str
    property: str
    value: str
    time: str | None = None


class _FileRules(_Group):
    recognised_by: tuple[tuple[str, ...], ...] = Field(
        default=(), description="sets of columns; a file that has all of one is of this kind"
    )
    encoding: str | None = None
    delimiter: str | None = None
    headers: tuple[tuple[str, ...], ...] = Field(
        default=(), description="columns of a file without a header, by their number"
    )


class ItemRules(_FileRules):
    """How to read the products."""

    columns: dict[str, Names] = {}
    aliases: Names = Field(default=(), description="columns with further ids by which events may name a product")
    kinds: dict[str, AttributeKind] = {}
    leave_out: tuple[str, ...] = Field(
        default=(),
        description="columns that are not content: codes that repeat a name, addresses; * stands for any text",
    )
    missing: tuple[str, ...] = Field(default=(), description="texts that mean no value")
    derived: dict[str, Derived] = {}
    flatten: tuple[str, ...] = Field(default=(), description="nested objects whose frequent keys become attributes")
    fold: Fold | None = None
    pairs: Pairs | None = None
    properties: Properties | None = None


class EventRules(_FileRules):
    """How to read the events; `columns` may also name the products' texts, for data sets that are one table."""

    columns: dict[str, Names] = {}
    event: str | None = Field(default=None, description="what every event is, if no column says so")
    min_rating: float | None = None
    unrated: float | None = Field(default=None, description="a rating that means: seen, not rated")
    no_user: tuple[str, ...] = Field(default=(), description="shopper ids that stand for nobody")
    item_pattern: str | None = Field(default=None, description="ids that do not match are not products; RE2 syntax")
    price_above_zero: bool = False
    fill_down: dict[str, tuple[str, ...]] = Field(
        default={}, description="column that rows of one order share -> columns that only its first row fills"
    )


class Preset(_Group):
    """How to read a shop system's exports or a published data set; `title` and `description` are for people."""

    name: str
    title: str
    description: str
    shop_name: str
    export: str = Field(default="", description="what to export, and where, for people")
    interaction_word: str = "clicks"
    currency: str | None = None
    upper_ids: bool = Field(default=False, description="item ids that differ only in case are one product")
    id_width: int | None = Field(default=None, description="item ids are numbers padded with zeros to this width")
    price_from_events: bool = Field(default=False, description="a product's price is the median of what was paid")
    files: FileNames
    items: ItemRules = ItemRules()
    interactions: EventRules = EventRules()
