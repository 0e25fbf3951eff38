"""BERT's layers by OpenVINO: products of eight-bit integers where they cost few neighbours, bfloat16 elsewhere.

A weight is an integer times a scale that `GROUP` weights of a row share; an input is one times a scale that `GROUP` inputs of a token
share. Some inputs of the inner products are far larger than
the others and would leave them few steps: they are divided by what they usually are, which their weights are multiplied by
(Xiao et al. 2023, SmoothQuant), as seen on some sentences.
Queries, keys, values and attention stay in bfloat16.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.models.encoders.bert import HEADS, LAYER_NORM_EPSILON, Bert
from engine.models.encoders.on_openvino import Compiled, openvino

__all__ = ["QuickBert"]

GROUP = 64
SENTENCES = (
    "Women's summer dress with floral print, short sleeves and V-neck, 100% cotton, machine wash at 30 degrees.",
    "Stainless steel water bottle 750 ml, keeps drinks cold for 24 hours.",
    "Red ceramic mug",
    "Wooden toy train set for children aged 3 and up; includes 24 pieces of track, a bridge and two engines.",
    "Wireless headphones",
    "A history of the Roman empire, hardcover, second edition",
    "The quick brown fox jumps over the lazy dog.",
    "Herrenhemd aus Baumwolle, langärmlig, blau gestreift",
    "chaise de jardin pliante en bois d'acacia, lot de deux",
    "cinturón de piel marrón con hebilla metálica",
)
"""Their inputs show which are usually large."""


class QuickBert:
    """What `bert` does, nearly: its tokenizer and table of words, with layers by OpenVINO. Its own layers are taken away.

    `at_once` is how many threads may read at once, each with a call of its own.
    """

    def __init__(self, bert: Bert):
        # Each call has one thread: with more, what it gives would depend on how many there are.
        self._bert, self.at_once = bert, torch.get_num_threads()
        usual = bert.largest_inputs(SENTENCES)
        layers = {name: tensor.cpu().float().numpy() for name, tensor in bert.take_layers().items()}
        self._layers = Compiled(
            _model(layers, {name: tensor.cpu().numpy() for name, tensor in usual.items()}),
            bfloat16=True,
            calls=self.at_once,
            group=GROUP,
        )

    def tokenise(self, texts: Sequence[str]) -> dict[str, list[list[int]]]:
        """The tokens of each text, as "input_ids"."""
        return self._bert.tokenise(texts)

    def read(self, tokens: Mapping[str, Sequence[Sequence[int]]]) -> tuple[Tensor, Tensor]:
        """The last layer (n, length, 384) float32 of n texts' tokens, and a mask (n, length): 1 for tokens, 0 for padding."""
        embedded, mask = self._bert.embedded(tokens)
        last = self._layers(embedded.cpu().contiguous().numpy(), mask.to(torch.float32).cpu().numpy())
        return torch.from_numpy(last).to(mask.device), mask


def _model(weights: Mapping[str, np.ndarray], usual: Mapping[str, np.ndarray]) -> Any:
    """OpenVINO's network of embedded tokens (n, length, dim) and their mask (n, length), both float32, to the last layer.

    Parameters
    ----------
    weights : by the published names.
    usual : of some products, by their names: the largest size of each input.
    """
    ov = openvino()
    op = ov.opset13
    dim = len(weights["encoder.layer.0.output.LayerNorm.weight"])

    def constant(values: Any, dtype: Any = np.float32) -> Any:
        return op.constant(np.asarray(values, dtype))

    def linear(values: Any, name: str, weight: Any) -> Any:
        return op.add(op.matmul(values, weight, False, True), constant(weights[f"{name}.bias"]))

    def integers(weight: np.ndarray) -> Any:
        groups = weight.reshape(len(weight), -1, GROUP)
        scale = np.maximum(np.abs(groups).max(axis=2, keepdims=True), 1e-8) / 127
        rounded = op.convert(op.constant(np.round(groups / scale).astype(np.int8)), "f32")
        return op.reshape(op.multiply(rounded, constant(scale)), constant(weight.shape, np.int64), False)

    def evened(values: Any, name: str) -> Any:
        """A product of integers after its inputs were brought to similar sizes."""
        weight = weights[f"{name}.weight"]
        much = np.sqrt(np.maximum(usual[name], 1e-5) / np.maximum(np.abs(weight).max(axis=0), 1e-5))
        much = np.exp2(np.round(np.log2(much / much.mean()))).astype(np.float32)  # the same however sums are rounded
        return linear(op.multiply(values, constant(1 / much)), name, integers(weight * much))

    def normal(values: Any, name: str) -> Any:
        centred = op.mvn(values, constant([-1], np.int32), True, LAYER_NORM_EPSILON, "inside_sqrt")
        return op.add(op.multiply(centred, constant(weights[f"{name}.weight"])), constant(weights[f"{name}.bias"]))

    def heads(values: Any) -> Any:
        split = op.reshape(values, constant([0, 0, HEADS, dim // HEADS], np.int64), True)
        return op.transpose(split, constant([0, 2, 1, 3], np.int32))

    embedded = op.parameter([-1, -1, dim], np.float32)
    mask = op.parameter([-1, -1], np.float32)
    hidden, hides = embedded, op.unsqueeze(op.multiply(op.subtract(mask, constant(1)), constant(1e9)), constant([1, 2], np.int32))  # fmt: skip
    for layer in range(sum(name.endswith(".attention.self.query.weight") for name in weights)):
        name = f"encoder.layer.{layer}"
        query, key, value = (
            heads(linear(hidden, part, constant(weights[f"{part}.weight"])))
            for part in (f"{name}.attention.self.{one}" for one in ("query", "key", "value"))
        )
        attended = op.transpose(
            op.scaled_dot_product_attention(query, key, value, hides, causal=False), constant([0, 2, 1, 3], np.int32)
        )
        attended = op.reshape(attended, constant([0, 0, dim], np.int64), True)
        dense = f"{name}.attention.output.dense"
        attended = linear(attended, dense, integers(weights[f"{dense}.weight"]))
        hidden = normal(op.add(attended, hidden), f"{name}.attention.output.LayerNorm")
        inner = op.gelu(evened(hidden, f"{name}.intermediate.dense"), "erf")
        hidden = normal(op.add(evened(inner, f"{name}.output.dense"), hidden), f"{name}.output.LayerNorm")
    return ov.Model([op.result(hidden)], [embedded, mask], "bert")
