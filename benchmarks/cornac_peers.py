"""cornac's models on a thinned shop, run by `benchmarks.peers` in an environment of their own (benchmarks/peer-requirements.txt).

    python benchmarks/cornac_peers.py INPUT.npz OUTPUT.npz

INPUT has the interactions (CSR parts data, indices, indptr, shape), `content` (n_items, d) float32, `words` (CSR parts
likewise, prefixed) and `targets`; OUTPUT gets (n_targets, n_items) float32 of each model: the rows of EASE's weights, and for
VBPR and CTR the cosines of the item vectors that each model ranks with. Imports nothing of Longtail.
"""

from __future__ import annotations

import sys
from collections import OrderedDict

import numpy as np
from cornac.data import Dataset, ImageModality, TextModality
from cornac.data.text import BaseTokenizer
from cornac.models import CTR, EASE, VBPR
from scipy import sparse

FACTORS = 64
SEED = 0


def main(source: str, out: str) -> None:
    """Fit the three models one after the other."""
    given = np.load(source)
    matrix = sparse.csr_matrix((given["data"], given["indices"], given["indptr"]), shape=given["shape"])
    words = sparse.csr_matrix(
        (given["words_data"], given["words_indices"], given["words_indptr"]), shape=given["words_shape"]
    )
    targets, content = given["targets"], given["content"]
    data = dataset(matrix)
    image = ImageModality(features=content, ids=list(range(len(content))))
    image.build(id_map=data.iid_map)
    text = TextModality(corpus=corpus(words), ids=list(range(len(content))), tokenizer=BaseTokenizer(), max_vocab=8000)
    text.build(id_map=data.iid_map)
    data.add_modalities(item_image=image, item_text=text)

    ease = EASE(lamb=200, posB=False, verbose=False).fit(data)
    vbpr = VBPR(
        k=FACTORS // 2, k2=FACTORS // 2, n_epochs=30, batch_size=1024, learning_rate=0.005, seed=SEED, verbose=False
    ).fit(data)
    ctr = CTR(k=FACTORS, max_iter=20, seed=SEED, verbose=False).fit(data)
    seen = np.bincount(matrix.indices, minlength=matrix.shape[1]) > 0
    own = np.where(seen[:, None], vbpr.gamma_item, 0.0)  # an item that nobody had keeps its random start
    scores = {
        "EASE": np.asarray(ease.B)[targets],
        "VBPR": cosines(np.hstack([own, vbpr.theta_item]), targets),
        "CTR": cosines(ctr.model.V if hasattr(ctr, "model") else ctr.V, targets),
    }
    np.savez(out, **{name: score.astype(np.float32) for name, score in scores.items()})


def dataset(matrix: sparse.csr_matrix) -> Dataset:
    """All items are known, those without interactions too."""
    pairs = matrix.tocoo()
    uir = (pairs.row.astype("int"), pairs.col.astype("int"), np.ones(pairs.nnz, dtype="float"))
    users, items = (OrderedDict((i, i) for i in range(n)) for n in matrix.shape)
    return Dataset(matrix.shape[0], matrix.shape[1], users, items, uir, seed=SEED)


def corpus(words: sparse.csr_matrix) -> list[str]:
    """A text of each item whose words are the columns it has."""
    return [
        " ".join(f"word{column}" for column in words.indices[words.indptr[row] : words.indptr[row + 1]]) or "nothing"
        for row in range(words.shape[0])
    ]


def cosines(vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(len(rows), n_items)."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = np.divide(vectors, lengths, out=np.zeros_like(vectors, dtype=np.float64), where=lengths > 0)
    return units[rows] @ units.T


if __name__ == "__main__":
    main(*sys.argv[1:3])
