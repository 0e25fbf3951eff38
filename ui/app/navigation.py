"""The pages there are, and going from one to another from inside a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st
from streamlit.navigation.page import Page

from engine.access.roles import Action

__all__ = [
    "FIRST_PAGE",
    "NAVIGATION",
    "Entry",
    "go_to",
    "link_to",
    "open_change",
    "open_compare",
    "open_draft",
    "open_draft_form",
    "open_page",
    "open_product",
    "open_similar_items",
    "remember_pages",
]

_KEY = "pages"


@dataclass(frozen=True)
class Entry:
    """A page of the navigation.

    Attributes
    ----------
    needs_release : whether it shows what a training made, so there must be one.
    needs : what somebody must be allowed to do to see it.
    """

    module: str
    title: str
    icon: str
    needs_release: bool = True
    needs: Action = Action.BROWSE


NAVIGATION = {
    "Shop": [
        Entry("today", "Today", ":material/wb_sunny:"),
        Entry("similar_items", "Similar items", ":material/apps:"),
        Entry("new_product", "New product", ":material/add_photo_alternate:"),
        Entry("sets", "Sets", ":material/bookmarks:"),
        Entry("map", "Map", ":material/bubble_chart:"),
        Entry("shopper", "Shopper", ":material/person:"),
    ],
    "Quality": [
        Entry("review", "Review", ":material/checklist:"),
        Entry("compare", "Compare", ":material/compare:"),
        Entry("irrelevance", "Irrelevance", ":material/show_chart:"),
        Entry("campaigns", "Campaigns", ":material/flag_circle:"),
    ],
    "Engine": [
        Entry("model", "Model", ":material/tune:", needs_release=False),
        Entry("data", "Data", ":material/database:", needs_release=False),
        Entry("settings", "Settings", ":material/settings:", needs_release=False, needs=Action.EDIT_SETTINGS),
        Entry("people", "People", ":material/group:", needs_release=False, needs=Action.SET_ROLES),
        Entry("audit", "Audit", ":material/history:", needs_release=False, needs=Action.SEE_AUDIT),
        Entry("status", "Status", ":material/monitor_heart:", needs_release=False, needs=Action.SEE_STATUS),
    ],
}

FIRST_PAGE = next(iter(NAVIGATION.values()))[0].module


def remember_pages(pages: Mapping[str, Page]) -> None:
    """Keep the pages of this run's navigation at hand."""
    st.session_state[_KEY] = dict(pages)


def open_page(module: str) -> None:
    """Leave this page for another one, named by its module; call it in a page's own run, not in a callback."""
    st.switch_page(st.session_state[_KEY][module])


def go_to(module: str, query: Mapping[str, str | list[str]]) -> None:
    """Leave this page for another one at this address, where there is one of that name; call it in a page's own run."""
    if page := st.session_state[_KEY].get(module):
        st.switch_page(page, query_params=query)


def open_product(item_id: str) -> None:
    """Leave this page for the page of a product; call it in a page's own run, not in a callback."""
    st.switch_page(st.session_state[_KEY]["similar_items"], query_params={"item": item_id})


def open_similar_items(query: Mapping[str, str | list[str]]) -> None:
    """Leave this page for Similar items at this address; call it in a page's own run, not in a callback."""
    st.switch_page(st.session_state[_KEY]["similar_items"], query_params=query)


def open_compare(before: str, after: str) -> None:
    """Leave this page for Compare with these two sides; call it in a page's own run, not in a callback."""
    st.switch_page(st.session_state[_KEY]["compare"], query_params={"before": before, "after": after})


def open_draft(draft_id: str) -> None:
    """Leave this page for a draft; call it in a page's own run, not in a callback."""
    st.switch_page(st.session_state[_KEY]["new_product"], query_params={"view": "drafts", "draft": draft_id})


def open_draft_form(draft_id: str) -> None:
    """Leave this page for the form that changes a draft; call it in a page's own run, not in a callback."""
    st.switch_page(st.session_state[_KEY]["new_product"], query_params={"draft": draft_id})


def open_change(item_id: str) -> None:
    """Leave this page for the form that changes a product; call it in a page's own run, not in a callback."""
    st.switch_page(st.session_state[_KEY]["new_product"], query_params={"change": item_id})


def link_to(module: str, label: str, icon: str | None = None, query: Mapping[str, str] | None = None) -> None:
    """Draw a link to another page of the navigation, named by its module, at an address of it."""
    if page := st.session_state.get(_KEY, {}).get(module):
        st.page_link(page, label=label, icon=icon, query_params=dict(query or {}))
