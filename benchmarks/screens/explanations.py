"""Explanations: what cards say of 1,000 random pairs, checked against the release's files by code of its own; and ranks without a part.

Nothing here uses `engine.explain` but to get the sentences: facts are counted again from items.parquet, user_items.npz and content.npy. A rank without
a part is compared with the list of the shop after the product was really changed to have no such part.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from benchmarks.made_release import make_release
from engine.core.settings import load_settings, workspace_path
from engine.core.workspace import Workspace
from engine.edits.changes.store import ChangeStore
from engine.edits.drafts.advice import PARTS
from engine.explain.facts import Anchor, Explainer, Facts
from engine.explain.without import ranks_by_other_arms, ranks_without
from engine.recommend.neighbour import Neighbour
from engine.recommend.recommender import Recommender
from engine.serving.served_shop import ServedShop
from engine.store import Database, database_url
from ui.products.why_words import why_sentence

PAIRS, PRODUCTS, LISTED, LOOK_ALIKES, TIMED = 1000, 8, 20, 10, 60
ARMS = ("als", "predicted", "content", "hybrid")
MODALITIES = ("text", "image", "attributes")  # in the order of a content vector's columns
NAMES = {"picture": "image", "text": "text", "details": "attributes"}
RANDOM_PAIRS = 200_000


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Value, target and details of every figure: what is true on the shop of the workspace, which was trained; how quick it is on made ones."""
    workspace = Workspace(workspace_path())
    release = Recommender.open(workspace)
    checked, false = _check_sentences(release)
    ranks, apart = _check_ranks(workspace, release)
    shop = {"products": len(release.items), "reads": sorted(set(MODALITIES) & set(release.manifest.dims))}
    figures: dict[str, Any] = {
        "facts on cards that are true, of 1,000 random pairs, in %": (
            round(100 * (1 - len(false) / max(checked, 1)), 2), "100", {**shop, "facts": checked, "false": false[:10]},
        ),
        "ranks without a part that are not those of the list really made without it": (apart, "0", {**shop, "ranks": ranks}),
    }  # fmt: skip
    for products in arguments.products:
        times = _times(_made(arguments.folder, products))
        for name, least, (quickly, first) in (
            ("sentences of 20 neighbours", 50, times[0]),
            ("first answer of Why?", 300, times[1]),
        ):
            figures[f"{name}, {products:,} products, p95 in ms of processor time"] = (
                quickly,
                f"<= {least}",
                {"very_first_ms": first},
            )
    return figures


class Data:
    """The shop and its content, read from a release's files."""

    def __init__(self, directory: Path) -> None:
        self.manifest = json.loads((directory / "manifest.json").read_text("utf-8"))
        self.items = pd.read_parquet(directory / "items.parquet")
        self.row = {item_id: row for row, item_id in enumerate(self.items["item_id"])}
        entry = self.manifest["arms"]["content"]
        vectors = np.load(directory / entry["candidates"]).astype(np.float64)
        self.content = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        self._users = sparse.load_npz(directory / "user_items.npz").tocoo()
        self.shoppers = int(self._users.shape[0])

    @cached_property
    def users(self) -> list[set[int]]:
        """Who has each product."""
        found: list[set[int]] = [set() for _ in range(len(self.items))]
        for user, item in zip(self._users.row.tolist(), self._users.col.tolist(), strict=True):
            found[item].add(user)
        return found

    def nearest(self, row: int) -> list[int]:
        """The products nearest by content, itself left out."""
        cosines = np.round(self.content @ self.content[row], 6)
        cosines[row] = -np.inf
        return [int(one) for one in np.argsort(-cosines, kind="stable")[:LOOK_ALIKES]]

    @cached_property
    def blocks(self) -> dict[str, np.ndarray]:
        """Modality -> (n, d), unit rows."""
        found, start = {}, 0
        for name in MODALITIES:
            width = min(int(self.manifest["dims"].get(name, 0)), 1024)
            block = self.content[:, start : start + width]
            found[name] = block / np.maximum(np.linalg.norm(block, axis=1, keepdims=True), 1e-12)
            start += width
        return found

    @cached_property
    def random_cosines(self) -> dict[str, np.ndarray]:
        """Modality -> ascending cosines of very many random pairs that are none of the product's own sample."""
        one, other = np.random.default_rng(12345).integers(0, len(self.items), (2, RANDOM_PAIRS))
        apart = one != other
        one, other = one[apart], other[apart]
        return {name: np.sort((rows[one] * rows[other]).sum(axis=1)) for name, rows in self.blocks.items() if rows.size}

    def less_alike(self, modality: str, one: int, other: int) -> float:
        """The share of random pairs that are less alike than these two."""
        cosine = float(self.blocks[modality][one] @ self.blocks[modality][other])
        return float(np.searchsorted(self.random_cosines[modality], cosine + 1e-6) / len(self.random_cosines[modality]))

    def equal(self, column: str, one: int, other: int) -> bool:
        mine, theirs = self.items[column].iloc[one], self.items[column].iloc[other]
        if isinstance(mine, str) or isinstance(theirs, str) or np.isscalar(mine):
            return bool(mine == theirs)
        return mine is not None and theirs is not None and set(mine) == set(theirs)


