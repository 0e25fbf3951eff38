"""The new page opens and is in the navigation."""

from streamlit.testing.v1 import AppTest

from ui.app.navigation import NAVIGATION


def script() -> None:
    from pages.greeting import page  # type: ignore[import-not-found]

    page()


app = AppTest.from_function(script, default_timeout=120).run()
assert app.title[0].value == "Greeting"
assert any(entry.module == "greeting" for entries in NAVIGATION.values() for entry in entries)
