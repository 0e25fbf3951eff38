"""Shops of any size with known truth, written to Parquet block by block: 10,000 to millions of products, to 100 million events.

    python -m benchmarks.scale.shop FOLDER --products 1000000 [--events 50000000] [--seed 0] [--pictures 10000]

A shop of niches (`benchmarks.made_shops`): families of style, which brand, category and title tell, sales that fall off steeply
within a style and among styles, and shoppers who keep to a few styles. Titles are of 2 to 40 words, half of the products have a
description, and shoppers come back to what they saw: an event is a view, a cart or a purchase, at some time within a year. What is
held in memory are a few numbers a product, and one block of events.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

from benchmarks.made_shops import NicheSales, history_sizes, prices, vocabulary

__all__ = ["EVENTS_PER_PRODUCT", "mixed_texts", "n_events", "write_day", "write_shop"]

EVENTS_PER_PRODUCT = 50
PRODUCTS_PER_STYLE = 250
EVENTS_PER_SHOPPER = 25
ITEMS_AT_ONCE, SHOPPERS_AT_ONCE = 50_000, 40_000
LATEST, DAY = 1_750_000_000, 86_400
KINDS = pa.array(["view", "view", "view", "cart", "purchase"])
WORDS_OF_STYLE, COMMON_WORDS = 6, 400
PICTURE = 640


def write_shop(folder: Path, products: int, events: int | None = None, seed: int = 0, pictures: int = 0) -> Path:
    """items.parquet, events.parquet, truth.parquet (item_id, style) and images/; the folder, as it is where it has them already.

    Parameters
    ----------
    events : drawn; `EVENTS_PER_PRODUCT` a product unless given. pictures : so many products have one.
    """
    if (folder / "events.parquet").is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    sold = NicheSales.drawn(products, max(4, products // PRODUCTS_PER_STYLE), np.random.default_rng([seed, 31]))
    _write(folder / "items.parquet", _items(sold, seed))
    if pictures:
        _draw_pictures(folder / "images", sold.styles[:pictures])
    truth = {"item_id": _ids("p", np.arange(products)), "style": pa.array(sold.styles, pa.int32())}
    pq.write_table(pa.table(truth), folder / "truth.parquet")
    _write(
        folder / "events.parquet",
        _events(sold, n_events(products) if events is None else events, [seed], LATEST, 365 * DAY),
    )
    return folder


def write_day(file: Path, products: int, number: int, seed: int = 0, share: float = 0.01) -> Path:
    """Events of the day `number`, from 1, after those of `write_shop`: the share of them, by some of its shoppers; the file, as it is where it is there."""
    if not file.is_file():
        sold = NicheSales.drawn(products, max(4, products // PRODUCTS_PER_STYLE), np.random.default_rng([seed, 31]))
        _write(file, _events(sold, round(share * n_events(products)), [seed, number], LATEST + number * DAY, DAY))
    return file


def n_events(products: int) -> int:
    """Events of a shop of this size, unless others are asked for."""
    return EVENTS_PER_PRODUCT * products


def mixed_texts(n: int, seed: int) -> list[str]:
    """Distinct titles with descriptions, as an encoder gets them: from two words to more than it reads."""
    sold = NicheSales.drawn(n, max(4, n // PRODUCTS_PER_STYLE), np.random.default_rng([seed, 31]))
    texts = []
    for table in _items(sold, seed):
        for title, description in zip(table["title"].to_pylist(), table["description"].to_pylist(), strict=True):
            texts.append(f"{title}. {description}" if description else title)
    return texts


def _items(sold: NicheSales, seed: int) -> Iterator[pa.Table]:
    n_styles = len(sold.sales)
    words = np.array(vocabulary(np.random.default_rng([seed, 32]), WORDS_OF_STYLE * n_styles + COMMON_WORDS), object)
    for start in range(0, len(sold.styles), ITEMS_AT_ONCE):
        styles = sold.styles[start : start + ITEMS_AT_ONCE]
        rng, n = np.random.default_rng([seed, 33, start]), len(styles)
        brands = styles * 4 + rng.integers(0, 4, n)
        described = rng.random(n) < 0.5
        yield pa.table(
            {
                "item_id": _ids("p", np.arange(start, start + n)),
                "title": [text.capitalize() for text in _texts(styles, _lengths(n, 8, 40, rng), words, rng)],
                "description": [
                    text if there else None
                    for text, there in zip(
                        _texts(styles, _lengths(n, 24, 120, rng), words, rng), described, strict=True
                    )
                ],
                "brand": [f"Brand {brand % max(5, n_styles // 2)}" for brand in brands],
                "category": [f"Department {style % max(4, n_styles // 8)}" for style in styles],
                "price": prices(n, rng),
            },
            schema=pa.schema(
                [(name, pa.string()) for name in ("item_id", "title", "description", "brand", "category")]
                + [("price", pa.float64())]
            ),
        )


def _lengths(n: int, typical: int, most: int, rng: np.random.Generator) -> np.ndarray:
    """(n,) int, words of each text: log-normal, at least two."""
    return np.clip(np.rint(typical * rng.lognormal(0.0, 0.6, n)), 2, most).astype(int)


def _texts(styles: np.ndarray, lengths: np.ndarray, words: np.ndarray, rng: np.random.Generator) -> list[str]:
    """Texts in which every second word or so is one of the style's own."""
    style = np.repeat(styles, lengths)
    own = WORDS_OF_STYLE * style + rng.integers(0, WORDS_OF_STYLE, len(style))
    other = len(words) - COMMON_WORDS + rng.integers(0, COMMON_WORDS, len(style))
    chosen = words[np.where(rng.random(len(style)) < 0.6, own, other)]
    return [" ".join(part) for part in np.split(chosen, np.cumsum(lengths)[:-1])]


