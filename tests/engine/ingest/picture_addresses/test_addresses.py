from __future__ import annotations

import pytest

from engine.ingest.picture_addresses.addresses import addresses_in, as_sent
from engine.ingest.picture_addresses.failure import FetchError

A, B = "https://a.example.com/x.jpg", "http://b.example.com/y%20z.jpg?w=1,2"


@pytest.mark.parametrize("between", [", ", ",", " ", ";", " | ", "\n"])
def test_a_cell_may_hold_several_addresses(between: str) -> None:
    assert addresses_in(between.join((A, B, A))) == [A, B]


@pytest.mark.parametrize("cell", [f'["{A}", "{B}"]', f"['{A}', '{B}']", f'[{{"src": "{A}"}}, {{"src": "{B}"}}]'])
def test_a_cell_may_be_a_list(cell: str) -> None:
    assert addresses_in(cell) == [A, B]


def test_addresses_of_html_are_those_that_a_browser_would_ask_for() -> None:
    assert addresses_in('<p><img alt="x" src="https://a/x.jpg?w=1&amp;h=2"> <IMG SRC=https://a/y.jpg></p>') == [
        "https://a/x.jpg?w=1&h=2",
        "https://a/y.jpg",
    ]
    assert addresses_in("https://a/x.jpg?w=1&amp;h=2") == ["https://a/x.jpg?w=1&h=2"]


def test_what_is_no_web_address_is_left_out() -> None:
    assert addresses_in(f"x.jpg, {A}, ftp://a/b.jpg") == [A]
    assert addresses_in("//cdn.example.com/x.jpg") == ["https://cdn.example.com/x.jpg"]
    assert addresses_in(None) == addresses_in("folder/x.jpg") == addresses_in("[[[" * 9_000 + "]") == []


def test_letters_are_sent_as_servers_read_them() -> None:
    assert as_sent("https://bücher.example/Straße 1%20.jpg?q=ü#top") == (
        "https://xn--bcher-kva.example/Stra%C3%9Fe%201%20.jpg?q=%C3%BC"
    )
    assert as_sent("http://[::1]:80") == "http://[::1]:80/"


@pytest.mark.parametrize(
    "wrong", ["http://", "gopher://a/b", "http://a:b/", "http://a\\@b/", "http://a/\x00", "http://[1/", "http://a@b/c"]
)
def test_what_cannot_be_sent_is_refused(wrong: str) -> None:
    with pytest.raises(FetchError):
        as_sent(wrong)