def _check_sentences(release: Recommender) -> tuple[int, list[str]]:
    """How many facts stood on cards, and those that are not true."""
    data, explainer, rng = Data(release.directory), Explainer(release), np.random.default_rng(7)
    word = release.manifest.extra["shop"]["interaction_word"]
    checked, false, pairs = 0, [], 0
    while pairs < PAIRS:
        item_id = str(release.items["item_id"].iloc[int(rng.integers(len(release.items)))])
        arm = ARMS[int(rng.integers(len(ARMS)))]
        found = release.neighbours(item_id, arm, LISTED)
        if not found:
            continue
        one = found[int(rng.integers(len(found)))]
        (facts,) = explainer.facts(Anchor.of(release, item_id), [one], arm)
        sentence = why_sentence(facts, arm, word)
        for fact, is_true in _facts(data, data.row[item_id], data.row[one.item_id], arm, sentence):
            checked += 1
            if not is_true:
                false.append(f"{item_id} -> {one.item_id} by {arm}: {fact}")
        false += _counted_wrong(data, facts, data.row[item_id], data.row[one.item_id])
        pairs += 1
    return checked, false


def _facts(data: Data, one: int, other: int, arm: str, sentence: str) -> Iterator[tuple[str, bool]]:
    """Every piece of a sentence with whether it is true; a piece that is not understood is not."""
    count = [len(data.users[row]) for row in (one, other)]
    both = len(data.users[one] & data.users[other])
    for piece in sentence.split("; "):
        text = piece[:1].lower() + piece[1:]
        if match := re.fullmatch(r"(no|[\d,]+) \w+ [\w ]+? both(: placed by what else their \w+ [\w ]+)?", text):
            said = 0 if match[1] == "no" else int(match[1].replace(",", ""))
            yield piece, said == both and (match[2] is None or (arm == "als" and both == 0))
        elif match := re.fullmatch(r"([\d,]+) \w+ [\w ]+? both, no more than by chance", text):
            chance = count[0] * count[1] / data.shoppers
            yield piece, int(match[1].replace(",", "")) == both <= chance
        elif match := re.fullmatch(r"([\d,]+) \w+ of similar products [\w ]+ this too", text):
            yield piece, int(match[1].replace(",", "")) == _carried(data, one, other)
        elif match := re.fullmatch(r"same (.+)", text):
            yield piece, all(_has_equal(data, name, one, other) for name in re.split(r", | and ", match[1]))
        elif match := re.fullmatch(r"the same (.+)", text):
            yield piece, all(_has_same(data, name, one, other) for name in match[1].split(" and "))
        elif match := re.fullmatch(r"(very similar|similar) (.+)", text):
            least = 0.99 if match[1] == "very similar" else 0.95
            yield piece, all(data.less_alike(NAMES[name], one, other) >= least for name in match[2].split(" and "))
        elif re.fullmatch(r"nobody \w[\w ]* either yet", text):
            yield piece, max(count) == 0
        elif re.fullmatch(r"hardly anybody \w[\w ]* either yet", text):
            yield piece, 0 < max(count) < 5
        elif re.fullmatch(r"nobody \w[\w ]* this one yet", text):
            yield piece, count[1] == 0
        elif re.fullmatch(r"too few \w[\w ]* to rely on", text):
            yield piece, min(count) < 5
        elif text == "likely to appeal to the same shoppers":
            yield piece, arm == "predicted"
        elif text == "products like these appeal to the same shoppers":
            yield piece, arm == "hybrid"
        elif text == "little in common, but few products are closer":
            yield piece, arm == "content"
        else:
            yield piece, False