def _events(sold: NicheSales, events: int, seed: list[int], latest: int, seconds: int) -> Iterator[pa.Table]:
    shoppers = max(50, events // EVENTS_PER_SHOPPER)
    for start in range(0, shoppers, SHOPPERS_AT_ONCE):
        rng, n = np.random.default_rng([seed[0], 34, start, *seed[1:]]), min(SHOPPERS_AT_ONCE, shoppers - start)
        users, rows = sold.draws(history_sizes(n, n * EVENTS_PER_SHOPPER, rng), rng)
        order = rng.permutation(len(users))
        yield pa.table(
            {
                "user_id": _ids("u", users[order] + start),
                "item_id": _ids("p", rows[order]),
                "event": KINDS.take(pa.array(rng.integers(0, len(KINDS), len(users)))),
                "timestamp": pa.array(latest - rng.integers(0, seconds, len(users))),
            }
        )


def _ids(letter: str, numbers: np.ndarray) -> pa.Array:
    digits = pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), 8, "0")
    return pc.binary_join_element_wise(letter, digits, "")


def _write(file: Path, tables: Iterator[pa.Table]) -> None:
    """Table by table, under its own name once it is whole."""
    unfinished = file.with_suffix(".part")
    first = next(tables)
    with pq.ParquetWriter(unfinished, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)
    unfinished.replace(file)


def _draw_pictures(folder: Path, styles: np.ndarray) -> None:
    """A JPEG of 640 pixels for each product, whose colour and shape are its style's."""
    folder.mkdir(exist_ok=True)
    for row, style in enumerate(styles):
        rng = np.random.default_rng([int(style), 35])
        image = Image.new("RGB", (PICTURE, PICTURE), tuple(int(one) for one in rng.integers(120, 256, 3)))
        pen, shape = ImageDraw.Draw(image), _SHAPES[int(style) % len(_SHAPES)]
        left, top = 60 + row * 7 % 120, 60 + row * 11 % 120
        shape(pen)((left, top, left + 400, top + 400), fill=tuple(int(one) for one in rng.integers(0, 120, 3)))
        image.save(folder / f"p{row:08d}.jpg", "JPEG", quality=85)


_SHAPES: tuple[Callable[[ImageDraw.ImageDraw], Callable[..., None]], ...] = (
    lambda pen: pen.ellipse,
    lambda pen: pen.rectangle,
    lambda pen: lambda box, fill: pen.polygon([(box[0], box[3]), (box[2], box[3]), (box[0], box[1])], fill=fill),
)


def main() -> None:
    """Write a shop's files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--events", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pictures", type=int, default=0)
    arguments = parser.parse_args()
    write_shop(arguments.folder, arguments.products, arguments.events, arguments.seed, arguments.pictures)


if __name__ == "__main__":
    main()
