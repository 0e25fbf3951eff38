"""Search: queries with known answers made from a shop's facts, a third of them misspelt; how quick it is; and whether nonsense finds anything.

An answer is known without the search: a product answers a query if its rows in the catalogue have every fact that the query was made of. A query
succeeds if one of the first ten does.
"""

from __future__ import annotations

import argparse
import string
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.made_release import make_release
from engine.core.settings import workspace_path
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import vectors_of_unseen
from engine.search.catalogue import SearchCatalogue
from engine.search.meaning import MeaningSearch

QUERIES, NONSENSE, TOP = 200, 100, 10
MISSPELT = 3  # every third
SEED = 17
LETTERS = list(string.ascii_lowercase)


@dataclass(frozen=True)
class Query:
    """What is typed, and which rows of the catalogue answer it, (n,) bool."""

    text: str
    answers: np.ndarray


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Value, target and details of every figure; times are of a made shop of the largest size asked for."""
    workspace = Workspace(getattr(arguments, "workspace", None) or workspace_path())
    release = Recommender.open(workspace)
    catalogue = SearchCatalogue(release.items, release.attribute_kinds)
    rng = np.random.default_rng(SEED)
    queries = known_queries(release.items, list(release.attribute_kinds), rng)
    failed = [query.text for query in queries if not query.answers[catalogue.best(query.text, TOP)].any()]
    shares = [query.answers[catalogue.best(query.text, TOP)].sum() / min(TOP, query.answers.sum()) for query in queries]
    meaning = MeaningSearch(release, lambda products: vectors_of_unseen(release, workspace, products))
    texts = [_nonsense(rng) for _ in range(NONSENSE)]
    by_words = sum(bool(catalogue.best(text, 1).size) for text in texts)
    by_meaning = sum(bool(meaning.closest(text).size) for text in texts)
    return {
        "search: success@10 of 200 queries, a third misspelt": (
            round(1 - len(failed) / QUERIES, 3), ">= 0.95", {"products": len(catalogue), "failed": failed, "share_of_top_10": round(float(np.mean(shares)), 3)},
        ),
        "search: nonsense that finds something by words, of 100": (by_words, "0"),
        "search: nonsense that finds something by meaning, of 100": (by_meaning, "0", {"least_similarity": round(meaning.least, 3)}),
        **_times(arguments, rng),
    }  # fmt: skip


def known_queries(items: pd.DataFrame, attributes: Sequence[str], rng: np.random.Generator) -> list[Query]:
    """`QUERIES` queries of one to three facts of a product drawn by chance, every third with a letter wrong."""
    fields = [name for name in ("brand", "category", *attributes) if not pd.api.types.is_numeric_dtype(items[name])]
    queries: list[Query] = []
    while len(queries) < QUERIES:
        row = items.iloc[int(rng.integers(len(items)))]
        known = [name for name in fields if _values(row[name])]
        if not known:
            continue
        chosen = rng.choice(known, min(len(known), 1 + len(queries) % 3), replace=False)
        facts = {str(name): str(rng.choice(_values(row[name]))) for name in chosen}
        answers = np.ones(len(items), dtype=bool)
        for name, value in facts.items():
            answers &= np.fromiter((value in _values(one) for one in items[name]), dtype=bool, count=len(items))
        text = " ".join(facts.values()).lower()
        queries.append(Query(_misspelt(text, rng) if len(queries) % MISSPELT == 0 else text, answers))
    return queries


def _times(arguments: argparse.Namespace, rng: np.random.Generator) -> dict[str, Any]:
    size = max(arguments.products)
    made = Workspace(arguments.folder / str(size))
    if not (made.releases / "current").is_file():
        make_release(made, size)
    release = Recommender.open(made)
    began = time.perf_counter()
    catalogue = SearchCatalogue(release.items, release.attribute_kinds)
    facets_s = time.perf_counter() - began
    catalogue.best("a", 1)
    ready_s = time.perf_counter() - began
    queries = known_queries(release.items, list(release.attribute_kinds), rng)
    texts = [*(query.text for query in queries), *(query.text[:3] for query in queries)]  # as somebody types
    taken = []
    for text in texts:
        began = time.perf_counter()
        catalogue.best(text, TOP)
        taken.append(1000 * (time.perf_counter() - began))
    return {
        f"search: a query at {size:,} products, p95 in ms": (
            round(float(np.quantile(taken, 0.95)), 1), "<= 50",
            {"median_ms": round(float(np.median(taken)), 1), "longest_ms": round(max(taken), 1), "facets_s": round(facets_s, 2), "words_s": round(ready_s, 2)},
        ),
    }  # fmt: skip


def _values(value: object) -> list[str]:
    """The values of a field of one product, as texts."""
    if isinstance(value, str):
        return [value]
    return [str(one) for one in value] if isinstance(value, list | tuple | np.ndarray) else []


def _misspelt(text: str, rng: np.random.Generator) -> str:
    """The text with one letter of its longest word left out, doubled, wrong, or in its neighbour's place."""
    word = max(text.replace("-", " ").split(), key=len)
    at = int(rng.integers(1, max(len(word) - 1, 2)))
    other = str(rng.choice(LETTERS))
    wrong = [
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
        word[:at] + other + word[at + 1 :],
        word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :],
    ][int(rng.integers(4))]
    return text.replace(word, wrong, 1)


def _nonsense(rng: np.random.Generator) -> str:
    words = ("".join(rng.choice(LETTERS, int(rng.integers(4, 10)))) for _ in range(int(rng.integers(1, 4))))
    return " ".join(words)
