"""The shops that scale is measured on: the same from the same seed, of the size that was asked for, and of known truth."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.scale import shop as made
from benchmarks.scale.shop import mixed_texts, write_day, write_shop

PRODUCTS, EVENTS = 600, 20_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_shop(tmp_path_factory.mktemp("made") / "shop", PRODUCTS, EVENTS, seed=3, pictures=2)


def digest(folder: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(folder.glob("*.parquet")))).hexdigest()


def test_it_has_the_products_and_about_the_events_that_were_asked_for(folder: Path):
    items, events = (pd.read_parquet(folder / f"{name}.parquet") for name in ("items", "events"))
    assert items["item_id"].is_unique
    assert len(items) == PRODUCTS
    assert abs(len(events) / EVENTS - 1) < 0.1
    assert set(events["item_id"]) <= set(items["item_id"])
    assert items["title"].str.split().str.len().between(2, 40).all()
    assert len(list((folder / "images").iterdir())) == 2


def test_the_same_seed_gives_the_same_shop_and_another_seed_another(folder: Path, tmp_path: Path):
    assert digest(write_shop(tmp_path / "again", PRODUCTS, EVENTS, seed=3)) == digest(folder)
    assert digest(write_shop(tmp_path / "other", PRODUCTS, EVENTS, seed=4)) != digest(folder)


def test_blocks_are_written_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(made, "ITEMS_AT_ONCE", 100)
    monkeypatch.setattr(made, "SHOPPERS_AT_ONCE", 100)
    blocks = write_shop(tmp_path / "blocks", PRODUCTS, EVENTS, seed=3)
    events = pd.read_parquet(blocks / "events.parquet")
    assert len(pd.read_parquet(blocks / "items.parquet")) == PRODUCTS
    assert events["user_id"].nunique() > 700


def test_most_clicks_are_on_few_products_and_shoppers_keep_to_their_styles(folder: Path):
    events, truth = (pd.read_parquet(folder / f"{name}.parquet") for name in ("events", "truth"))
    counts = events["item_id"].value_counts()
    assert counts.head(PRODUCTS // 10).sum() > 0.6 * len(events)
    styles = events.merge(truth, on="item_id").groupby("user_id")["style"].agg(lambda one: one.mode().size == 1)
    assert styles.mean() > 0.5


def test_texts_are_of_mixed_lengths():
    lengths = [len(text.split()) for text in mixed_texts(400, 0)]
    assert min(lengths) <= 4
    assert max(lengths) >= 60


def test_a_day_follows_the_year_and_is_drawn_once(folder: Path, tmp_path: Path):
    day = write_day(tmp_path / "day.parquet", PRODUCTS, 2, seed=3, share=0.1)
    events, year = pd.read_parquet(day), pd.read_parquet(folder / "events.parquet")
    assert len(events) == pytest.approx(0.1 * made.n_events(PRODUCTS), rel=0.1)
    assert year["timestamp"].max() + made.DAY <= events["timestamp"].min() + 1
    assert set(events["user_id"]) & set(year["user_id"])
    written = day.stat().st_mtime_ns
    write_day(day, PRODUCTS, 2, seed=3, share=0.1)
    assert day.stat().st_mtime_ns == written
