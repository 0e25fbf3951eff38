"""Searching by meaning: products whose text and picture say what somebody asks for, in other words.

Everything is similar to something, nonsense too. How similar nonsense gets is measured on the catalogue: made-up words of the
catalogue's own letters are read as a product's text would be, and what is no more similar to a text than made-up words get, but
for one in thousands, is not shown.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.catalogue.product import Product
from engine.core.errors import LongtailError
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import UnseenVectors
from engine.search.words import words_in

__all__ = ["MOST_FOUND", "MeaningSearch", "nonsense"]

MOST_FOUND = 240
MADE_UP, MOST_WORDS = 128, 4
DEVIATIONS = (
    3.5  # above the mean: of made-up words, one in four thousand comes closer (they are spread like a normal law)
)
SAMPLED = 400  # titles that letters are counted in
ARM = "content"


class MeaningSearch:
    """One release, searched by meaning; safe to share between threads.

    Parameters
    ----------
    read : reads new products in the release; its first call may load networks, which takes seconds.
    """

    def __init__(self, release: Recommender, read: Callable[[Sequence[Product]], UnseenVectors]) -> None:
        self._release, self._read = release, read
        self._lock = threading.Lock()

    def closest(self, text: str) -> NDArray[np.int64]:
        """Rows of the products closest in meaning, the closest first, at most `MOST_FOUND`; none where nothing is close.

        Raises `LongtailError` where the release reads no texts.
        """
        with self._lock:
            rows, similarities = self._nearest([text], MOST_FOUND)[0]
            return rows[similarities > self.least]

    @cached_property
    def least(self) -> float:
        """How similar a text must be to a product: more than made-up words are to the product most like them."""
        titles = self._release.items["title"].dropna()
        step = max(len(titles) // SAMPLED, 1)
        found = self._nearest(nonsense(titles.iloc[::step].tolist()), 1)
        best = np.array([similarities[0] for _, similarities in found if similarities.size])
        return float(best.mean() + DEVIATIONS * best.std())

    def _nearest(self, texts: Sequence[str], k: int) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        vectors = self._read([Product(title=text) for text in texts])
        if not vectors.present.all():
            raise LongtailError(
                f"{self._release.manifest.label} was trained on products without texts, so there is nothing to compare with."
            )
        search = self._release.arm(ARM)
        found = [search.of_vector(query, min(k, len(self._release.items))) for query in vectors.sides[ARM].query]
        return [(np.asarray(rows, dtype=np.int64), np.asarray(near, dtype=np.float64)) for rows, near in found]


def nonsense(titles: Sequence[str]) -> list[str]:
    """`MADE_UP` texts of made-up words, as long as those of the titles and of the same letters; the same for the same titles."""
    words = [word for title in titles for word in words_in(title)] or ["a"]
    letters = Counter("".join(words))
    shares = np.array(list(letters.values()), dtype=np.float64)
    rng = np.random.default_rng(0)
    known = set(words)

    def word() -> str:
        while True:
            length = max(len(words[rng.integers(len(words))]), 3)
            made = "".join(rng.choice(list(letters), length, p=shares / shares.sum()))
            if made not in known or len(letters) < 3:
                return made

    return [" ".join(word() for _ in range(1 + number % MOST_WORDS)) for number in range(MADE_UP)]
