"""Word vectors are those of scikit-learn, which counts them in a training and is not needed to read a product."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from engine.models.tfidf import PATTERN, TfidfVectors, fit_tfidf, load_tfidf

REPOSITORY = Path(__file__).resolve().parents[3]
TITLES = [
    "Set of 6 regency TEA cups, 6 saucers",
    "Tea towel  tea-time",
    "Żółta sukienka 👗 İstanbul ﬁne straße",
    "שמלה ערב כחולה",
    None,
    "ﬃ ǅ naïve naïve NAÏVE",
    "",
]


@pytest.fixture
def items() -> pd.DataFrame:
    return pd.DataFrame({"title": TITLES, "colour": ["red", None, "sea blue", "red", None, "red", None]})


def test_the_vectors_are_those_of_scikit_learn_to_the_bit(items):
    words = fit_tfidf(items, {"colour": "category"})
    texts = [
        " ".join(str(cell) for cell in row if cell is not None and cell == cell)
        for row in items.itertuples(index=False)
    ]
    model = TfidfVectorizer(sublinear_tf=True, token_pattern=PATTERN, vocabulary=list(words.words), dtype=np.float32)
    model.idf_ = words.weights.astype(np.float32)
    expected = model.transform(texts)
    found = words.encode(items)
    assert found.dtype == np.float32
    assert np.array_equal(found.toarray(), expected.toarray())
    assert found.has_sorted_indices
    assert not found[[4, 6]].nnz


def test_words_nobody_counted_say_nothing(items):
    words = fit_tfidf(items, {})
    assert not words.encode(pd.DataFrame({"title": ["quilted gilet"]})).nnz
    assert TfidfVectors(("title",), (), np.zeros(0)).encode(items).shape == (len(items), 1)


def test_a_product_is_read_without_scikit_learn(items, tmp_path):
    fit_tfidf(items, {"colour": "category"}).save(tmp_path)
    assert load_tfidf(tmp_path).words == fit_tfidf(items, {"colour": "category"}).words
    code = (
        "import sys\nfrom pathlib import Path\nimport pandas as pd\nfrom engine.models.tfidf import load_tfidf\n"
        "found = load_tfidf(Path(sys.argv[1])).encode(pd.DataFrame({'title': ['Regency tea']}))\n"
        "print(found.nnz, 'sklearn' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=True).stdout
    assert said.split() == ["2", "False"]
