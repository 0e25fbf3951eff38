"""Texts of strangers are shown as texts: read from the code of the dashboard and its scripts. Each test names every offence."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import text_origins
from tests.support.code_graph import ROOT
from tests.support.text_origins import bare_tables, foreign_html, foreign_markdown

PLANTED = """
import streamlit as st
WORDS = {"a": "A"}

def page(shop, name: str, count: int):
    title = f"**{shop.name}**"
    st.write(%s)
    _inner("ours", name)

def _inner(ours, foreign):
    st.caption(ours)
"""


@pytest.fixture
def plant(monkeypatch, tmp_path: Path) -> Iterator[object]:
    """Has the code of one page looked at instead of the dashboard's."""

    def planted(code: str) -> None:
        parsed = ast.parse(code)
        monkeypatch.setattr(text_origins, "modules", lambda: {"pages.planted": tmp_path})
        monkeypatch.setattr(text_origins, "tree", lambda _name: parsed)
        forget()

    def forget() -> None:
        text_origins._dashboard_calls.cache_clear()
        text_origins._definition.cache_clear()

    yield planted
    monkeypatch.undo()
    forget()


def test_streamlit_gets_texts_of_strangers_made_plain():
    assert_none(f"{one}: give it to ui.widgets.formatting.plain" for one in foreign_markdown())


def test_html_of_ours_holds_texts_of_strangers_escaped():
    assert_none(f"{one}: give it to ui.widgets.formatting.html_text" for one in foreign_html())


def test_tables_show_texts_of_strangers_without_what_is_invisible():
    assert_none(f"{one}: give it to ui.widgets.formatting.visible_cells" for one in bare_tables())


@pytest.mark.parametrize(
    "expression",
    ["shop.name", "title", "name", "f'Hello {name}'", "', '.join(shop.names)", "WORDS.get('a', name)", "name or 'none'",
     "'a' + name", "[name][0]", "str(name)", "(lambda: name)()", "plain(name) + name", "shop.title()", "f'{name:>20}'"],
)  # fmt: skip
def test_a_strangers_text_is_found_wherever_it_comes_from(plant, expression):
    plant(PLANTED % expression)
    assert [(one.sink, one.text) for one in foreign_markdown()] == [
        ("write", ast.unparse(ast.parse(expression).body[0]))
    ]


@pytest.mark.parametrize(
    "expression",
    ["plain(shop.name)", "f'{count} of {count:,}'", "WORDS['a']", "f'**{plain(name)}**'", "'a' if shop.name else 'b'",
     "', '.join(plain(one) for one in shop.names)", "', '.join(map(plain, shop.names))", "f'{shop.share:.0%}'"],
)  # fmt: skip
def test_texts_of_ours_are_not_in_the_way(plant, expression):
    plant(PLANTED % expression)
    assert foreign_markdown() == []


def test_html_and_tables_have_ways_of_their_own(plant):
    plant(
        "def page(name, table):\n st.html(f'<b>{plain(name)}</b>')\n st.html(f'<b>{html_text(name)}</b>')\n st.dataframe(table)"
    )
    assert [one.line for one in foreign_html()] == [2]
    assert [one.line for one in bare_tables()] == [4]


def test_scripts_put_nothing_on_the_page_as_markup_but_what_the_server_made_of_markdown():
    markup = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|javascript:"
    )
    found = [
        (file.name, match.group())
        for file in sorted((ROOT / "assets").glob("*.js"))
        for match in markup.finditer(file.read_text("utf-8"))
    ]
    assert found == [("review.js", "innerHTML")]


def assert_none(offences: Iterator[str]) -> None:
    found = list(offences)
    assert not found, "\n" + "\n".join(found)
