from __future__ import annotations

import threading

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

RAN: list[str] = []
GO = threading.Event()


@pytest.fixture(autouse=True)
def fresh():
    RAN.clear()
    GO.clear()


def page():
    import streamlit as st

    from tests.ui.widgets.test_background_work import GO, RAN
    from ui.widgets.background_work import BackgroundWork

    def work(count):
        RAN.append("ran")
        count(1)
        GO.wait(120)
        return len(RAN)

    some_work = BackgroundWork("some_work")
    ended = some_work.finished()
    if ended is not None:
        st.write(f"ended with {ended.exception() or ended.result()}")
    elif st.session_state.get("begin"):
        some_work.begin("Saving", work, total=st.session_state.get("total", 0))
        some_work.begin("Saving", work)  # as by a second press


@pytest.mark.parametrize("total", [0, 3])
def test_work_that_is_begun_twice_is_done_once_and_told_once(total):
    app = AppTest.from_function(page, default_timeout=120).run()
    app.session_state["begin"], app.session_state["total"] = True, total
    app.run()
    app.session_state["begin"] = False
    threading.Timer(0.7, GO.set).start()
    app.run()
    assert app.markdown[0].value == "ended with 1"  # the work ends after the run began: the run waited for it
    assert not app.run().markdown
    assert RAN == ["ran"]


def test_what_goes_wrong_is_told_to_whoever_waits():
    from ui.widgets.background_work import BackgroundWork

    def fails(_count):
        raise OSError("no space left")

    failing = BackgroundWork("failing")
    failing.begin("Saving", fails)
    ended = failing.finished()
    assert ended is not None
    with pytest.raises(OSError, match="no space"):
        ended.result()
    assert "failing" not in st.session_state
