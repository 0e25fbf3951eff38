"""What every column of a file is taken for, as one table that a person can correct."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from engine.ingest.preview import ColumnPreview, Preview, TablePreview
from ui.runs.field_names import FIELD_NAMES, KIND_NAMES, TABLES, lower, offered_fields
from ui.widgets.formatting import plain, plural

__all__ = ["Choices", "choose", "draw_columns", "mapping_of"]

Choices = dict[tuple[str, str], str]
"""(role, column) -> "field:NAME", "kind:NAME" or "skip", as the person chose."""
SKIP = "skip"
COLOURS = {"sure": "green", "likely": "blue", "a guess": "orange"}
_WIDTHS = [3, 4, 3, 1.4]
_NAMED = 8
_FEW = 6


def draw_columns(table: TablePreview, choices: Choices, *, with_products: bool) -> None:
    """One row a column: its name, examples, what it is with a menu, how sure; columns without a use are folded away."""
    st.markdown(f"**{TABLES[table.role]}** · {plain(table.file)}")
    for note in table.notes:
        st.caption(plain(f"{note[:1].upper()}{note[1:]}"))
    for missing in table.missing:
        st.warning(f"Which column holds the {lower(FIELD_NAMES[missing])}?", icon=":material/help:")
    options = _options(table.role, with_products=with_products)
    fields, attributes, unused = _by_importance(table)
    with st.container(key=f"columns_{table.role}", gap="xxsmall"):
        _draw_head(table.role)
        for column in fields:
            _draw_column(table, column, options, choices)
        if attributes:
            with st.expander(_folded(attributes, "attribute"), expanded=len(attributes) <= _FEW):
                for column in attributes:
                    _draw_column(table, column, options, choices)
        if unused:
            with st.expander(_folded(unused, "column not used", "columns not used"), expanded=bool(table.missing)):
                for column in unused:
                    _draw_column(table, column, options, choices)


def choose(choices: Choices, role: str, column: str, choice: str) -> None:
    """Note a choice; a field belongs to one column, so whichever had it before is open again."""
    for other in [
        key for key, value in choices.items() if key[0] == role and value == choice and choice.startswith("field:")
    ]:
        del choices[other]
    choices[(role, column)] = choice


def mapping_of(choices: Choices, guessed: Preview) -> dict[str, str]:
    """The choices as `--map` would give them; `guessed` is how the files are read without any."""
    mapping: dict[str, str] = {}
    for (role, column), choice in choices.items():
        kind, _, name = choice.partition(":")
        if kind == "field":
            mapping[f"{role}.{name}"] = column
        elif role == "items":
            mapping[f"kind.{column}"] = name or SKIP
    for role, table in guessed.tables.items():
        for one in table.columns:
            chosen = choices.get((role, one.name))
            if one.field and chosen is not None and chosen != f"field:{one.field}":
                mapping.setdefault(f"{role}.{one.field}", "")
    return mapping


def _options(role: str, *, with_products: bool) -> dict[str, str]:
    """Choice -> its words."""
    fields = {f"field:{name}": FIELD_NAMES[name] for name in offered_fields(role, with_products=with_products)}
    kinds = {f"kind:{name}": f"Attribute: {words}" for name, words in KIND_NAMES.items()} if role == "items" else {}
    return fields | kinds | {SKIP: "Not used"}


def _by_importance(table: TablePreview) -> tuple[list[ColumnPreview], list[ColumnPreview], list[ColumnPreview]]:
    """Fields in the order of the menu, attributes, and the columns without a use."""
    place = {name: position for position, name in enumerate(FIELD_NAMES)}
    fields = sorted((column for column in table.columns if column.field), key=lambda one: place[one.field or ""])
    attributes = [column for column in table.columns if column.kind]
    return fields, attributes, [column for column in table.columns if not column.field and not column.kind]


def _folded(columns: list[ColumnPreview], one: str, many: str | None = None) -> str:
    named = ", ".join(plain(column.name) for column in columns[:_NAMED])
    return f"{plural(len(columns), one, many)}: {named}{', …' if len(columns) > _NAMED else ''}"


def _draw_head(role: str) -> None:
    with st.container(key=f"columns_head_{role}"):
        for place, text in zip(st.columns(_WIDTHS), ("Column", "Examples", "What it is", "How sure"), strict=True):
            place.caption(text)


def _draw_column(table: TablePreview, column: ColumnPreview, options: Mapping[str, str], choices: Choices) -> None:
    effective = f"field:{column.field}" if column.field else f"kind:{column.kind}" if column.kind else SKIP
    # The menu is a new one when something else changed what the column is, or it would go on showing the old answer.
    key = f"load_column_{table.role}_{table.file}_{column.name}_{effective}"
    name, samples, menu, sure = st.columns(_WIDTHS, vertical_alignment="center")
    name.markdown(f"**{plain(column.name)}**")
    samples.caption(" · ".join(map(plain, column.samples)) or "empty")
    menu.selectbox(
        f"What {plain(column.name)} is",
        list(options),
        index=list(options).index(effective) if effective in options else None,
        format_func=lambda choice: options[choice],
        key=key,
        label_visibility="collapsed",
        on_change=_chosen,
        args=(choices, table.role, column.name, key),
    )
    if (table.role, column.name) in choices:
        sure.badge("your choice", color="gray")
    elif effective != SKIP:
        sure.badge(plain(column.confidence), color=COLOURS[column.confidence], help=plain(column.why))  # type: ignore[arg-type]
    elif column.note:
        sure.caption("why?", help=plain(column.note))


def _chosen(choices: Choices, role: str, column: str, key: str) -> None:
    """Callback."""
    choose(choices, role, column, st.session_state[key] or SKIP)
