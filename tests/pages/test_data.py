"""The Data page: what is loaded, and loading one's own files."""

from __future__ import annotations

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from engine.catalogue.snapshot import write_snapshot
from engine.core.workspace import Workspace
from engine.jobs import list_runs
from engine.jobs.recording import recorded_run
from tests.support.tiny_release import build_tiny_release

PRODUCTS = "sku,name,shade,worth\n" + "".join(
    f"{n},Dress {n},{'red' if n % 2 else 'blue'},€ {n}.50\n" for n in range(9)
)
EVENTS = "customer_id,sku,qty\n" + "".join(f"u{n},{n},1\n" for n in range(9))


def run_data() -> AppTest:
    def script() -> None:
        from pages.data import page

        page()

    return AppTest.from_function(script, default_timeout=60)


@pytest.fixture
def here(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    return workspace


def upload(app: AppTest, role: str, text: str, name: str) -> AppTest:
    app.file_uploader(key=f"load_{role}_0").set_value([(name, text.encode(), "text/csv")])
    return app.run()


def upload_events(app: AppTest, text: str) -> AppTest:
    return upload(app, "interactions", text, "orders.csv")


def menu(app: AppTest, column: str):
    """The menu that says what a column is."""
    return next(box for box in app.selectbox if box.label == f"What {column} is")


def load_button(app: AppTest):
    return next(button for button in app.button if button.label == "Load" or button.label.endswith("and load"))


def test_an_empty_workspace_offers_to_load_a_shop(here):
    app = run_data().run()
    assert not app.exception
    assert [heading.value for heading in app.subheader] == ["Load your shop"]


def test_what_is_loaded_is_counted(here):
    tiny = build_tiny_release(here)
    app = run_data().run()
    assert not app.exception
    assert app.metric[0].value == f"{len(tiny.counts):,}"
    assert "See your similar items" in [button.label for button in app.button]


def test_a_shop_that_was_loaded_waits_for_its_training(here):
    events = pd.DataFrame({"user_id": ["u"] * 8 + ["v", "w"], "item_id": ["a"] * 8 + ["b", "c"]})
    write_snapshot(here, pd.DataFrame({"item_id": ["a", "b", "c"]}), events, {"name": "Mine"}, {})
    app = run_data().run()
    assert not app.exception
    figures = {metric.label: metric.value for metric in app.metric}
    assert (figures["Products"], figures["Shoppers"], figures["Get 80% of events"]) == ("3", "3", "33%")
    assert "Train" in [button.label for button in app.button]
    assert list_runs(here) == []


def test_it_says_who_reads_the_texts_and_why(here):
    titles = ["Warmer Wintermantel", "Laufschuhe für Herren", "Stehlampe mit Stoffschirm", "Bettwäsche aus Leinen"]
    items = pd.DataFrame({"item_id": list("abcd"), "title": titles})
    write_snapshot(here, items, pd.DataFrame({"user_id": ["u"], "item_id": ["a"]}), {"name": "Laden"}, {})
    app = run_data().run()
    assert not app.exception
    assert "Most texts are German, so multilingual E5 reads them." in [caption.value for caption in app.caption]


def test_columns_are_guessed_and_nothing_starts_before_the_button_is_pressed(here):
    app = upload_events(run_data().run(), EVENTS)
    assert not app.exception
    assert menu(app, "customer\\_id").value == "field:user_id"
    assert menu(app, "sku").value == "field:item_id"
    assert not load_button(app).disabled
    assert list_runs(here) == []


def test_a_column_can_be_made_another_and_whichever_had_the_field_is_free_again(here):
    app = upload(upload_events(run_data().run(), EVENTS), "items", PRODUCTS, "products.csv")
    assert menu(app, "name").value == "field:title"
    menu(app, "shade").set_value("field:title").run()
    assert not app.exception
    assert menu(app, "shade").value == "field:title"
    assert not menu(app, "name").value.startswith("field:title")
    menu(app, "name").set_value("field:title").run()
    assert not menu(app, "shade").value.startswith("field:")


def test_a_warning_names_what_is_missing_and_a_button_mends_it(here):
    events = "customer_id,sku,moment\n" + "".join(f"u{n},{n},2024-05-0{n + 1} 10:00:00\n" for n in range(9))
    app = upload_events(run_data().run(), events)
    assert any("No column is read as the time of the events" in warning.value for warning in app.warning)
    next(button for button in app.button if button.label == "Use moment as the time").click().run()
    assert not app.exception
    assert menu(app, "moment").value == "field:timestamp"
    assert not any("time of the events" in warning.value for warning in app.warning)


def test_a_question_must_be_answered_before_loading_and_stays_to_be_changed(here):
    rows = "".join(f"u{n},{n % 3 + 1},0{n % 9 + 1}/02/2026\n" for n in range(9))
    app = upload_events(run_data().run(), "customer_id,sku,date\n" + rows)
    assert not app.exception
    assert "could have the day or the month first" in app.radio[0].label
    assert load_button(app).disabled
    app.radio[0].set_value("month-first").run()
    assert not load_button(app).disabled
    assert app.radio[0].value == "month-first"


def test_a_file_without_a_shopper_column_asks_for_it(here):
    app = upload_events(run_data().run(), "colour,sku\nred,A\nblue,B\n")
    assert not app.exception
    assert any("Which column holds the shopper ID" in warning.value for warning in app.warning)
    assert load_button(app).disabled


def test_products_alone_are_shown_and_wait_for_what_shoppers_did(here):
    app = upload(run_data().run(), "items", PRODUCTS, "products.csv")
    assert not app.exception
    assert menu(app, "name").value == "field:title"
    assert any("Now add what shoppers did" in info.value for info in app.info)


def test_a_file_that_is_not_what_its_name_says_is_named(here):
    app = upload_events(run_data().run(), "PK\x03\x04" + "\x00" * 40)
    assert not app.exception
    assert any("orders.csv" in error.value for error in app.error)


def test_files_stay_given_while_somebody_looks_at_another_page(here):
    def script() -> None:
        import streamlit as st

        from pages.data import page

        if st.toggle("elsewhere", key="elsewhere"):
            st.write("Another page")
        else:
            page()

    app = upload_events(AppTest.from_function(script, default_timeout=60).run(), EVENTS)
    app.toggle(key="elsewhere").set_value(True).run()
    app.toggle(key="elsewhere").set_value(False).run()
    assert not app.exception
    assert menu(app, "sku").value == "field:item_id"
    next(button for button in app.button if button.label == "Remove").click().run()
    assert not [box for box in app.selectbox if box.label.startswith("What ")]


def test_whoever_comes_from_the_demo_shop_finds_the_way_to_their_own_first(here):
    items, events = pd.DataFrame({"item_id": ["a"]}), pd.DataFrame({"user_id": ["u"], "item_id": ["a"]})
    for demo, headings in ((True, ["Load your own shop", "Mine"]), (False, ["Mine", "Load other files"])):
        write_snapshot(here, items, events, {"name": "Mine", "demo": demo}, {})
        app = run_data().run()
        assert not app.exception
        assert [heading.value for heading in app.subheader] == headings


def test_a_running_demo_is_stopped_by_the_load_and_does_not_keep_it_waiting(here):
    with recorded_run(here, "demo", trains=True) as run:
        run.progress("Drawing 2,000 dresses", 0.5)
        app = upload_events(run_data().run(), EVENTS)
        assert not app.exception
        assert load_button(app).label == "Stop the demo shop, and load"
        assert not load_button(app).disabled


def test_while_files_are_loaded_no_others_are_asked_for(here):
    with recorded_run(here, "ingest") as run:
        run.progress("Reading the products", 0.5)
        app = run_data().run()
        assert not app.exception
        assert not app.file_uploader


def test_a_load_that_failed_says_why(here):
    with pytest.raises(RuntimeError), recorded_run(here, "ingest"):
        raise RuntimeError("no more threads")
    app = run_data().run()
    assert "The last load failed; nothing was changed." in app.error[0].value