def _carried(data: Data, one: int, other: int) -> int:
    near: set[int] = set()
    for row in data.nearest(one):
        if row != other:
            near |= data.users[row]
    return len(data.users[other] & (near - data.users[one]))


def _has_equal(data: Data, name: str, one: int, other: int) -> bool:
    column = next((column for column in data.items.columns if column.replace("_", " ").lower() == name), None)
    return column is not None and data.equal(column, one, other)


def _has_same(data: Data, name: str, one: int, other: int) -> bool:
    columns = ("image",) if name == "picture" else ("title",)
    return all(data.items[column].iloc[one] == data.items[column].iloc[other] for column in columns)


def _counted_wrong(data: Data, facts: Facts, one: int, other: int) -> list[str]:
    """Facts that no sentence had room for."""
    expected = (len(data.users[one]), len(data.users[other]), len(data.users[one] & data.users[other]))
    said = (*facts.counts, facts.shared)
    return [] if said == expected else [f"{facts.item_id}: {said}, not {expected}"]


def _check_ranks(workspace: Workspace, release: Recommender) -> tuple[int, int]:
    """How many ranks without a part were looked at, and how many differ from those after the change was really made."""
    looked, apart = 0, 0
    rows = np.random.default_rng(3).permutation(len(release.items))[:PRODUCTS]
    with tempfile.TemporaryDirectory() as scratch:
        copy = Workspace(Path(scratch) / "shop")
        shutil.copytree(workspace.root, copy.root, symlinks=True)
        settings = load_settings(copy.root)
        database = Database(database_url(copy, settings))
        changes = ChangeStore(database, copy)
        shop = ServedShop.open(copy, settings, open_database=lambda: database)
        said = {row: ranks_without(shop, str(release.items["item_id"].iloc[row]), "hybrid") for row in rows}
        for row, by_part in said.items():
            item_id = str(release.items["item_id"].iloc[row])
            for part, ranks in by_part.items():
                now = release.product(item_id)
                changes.save(item_id, now, replace(now, **PARTS[part]), "benchmark", 0)
                changed = ServedShop.open(copy, settings, open_database=lambda: database)
                expected = {one.item_id: one.rank for one in changed.neighbours(item_id, "hybrid", ranks.listed)}
                changes.undo(item_id)
                looked += len(expected)
                apart += sum(ranks.ranks.get(one) != rank for one, rank in expected.items())
        database.close()
    return looked, apart


def _made(folder: Path, products: int) -> Path:
    """A workspace with a shop of this size; made where it is not there yet."""
    workspace = folder / str(products)
    if not (workspace / "releases" / "current").is_file():
        make_release(Workspace(workspace), products)
    return workspace


def _times(workspace: Path) -> list[tuple[float, float]]:
    """Milliseconds of processor time, p95 and of the very first: for the sentences of 20 neighbours, and for what a panel shows at once."""
    shop = ServedShop.open(Workspace(workspace), load_settings(workspace))
    release, rng = shop.release, np.random.default_rng(5)
    explainer, word = Explainer(release), release.manifest.extra["shop"]["interaction_word"]

    def sentences(item_id: str, neighbours: Sequence[Neighbour]) -> None:
        for one in explainer.facts(Anchor.of(release, item_id), neighbours, "hybrid"):
            why_sentence(one, "hybrid", word)

    def panel(item_id: str, neighbours: Sequence[Neighbour]) -> None:
        sentences(item_id, neighbours[:1])
        ranks_by_other_arms(shop, item_id, "hybrid")

    taken: list[list[float]] = [[], []]
    for row in rng.integers(0, len(release.items), TIMED):
        item_id = str(release.items["item_id"].iloc[int(row)])
        neighbours = shop.neighbours(item_id, "hybrid", LISTED)
        for work, times in zip((sentences, panel), taken, strict=True):
            began = time.thread_time()
            work(item_id, neighbours)
            times.append(1000 * (time.thread_time() - began))
    return [(round(float(np.quantile(times[1:], 0.95)), 1), round(times[0], 1)) for times in taken]
