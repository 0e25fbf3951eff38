"""A product's lists on cards that can be flagged: what was said about them, and what is left out because people ruled it out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from engine.access.roles import Action
from ui.app.person import allowed
from ui.app.resources import card_maker, judgements, recommender, served, settings
from ui.products.selection import draw_selection, selecting, store_selection
from ui.review.flags import ask_for_name, judged_sentence, judging_data, mark_irrelevant, store_outbox
from ui.widgets.cards import Group, Layout, card_groups
from ui.widgets.formatting import plural

__all__ = ["draw_judged_lists", "forget_left_out", "left_out"]

LISTS = "neighbours"
_OPENED = "similar_items_opened"


def draw_judged_lists(item_id: str, groups: Sequence[Group], *, layout: Layout, on_open: Callable[[str], None]) -> None:
    """Draw the lists with flags, what is left out of them, and a sentence on what was judged.

    Parameters
    ----------
    groups : a list each, named by its arm.
    on_open : as for `card_groups`.
    """
    current = judgements().current(item_id)
    judges = allowed(Action.JUDGE)
    rest = any(group.cards for group in groups)
    card_groups(
        groups,
        key=LISTS,
        layout=layout,
        on_open=on_open,
        selecting=selecting(LISTS, item_id),
        on_select=store_selection(LISTS),
        judging=judging_data(current, item_id, rest=rest) if judges else None,
        on_outbox=(lambda: store_outbox(LISTS)) if judges else None,
    )
    shown = list(dict.fromkeys(card.item_id for group in groups for card in group.cards))
    flag = functools.partial(mark_irrelevant, item_id) if judges else None
    draw_selection(LISTS, shown, f"products shown beside {item_id}", flag=flag)
    _draw_left_out(item_id, current, on_open)
    sentence = judged_sentence(current, {group.name: _whole_list(item_id, group.name) for group in groups})
    ask = " Flag what does not belong, then confirm that the rest fits." if judges else ""
    st.caption(sentence or f"Nothing judged yet.{ask}")
    ask_for_name()


def left_out(item_id: str) -> frozenset[str]:
    """What was ruled out when this product was opened: what is flagged since stays visible, marked, until it is left."""
    now = served().suppressed(item_id)
    opened = st.session_state.get(_OPENED)
    if opened is None or opened[0] != item_id:
        st.session_state[_OPENED] = opened = (item_id, now)
    return frozenset(opened[1] & now)


def forget_left_out() -> None:
    """No product is open any more."""
    st.session_state.pop(_OPENED, None)


def _whole_list(item_id: str, arm: str) -> list[str]:
    """The list before anything is left out: the one that is judged."""
    return [one.item_id for one in recommender().neighbours(item_id, arm, settings().serving.neighbours)]


def _draw_left_out(item_id: str, current: pd.DataFrame, on_open: Callable[[str], None]) -> None:
    """Draw the products left out because people called them irrelevant, so that one can be brought back."""
    facade, maker = recommender(), card_maker()
    out = sorted(neighbour for neighbour in left_out(item_id) if neighbour in facade)
    if not out:
        return
    with st.expander(f"{plural(len(out), 'product')} left out: marked irrelevant here", icon=":material/block:"):
        judges = allowed(Action.JUDGE)
        back = " Remove your flag to bring one back." if judges else ""
        st.caption(f"No longer shown beside this product, here or in your shop.{back}")
        card_groups(
            [Group(cards=[maker.card(facade.row(neighbour)) for neighbour in out])],
            key="ruled_out",
            on_open=on_open,
            judging=judging_data(current, item_id, rest=False) if judges else None,
            on_outbox=(lambda: store_outbox("ruled_out")) if judges else None,
        )
