"""Shopper: what they went for, and what the shop would show them next by behaviour and by Longtail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from engine.arms import registry
from engine.arms.registry import SERVED
from engine.catalogue.shopper_ids import shopper_id
from engine.core.errors import NotFoundError
from engine.recommend.neighbour import Neighbour
from engine.serving.served_shop import ServedShop
from ui.app.navigation import open_product
from ui.app.resources import card_maker, recommender, served, settings, workspace
from ui.app.url import mirror, query, set_query, writer
from ui.products.long_tail_choice import draw_long_tail_choice
from ui.products.why import because
from ui.widgets.cards import CardMaker, Group, card_groups
from ui.widgets.formatting import plain, plural

__all__ = ["long_tail_phrase", "page"]

SUGGESTED = 12
HISTORY_SHOWN = 30
ARMS = ("als", "hybrid")


def page() -> None:
    """One shopper, named by `?shopper=` or picked from a few."""
    shopper = _chosen_shopper()
    if not shopper:
        st.info("This release was trained without shoppers, so there are none to show.")
        return
    try:
        history = recommender().history(shopper)
    except NotFoundError as exc:
        st.warning(plain(exc), icon=":material/search_off:")
        return
    maker, favour = card_maker(), draw_long_tail_choice()
    k = settings().serving.neighbours
    version = recommender().version  # what people rule out of products' lists is none of a shopper's
    lists = {arm: _ranked(version, shopper, arm, k, favour, served()) for arm in ARMS}
    groups = [_history(history, maker), *(_recommended(shopper, arm, lists, maker) for arm in ARMS)]
    if item_id := card_groups(groups, key="shopper_cards", layout="strip"):
        open_product(item_id)


@st.cache_resource(show_spinner=False, max_entries=100)
def _ranked(
    version: str, shopper: str, arm: str, k: int, favour: float | None, _shop: ServedShop
) -> Sequence[Neighbour]:
    """Every product has a score for a shopper: these are worked out once, not with every run of the page."""
    return _shop.recommend(shopper, arm, k, favour=favour)


def long_tail_phrase(rows: Sequence[int], maker: CardMaker) -> str:
    """How many of these rows of the catalogue are long-tail products: `2 of 10 from the long tail`."""
    counts = maker.items["interaction_count"].to_numpy()[list(rows)]
    quiet = int(maker.traffic.is_long_tail(counts).sum()) if len(rows) else 0
    return f"{quiet or 'none'} of {len(rows)} from the long tail"


def _chosen_shopper() -> str:
    """The heading with a menu of shoppers: who is chosen in it; empty where there are none."""
    suggested = recommender().sample_shoppers(SUGGESTED, settings().seed)
    shopper = shopper_id(workspace(), query("shopper") or (suggested[0] if suggested else ""))
    with st.container(horizontal=True, vertical_alignment="bottom", key="list_head"):
        st.title("Shopper", anchor=False, width="content")
        st.space("stretch")
        mirror("shopper", shopper or None)
        st.selectbox(
            "Shopper",
            sorted({*suggested, shopper}) if shopper else suggested,
            key="shopper",
            accept_new_options=True,
            placeholder="Shopper ID",
            label_visibility="collapsed",
            help="Pick a shopper, or type any shopper ID or e-mail address",
            on_change=writer("shopper", "shopper", to_text=lambda value: shopper_id(workspace(), str(value or ""))),
            persist_state="session",
            width=260,
        )
        st.button("Another shopper", icon=":material/casino:", type="primary", on_click=_another)
    return shopper


def _history(item_ids: Sequence[str], maker: CardMaker) -> Group:
    rows = [recommender().row(item_id) for item_id in item_ids]
    return Group(
        name="history",
        title=f"Past {maker.word}: {plural(len(rows), 'product')}",
        detail=long_tail_phrase(rows, maker) if rows else "",
        cards=[maker.card(row) for row in rows[:HISTORY_SHOWN]],
        empty=f"No {maker.word} from this shopper yet.",
    )


def _recommended(shopper: str, arm: str, lists: Mapping[str, Sequence[Neighbour]], maker: CardMaker) -> Group:
    ranked = lists[arm]
    elsewhere = {one.item_id for other in ARMS if other != arm for one in lists[other]}
    own = sum(one.item_id not in elsewhere for one in ranked)
    parts = [long_tail_phrase([one.row for one in ranked], maker)]
    if arm == SERVED and own:
        parts.append(f"{own} that {registry.title_of('als')} would not show")
    cards = [maker.card(neighbour.row, rank=neighbour.rank) for neighbour in ranked]
    return Group(
        name=arm,
        title=f"{registry.title_of(arm)} would show",
        detail=" · ".join(parts) if ranked else "",
        hint=registry.arm(arm).help,
        cards=because(shopper, ranked, cards) if arm == SERVED else cards,
        empty=f"No suggestions: this shopper has no {maker.word} to learn from.",
    )


def _another() -> None:
    """Callback: any shopper."""
    drawn = recommender().sample_shoppers(1, int(np.random.default_rng().integers(2**31)))
    if drawn:
        set_query(shopper=drawn[0])
