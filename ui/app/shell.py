"""The frame around every page: style, navigation, top bar, and what stands in for a page while there is no release."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import streamlit as st
from streamlit.navigation.page import Page

from engine.access.acting import Actor
from engine.core.errors import LongtailError
from ui.app import notices, second_thoughts
from ui.app.curator import keep_cookie
from ui.app.guard import guarded
from ui.app.navigation import FIRST_PAGE, NAVIGATION, Entry, remember_pages
from ui.app.operations.reruns import rerun
from ui.app.palette import draw_palette
from ui.app.person import Visitor, visitor
from ui.app.place import keep_place
from ui.app.resources import has_release, has_shop, recommender, release_sentence, shop, shop_words
from ui.app.sign_in import draw_person, draw_sign_in, remember_visit
from ui.app.titles import name_tab, sign
from ui.app.tour import draw_tour
from ui.news.bell import draw_bell
from ui.runs.first_run import show_first_run
from ui.today.sets import offer_sets
from ui.widgets.formatting import html_text, plain

SIDEBAR_WIDTH = 232


def main() -> None:
    st.set_page_config(
        page_title="Longtail",
        page_icon=sign("icon"),  # our own file: a named icon would be fetched from the internet
        layout="wide",
        initial_sidebar_state=SIDEBAR_WIDTH,
    )
    offer_sets()
    who: Visitor | None = None
    with guarded("sign-in"):
        who = visitor()
    page = _navigation(who.actor if who else None)
    if who is None:
        return
    if who.actor is None:
        draw_sign_in(who)
        return
    remember_visit(who)
    st.logo(sign("logo"), icon_image=sign("icon"), size="large")
    module = page.url_path or FIRST_PAGE
    _top_bar(who.actor, module)
    keep_place(page.url_path)
    notices.show()
    second_thoughts.show()
    draw_tour(who.actor, module)
    page.run()
    keep_cookie()


def _navigation(actor: Actor | None) -> Page:
    """The page that is asked for. Before the gate: until this has run once, a cold server would look for pages of its own."""
    pages = {
        entry.module: st.Page(
            _runner(entry), title=entry.title, icon=entry.icon, url_path=entry.module,
            visibility="visible" if actor is not None and actor.may(entry.needs) else "hidden",
        )
        for group in NAVIGATION.values()
        for entry in group
    }  # fmt: skip
    sections = {section: [pages[entry.module] for entry in group] for section, group in NAVIGATION.items()}
    page = st.navigation(sections, position="hidden" if actor is None else "sidebar")
    remember_pages(pages)
    return page


def _runner(entry: Entry) -> Callable[[], None]:
    """The page as a function for `st.Page`; its module is imported when it is first shown."""

    def run() -> None:
        name_tab(entry.title)
        with rerun(entry.module), guarded(entry.title):
            if entry.needs_release and not has_release():
                show_first_run()
            else:
                importlib.import_module(f"pages.{entry.module}").page()

    return run


def _top_bar(actor: Actor, module: str) -> None:
    name, release, notice = "Longtail", "", None
    try:
        if has_release():
            name, release, notice = shop_words().name, release_sentence(), recommender().notice
        elif has_shop():
            name = shop().name
    except LongtailError:
        pass  # the page itself says what is wrong
    with st.container(horizontal=True, vertical_alignment="center", key="top_bar"):
        st.html(
            f'<div class="lt-bar"><strong>{html_text(name)}</strong><span>{html_text(release)}</span></div>',
            width="content",
        )
        st.space("stretch")
        draw_bell(actor)
        draw_palette(actor, module)
        draw_person(actor)
    if notice:
        st.warning(plain(notice), icon=":material/history:")


main()
