"""A shop of real photographs that made-up shoppers go through, and what pictures add there; see `benchmarks.pictures`."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.cluster import KMeans

from benchmarks.modalities import EncodedShop, measured
from benchmarks.support import shared_data
from engine.catalogue.images import store_image
from engine.catalogue.snapshot import write_snapshot
from engine.core.workspace import Workspace

__all__ = ["build_photo_shop", "photo_shop"]

PRODUCTS, SHOPPERS, MEAN_CLICKS = 1800, 4000, 14
COLOURS = 4
"""Ranges of colours within each class."""
BRANDS = ("Norden", "Alba", "Kite", "Mora", "Velo", "Sunda", "Orrin", "Tarn", "Isla", "Bask")
STRAY = 0.15
"""The share of clicks that follow no taste."""


def photo_shop(workspace: Workspace, command: str) -> dict[str, dict[str, Any]]:
    """The figures of `--shop`."""
    build_photo_shop(workspace, seed=0)
    shop = EncodedShop(workspace, {})
    with_pictures, without = (measured(shop, some, 0) for some in (("text", "image"), ("text",)))
    return {
        "photo_shop_with_pictures": _figure(with_pictures, command),
        "photo_shop_without_pictures": _figure(without, command),
        "photo_shop_pictures_add": _figure(with_pictures / without, command, ">= 1"),
    }


def build_photo_shop(workspace: Workspace, seed: int) -> None:
    """Draw the shop and make it the workspace's. A product's kind is its class and range of colours; nobody is told."""
    rng = np.random.default_rng(seed)
    files = sorted((shared_data() / "clothing" / "images" / "train").glob("*/*.jpg"))
    files = [files[row] for row in np.sort(rng.choice(len(files), PRODUCTS, replace=False))]
    kinds = _kinds(files, seed)
    brands, numbers = rng.choice(BRANDS, len(files)), rng.integers(1000, 9999, len(files))
    items = pd.DataFrame(
        {
            "item_id": [f"P{number:04d}" for number in range(len(files))],
            "title": [f"{brand} {number}" for brand, number in zip(brands, numbers, strict=True)],
            "image": [store_image(workspace, file.read_bytes(), name=file.name) for file in files],
        }
    )
    clicks = pd.DataFrame(_clicks(kinds, rng), columns=["user", "row"]).drop_duplicates()
    events = pd.DataFrame(
        {"user_id": [f"u{user}" for user in clicks["user"]], "item_id": items["item_id"].to_numpy()[clicks["row"]]}
    )
    write_snapshot(workspace, items, events, {"name": "Photographs"}, {})


def _kinds(files: list[Path], seed: int) -> np.ndarray:
    """(n,) int: class x range of colours, by k-means of the mean colour of each photograph's middle."""
    classes = np.array([file.parent.name for file in files])
    colours = np.stack([_colour(file) for file in files])
    kinds = np.zeros(len(files), dtype=np.int64)
    for number, name in enumerate(sorted(set(classes))):
        rows = np.flatnonzero(classes == name)
        groups = KMeans(COLOURS, n_init=3, random_state=seed).fit_predict(colours[rows])
        kinds[rows] = number * COLOURS + groups
    return kinds


def _colour(file: Path) -> np.ndarray:
    with Image.open(io.BytesIO(file.read_bytes())) as picture:
        pixels = np.asarray(picture.convert("RGB"), dtype=np.float64)
    height, width = pixels.shape[:2]
    return np.asarray(pixels[height // 4 : -height // 4, width // 4 : -width // 4].mean((0, 1)))


def _clicks(kinds: np.ndarray, rng: np.random.Generator) -> list[tuple[int, int]]:
    """(shopper, row) pairs: each shopper has one to three kinds they like, and within a kind few products get most clicks."""
    popularity = rng.permutation(1.0 / np.arange(1, len(kinds) + 1) ** 0.6)
    everything = popularity / popularity.sum()
    of_kind = {int(kind): np.flatnonzero(kinds == kind) for kind in np.unique(kinds)}
    pairs = []
    for shopper in range(SHOPPERS):
        liked = rng.choice(list(of_kind), rng.integers(1, 4), replace=False)
        for _ in range(1 + rng.poisson(MEAN_CLICKS - 1)):
            if rng.random() < STRAY:
                pairs.append((shopper, int(rng.choice(len(kinds), p=everything))))
                continue
            rows = of_kind[int(rng.choice(liked))]
            pairs.append((shopper, int(rng.choice(rows, p=popularity[rows] / popularity[rows].sum()))))
    return pairs


def _figure(value: float, command: str, target: str = "-") -> dict[str, Any]:
    rounded = round(value, 3)
    return {"value": rounded, "target": target, "met": target == "-" or rounded >= 1, "command": command}
