"""A year of shoppers: who looks at which dress, puts it into the cart, buys it, and when.

Every shopper likes one to three style families, some colours and a price level, and sometimes wanders through the rest
of the shop. Popularity is heavy-tailed within every family: a fifth of the dresses get about four fifths of the clicks,
and most clicks on the long tail come from wandering shoppers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import numpy as np
import pandas as pd

from engine.core.progress import Progress, silent
from engine.demo.families import Dress, style_families

__all__ = ["YEAR_START", "popularity", "shop_for_a_year"]

YEAR_START = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp())
DAYS = 365

# Log popularity falls with a dress's rank r (0 best, 1 last) in its family as FALL r + DROP r^2, plus chance.
FALL, DROP, CHANCE = 8.0, 12.0, 0.8
NEW_ARRIVALS = 0.2  # share of dresses that came into the shop during the year

# Distinct dresses a shopper opens: log-normal, at most MOST_CLICKS.
CLICKS, CLICKS_SPREAD, MOST_CLICKS = 33.0, 0.4, 80
FAMILIES_LIKED = (0.25, 0.4, 0.35)  # chances of liking one, two or three families
COLOUR_TASTE = 1.4  # log of how much more shoppers want a favourite colour; one colour in four is one
PRICE_TOLERANCE = 0.9  # spread around the price level a shopper likes, in spreads of the family's prices
# Share of clicks on a wander: beta distributed over shoppers, 13 % on average. On a wander, shoppers see the whole shop
# nearly evenly (popularity to the power WANDERING); the long tail gets most of its few clicks this way.
WANDERERS = (3.0, 20.0)
WANDERING = 0.15
BLOCK = 500


@dataclass(frozen=True)
class _Shelf:
    """The dresses as arrays, one entry per row."""

    family: np.ndarray
    colour: np.ndarray
    price: np.ndarray  # log price against the family's median, in spreads
    popularity: np.ndarray
    arrival: np.ndarray  # seconds since the year began


def shop_for_a_year(
    dresses: Sequence[Dress],
    item_ids: Sequence[str],
    n_shoppers: int,
    rng: np.random.Generator,
    step: str = "",
    progress: Progress = silent,
) -> pd.DataFrame:
    """Events of a year in order of time: `user_id`, `item_id`, `event` (view, cart, purchase), `timestamp` seconds."""
    shelf = _shelf(dresses, rng)
    blocks = []
    for first in range(0, n_shoppers, BLOCK):
        shoppers = np.arange(first, min(first + BLOCK, n_shoppers))
        blocks.append(_visits(shelf, shoppers, rng))
        progress(step, len(shoppers) / n_shoppers * 0.9 + first / n_shoppers * 0.9, f"{shoppers[-1] + 1:,} shoppers")
    return _named(pd.concat(blocks, ignore_index=True), item_ids, n_shoppers)


def _named(events: pd.DataFrame, item_ids: Sequence[str], n_shoppers: int) -> pd.DataFrame:
    """Events in order of time, with ids and names for numbers."""
    events = events.sort_values(["timestamp", "shopper", "row"], kind="stable")
    shoppers = np.array([f"S{number + 1:05d}" for number in range(n_shoppers)], dtype=object)
    return pd.DataFrame(
        {
            "user_id": shoppers[events["shopper"].to_numpy()],
            "item_id": np.array(item_ids, dtype=object)[events["row"].to_numpy()],
            "event": np.array(["view", "cart", "purchase"], dtype=object)[events["kind"].to_numpy()],
            "timestamp": events["timestamp"].to_numpy(),
        }
    )


def popularity(family: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The popularity of every dress, (n_items,) float64: the same long tail within every family."""
    drawn = np.empty(len(family))
    for member in np.unique(family):
        rows = np.flatnonzero(family == member)
        # Every family has a full range of ranks, so no small family is all head or all tail.
        rank = (rng.permutation(len(rows)) + 0.5) / len(rows)
        drawn[rows] = np.exp(-(FALL * rank + DROP * rank**2) + CHANCE * rng.normal(size=len(rows)))
    return drawn


def _shelf(dresses: Sequence[Dress], rng: np.random.Generator) -> _Shelf:
    families = style_families()
    number = {family.name: position for position, family in enumerate(families)}
    family = np.array([number[dress.family] for dress in dresses])
    _, colour = np.unique([dress.shade.colour for dress in dresses], return_inverse=True)
    price = np.array(
        [
            np.log(dress.price / families[at].price[0]) / families[at].price[1]
            for dress, at in zip(dresses, family, strict=True)
        ]
    )
    arrival = np.where(rng.random(len(dresses)) < NEW_ARRIVALS, rng.random(len(dresses)) * DAYS * 86400, 0)
    return _Shelf(family, colour, price, popularity(family, rng), arrival)


