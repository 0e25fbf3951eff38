from __future__ import annotations

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from ui.app.one_run import OnceARun


def page() -> None:
    import itertools

    import streamlit as st

    from ui.app.one_run import OnceARun

    @st.cache_resource
    def shared() -> tuple:
        return OnceARun(), itertools.count()

    held, numbers = shared()

    def ask() -> int:
        return held.get(lambda: next(numbers))

    if st.button("publish", on_click=ask):
        held.forget()
    st.text(" ".join(str(ask()) for _ in range(3)))

    @st.fragment
    def part() -> None:
        st.button("again", key="again")
        st.caption(f"{ask()} {ask()}")

    part()


@pytest.fixture(autouse=True)
def nothing_shared() -> None:
    st.cache_resource.clear()


def test_a_run_keeps_what_it_first_got_and_the_next_one_asks_again() -> None:
    app = AppTest.from_function(page).run()
    assert app.text[0].value == "0 0 0"
    assert app.caption[0].value == "0 0"
    assert app.run().text[0].value == "1 1 1"


def test_a_fragment_that_runs_alone_is_a_run_of_its_own() -> None:
    app = AppTest.from_function(page).run()
    first = app.caption[0].value.split()[0]
    app.button(key="again").click().run()
    again = app.caption[0].value.split()
    assert len(set(again)) == 1
    assert again[0] != first


def test_a_run_that_changed_what_is_held_asks_again_where_it_says_so() -> None:
    app = AppTest.from_function(page).run()
    before = int(app.text[0].value.split()[0])
    app.button[0].click().run()
    assert app.text[0].value == " ".join([str(before + 2)] * 3)  # one for the callback, which was forgotten


def test_outside_of_a_run_everybody_asks_for_themselves() -> None:
    numbers = iter(range(9))
    held: OnceARun[int] = OnceARun()
    assert [held.get(lambda: next(numbers)) for _ in range(3)] == [0, 1, 2]
