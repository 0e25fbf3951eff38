"""How much of the long tail a shopper's list holds: a slider over what training measured, and what the choice costs and brings."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from engine.arms.plan import FavourTrial, LongTailTrade, TrainingPlan
from ui.app.resources import recommender, settings, shop_words, traffic
from ui.app.url import mirror, query, writer
from ui.widgets.formatting import plain

__all__ = ["draw_long_tail_choice", "favour_words", "trade_sentence"]

NOTHING_LOST = 0.0005  # of NDCG, below which it is said to cost nothing


def draw_long_tail_choice() -> float | None:
    """The favour to preview, from the page's address; None for what the shop serves, or where nothing was measured."""
    plan = recommender().plan
    trade = plan.trials.long_tail
    if trade is None or len(trade.tried) < 2:
        return None
    served = _served(plan, trade)
    words = favour_words(trade, served)
    names = {f"{favour:g}": favour for favour in words}
    chosen = query("favour", f"{served:g}", allowed=names)
    mirror("favour", chosen)
    st.select_slider(
        "Share of the long tail in Longtail's lists",
        list(names),
        key="favour",
        format_func=lambda name: words[names[name]],
        on_change=writer("favour", "favour"),
        help="Moves this page alone. The shop serves what `serving.favour` in its settings says: by default, as much of the "
        "long tail as costs no accuracy.",
        persist_state="session",
        width=420,
    )
    favour = names[chosen]
    st.caption(plain(trade_sentence(trade, favour, _quiet_share(), shop_words().interaction_word, served=served)))
    return favour


def favour_words(trade: LongTailTrade, served: float) -> Mapping[float, str]:
    """Favour -> the share of long tail in lists that it gives, as words; of those that read alike the one that is served, or the first."""
    chosen: dict[str, float] = {}
    for one in trade.tried:
        said = "under 1%" if one.share < 0.005 else f"{one.share:.0%}"
        if said not in chosen or one.favour == served:
            chosen[said] = one.favour
    return {favour: said for said, favour in chosen.items()}


def trade_sentence(trade: LongTailTrade, favour: float, quiet: float, word: str, *, served: float) -> str:
    """What lists with this favour hold, find and cost.

    Parameters
    ----------
    quiet : share of the catalogue that is long tail.
    served : the favour that the shop serves.
    """
    one, plainest = _trial(trade, favour), trade.tried[0]
    lost = 1.0 - one.ndcg / plainest.ndcg if plainest.ndcg > 0 else 0.0
    cost = "at no cost" if lost < NOTHING_LOST else f"and {lost:.1%} of the accuracy is given up"
    shown = "The shop serves this." if favour == served else f"The shop serves {favour_words(trade, served)[served]}."
    return (
        f"Long-tail products are {quiet:.0%} of the catalogue but {trade.chosen_share:.0%} of the {word}. "
        f"At this setting, lists show {one.found:.0%} of the long-tail products that shoppers went on to choose "
        f"(Behaviour: {trade.behaviour.found:.0%}), {cost}. {shown}"
    )


def _served(plan: TrainingPlan, trade: LongTailTrade) -> float:
    """The favour that was measured and is nearest to what the shop serves, from below."""
    wanted = settings().serving.favour or plan.recipe.favour
    return max((one.favour for one in trade.tried if one.favour <= wanted), default=trade.tried[0].favour)


def _trial(trade: LongTailTrade, favour: float) -> FavourTrial:
    return next(one for one in trade.tried if one.favour == favour)


def _quiet_share() -> float:
    counts = recommender().items["interaction_count"].to_numpy()
    return float(traffic().is_long_tail(counts).mean())