def _visits(shelf: _Shelf, shoppers: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Events of some shoppers: columns shopper, row, kind (0 view, 1 cart, 2 purchase) and timestamp."""
    who, row, by_taste, when = _clicks(shelf, len(shoppers), rng)
    views = 1 + rng.poisson(np.where(by_taste, 0.5, 0.05))
    carts = rng.random(len(who)) < np.where(by_taste, 0.14, 0.02)
    bought = carts & (rng.random(len(who)) < 0.4)
    again = np.repeat(np.arange(len(who)), views)
    parts = [
        (again, 0, when[again] + rng.integers(0, 2400, len(again))),
        (np.flatnonzero(carts), 1, when[carts] + 2500 + rng.integers(0, 600, int(carts.sum()))),
        (np.flatnonzero(bought), 2, when[bought] + 3200 + rng.integers(0, 900, int(bought.sum()))),
    ]
    return pd.DataFrame(
        {
            "shopper": np.concatenate([shoppers[who[pairs]] for pairs, _, _ in parts]),
            "row": np.concatenate([row[pairs] for pairs, _, _ in parts]),
            "kind": np.concatenate([np.full(len(pairs), kind) for pairs, kind, _ in parts]),
            "timestamp": np.concatenate([times for _, _, times in parts]).astype(np.int64) + YEAR_START,
        }
    )


def _clicks(
    shelf: _Shelf, n_shoppers: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Distinct pairs of shopper and dress: shopper, row, whether the shopper's taste led to it, and the time in seconds."""
    n_items = len(shelf.family)
    clicks = CLICKS * np.exp(rng.normal(0, CLICKS_SPREAD, n_shoppers))
    clicks = np.clip(clicks, 3, max(1, min(MOST_CLICKS, n_items // 4))).astype(int)
    strays = rng.random((n_shoppers, int(clicks.max()))) < rng.beta(*WANDERERS, size=n_shoppers)[:, None]
    wandered = (strays & (np.arange(strays.shape[1]) < clicks[:, None])).sum(axis=1)
    taste = _taste(shelf, n_shoppers, rng)
    wander = np.broadcast_to(np.log(shelf.popularity) * WANDERING, (n_shoppers, n_items))
    liked = _pick(taste, clicks - wandered, rng)
    met = _pick(wander, wandered, rng)
    who, row = np.nonzero(liked | met)
    when = _when(who, clicks, rng)
    available = when >= shelf.arrival[row]
    return who[available], row[available], liked[who, row][available], when[available]


def _taste(shelf: _Shelf, n_shoppers: int, rng: np.random.Generator) -> np.ndarray:
    """Log of how much each shopper wants each dress, (n_shoppers, n_items); minus infinity outside their families."""
    weights = np.array([family.weight for family in style_families()], dtype=float)
    weights /= weights.sum()
    likes = np.zeros((n_shoppers, len(weights)))
    for shopper in range(n_shoppers):
        count = int(rng.choice([1, 2, 3], p=FAMILIES_LIKED))
        chosen = rng.choice(len(weights), count, replace=False, p=weights)
        likes[shopper, chosen] = rng.dirichlet(np.full(count, 4.0))
    # A family's share of a shopper's clicks should not grow with the family's size.
    pull = np.bincount(shelf.family, weights=shelf.popularity, minlength=len(weights))
    colours = rng.random((n_shoppers, int(shelf.colour.max()) + 1)) < 0.25
    level = rng.normal(0, 0.8, n_shoppers)
    with np.errstate(divide="ignore"):
        by_family = np.log(likes / np.maximum(pull, 1e-12))[:, shelf.family]
    by_colour = COLOUR_TASTE * colours[:, shelf.colour]
    by_price = -0.5 * ((shelf.price[None, :] - level[:, None]) / PRICE_TOLERANCE) ** 2
    return cast(np.ndarray, by_family + np.log(shelf.popularity) + by_colour + by_price)


def _pick(log_weights: np.ndarray, counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw `counts[s]` items for every shopper without replacement, (n_shoppers, n_items) bool.

    The items with the largest sum of log weight and Gumbel noise are such a draw (Vieira 2014).
    """
    keys = log_weights + rng.gumbel(size=log_weights.shape)
    most = int(counts.max(initial=1)) or 1
    best = np.argpartition(-keys, most - 1, axis=1)[:, :most]
    order = np.argsort(-np.take_along_axis(keys, best, axis=1), axis=1)
    best = np.take_along_axis(best, order, axis=1)
    rank = np.arange(most)
    wanted = (rank[None, :] < counts[:, None]) & np.isfinite(np.take_along_axis(keys, best, axis=1))
    picked = np.zeros(keys.shape, dtype=bool)
    np.put_along_axis(picked, best, wanted, axis=1)
    return picked


def _when(who: np.ndarray, clicks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A second of the year for every click: shoppers visit a few times, more often in early summer and December."""
    day = np.arange(DAYS)
    season = 1 + 0.5 * np.exp(-(((day - 150) / 40) ** 2)) + 0.9 * np.exp(-(((day - 338) / 14) ** 2))
    season = season * np.where((day + 3) % 7 >= 5, 1.35, 1.0)
    season /= season.sum()
    visits = 1 + clicks // 6
    starts = np.concatenate([[0], np.cumsum(visits)])
    days = rng.choice(DAYS, int(visits.sum()), p=season)
    hours = np.clip(rng.normal(17.5, 3.5, len(days)), 6, 22.5)
    begins = days * 86400 + (hours * 3600).astype(np.int64)
    return cast(np.ndarray, begins[starts[who] + (rng.random(len(who)) * visits[who]).astype(int)])
