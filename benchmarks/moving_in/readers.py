"""Texts in other languages: who finds products of a family by their titles, in one language and across, and how fast.

`product_titles.toml` holds titles that people could write: of each family four in English, German and French, in words of
their own. A title asks, and the others of its family should come first (NDCG@10); or a title in one language asks among all of
another. Languages are told of single titles in eight languages, of four together, and of shops made of them.
"""

from __future__ import annotations

import argparse
import time
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks.moving_in import Figures
from engine.core.vectors import unit_rows
from engine.core.workspace import Workspace
from engine.models.encoders.languages import LANGUAGES, identifier, languages_of
from engine.models.encoders.text import TextEncoder
from engine.models.encoders.text_models import PACKAGES, model_folder

__all__ = ["measure"]

FILE = Path(__file__).with_name("product_titles.toml")
READ = ("en", "de", "fr")
PAIRS = (("en", "de"), ("de", "en"), ("fr", "de"), ("de", "fr"))
K = 10
SHOPS = 40
TIMED = 1_000

Read = Callable[[list[str]], np.ndarray]


def measure(arguments: argparse.Namespace) -> Figures:
    """NDCG@10 by reader and language, the share of titles and shops whose language is told right, and texts a second."""
    content = tomllib.loads(FILE.read_text("utf-8"))
    families = list(content["families"].values())
    titles = {language: [title for family in families for title in family[language]] for language in READ}
    family = np.repeat(np.arange(len(families)), len(families[0]["en"]))
    figures: Figures = {}
    for name, read in _readers(titles).items():
        vectors = {language: read(some) for language, some in titles.items()}
        for language in READ:
            score = _ndcg(vectors[language], vectors[language], family, itself=True)
            figures[f"{name}_{LANGUAGES[language].lower()}"] = (round(score, 3), "-")
        across = {
            f"{LANGUAGES[asked]} finds {LANGUAGES[found]}": _ndcg(vectors[asked], vectors[found], family, itself=False)
            for asked, found in PAIRS
        }
        details = {pair: round(score, 3) for pair, score in across.items()}
        figures[f"{name}_across"] = (round(float(np.mean(list(across.values()))), 3), "-", {"pairs": details})
    return figures | _languages(titles | content["titles"]) | _speed(titles["de"])


def _readers(titles: Mapping[str, list[str]]) -> dict[str, Read]:
    everything = [title for some in titles.values() for title in some]
    tfidf: dict[str, Read] = {}
    for name, vectorizer in (
        ("tfidf_words", TfidfVectorizer(sublinear_tf=True)),
        ("tfidf_letters", TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)),
    ):
        vectorizer.fit(everything)
        tfidf[name] = lambda texts, fitted=vectorizer: unit_rows(fitted.transform(texts).toarray())  # type: ignore[misc]
    return tfidf | {model: _encoder(model) for model in PACKAGES}


def _encoder(model: str) -> Read:
    encoder = TextEncoder(model, model_folder(model), (), max_tokens=128, batch_size=32)
    return lambda texts: encoder.encode_contents(texts, Workspace(Path()))


def _ndcg(asked: np.ndarray, found: np.ndarray, family: np.ndarray, *, itself: bool) -> float:
    """Mean NDCG@10; where `itself`, a title never finds itself."""
    relevant = family[:, None] == family[None, :]
    scores = asked @ found.T
    if itself:
        np.fill_diagonal(scores, -np.inf)
        np.fill_diagonal(relevant, val=False)
    first = np.argsort(-scores, axis=1, kind="stable")[:, :K]
    discount = 1 / np.log2(np.arange(2, K + 2))
    gained = (np.take_along_axis(relevant, first, axis=1) * discount).sum(axis=1)
    ideal = np.array([discount[:count].sum() for count in relevant.sum(axis=1)])
    return float((gained / ideal).mean())


def _languages(titles: Mapping[str, list[str]]) -> Figures:
    tell = identifier().classify
    single = [tell(title)[0] == language for language, some in titles.items() for title in some]
    rng = np.random.default_rng(0)
    drawn = [(language, rng.permutation(some).tolist()) for language, some in titles.items() for _ in range(SHOPS)]
    four = [tell(". ".join(some[:4]))[0] == language for language, some in drawn]
    shops = [next(iter(languages_of(some[:20])), None) == language for language, some in drawn]
    everything = [title for some in titles.values() for title in some]
    began = time.perf_counter()
    for title in everything:
        tell(title)
    speed = len(everything) / (time.perf_counter() - began)
    return {
        "language_of_a_title": (round(float(np.mean(single)), 3), "-", {"titles": len(single)}),
        "language_of_four_titles": (round(float(np.mean(four)), 3), "-", {"samples": len(four)}),
        "language_of_a_small_shop": (round(float(np.mean(shops)), 3), ">= 0.99", {"samples": len(shops)}),
        "language_titles_a_second": (round(speed), "-"),
    }


def _speed(titles: list[str]) -> Figures:
    """German titles a second, each distinct, with as many threads as the process has."""
    texts = [f"{titles[number % len(titles)]}, Nr. {number}" for number in range(TIMED)]
    figures: Figures = {}
    for model in PACKAGES:
        read = _encoder(model)
        read(texts[:8])
        began = time.perf_counter()
        read(texts)
        figures[f"{model}_titles_a_second"] = (round(TIMED / (time.perf_counter() - began)), "-")
    return figures
