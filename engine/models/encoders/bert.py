"""BERT (Devlin et al. 2019) by torch and tokenizers alone, for the networks whose weights come as packages.

transformers gives the same bits for MiniLM (a test checks it), but importing its BERT takes more than two seconds, because it
imports a compiler, a framework for distributed training and torchvision; a server's first new product would have to wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Bert"]

HEADS = 12
LAYER_NORM_EPSILON = 1e-12


class Bert:
    """A network of 12 heads and its tokenizer.

    Parameters
    ----------
    tokenizer : cuts texts as long as it is told, and adds the special tokens.
    weights : by the published names, without a prefix; the table of words may be missing where `_words` is overridden.
    dtype : what it calculates in.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        weights: Mapping[str, Tensor],
        device: torch.device,
        dtype: torch.dtype = torch.float32,
    ):
        self._tokenizer, self._device, self._dtype = tokenizer, device, dtype
        self._weights = {
            name: weight.to(device, dtype) if weight.is_floating_point() else weight.to(device)
            for name, weight in weights.items()
        }
        self._layers = sum(name.endswith(".attention.self.query.weight") for name in weights)
        self._largest: dict[str, Tensor] | None = None

    def tokenise(self, texts: Sequence[str]) -> dict[str, list[list[int]]]:
        """The tokens of each text, as "input_ids"."""
        return {"input_ids": [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]}

    def read(self, tokens: Mapping[str, Sequence[Sequence[int]]]) -> tuple[Tensor, Tensor]:
        """The last layer (n, length, 384) in its dtype, and a mask (n, length): 1 for tokens, 0 for padding."""
        hidden, mask = self.embedded(tokens)
        # Without a mask, torch uses a faster kernel.
        visible = None if mask.all() else mask.bool()[:, None, None, :].expand(-1, 1, mask.shape[1], -1)
        for layer in range(self._layers):
            hidden = self._layer(hidden, visible, f"encoder.layer.{layer}")
        return hidden, mask

    def embedded(self, tokens: Mapping[str, Sequence[Sequence[int]]]) -> tuple[Tensor, Tensor]:
        """What the first layer gets (n, length, 384), and a mask (n, length): 1 for tokens, 0 for padding."""
        texts = tokens["input_ids"]
        length = max(len(text) for text in texts)
        ids = torch.tensor([[*text, *[0] * (length - len(text))] for text in texts], device=self._device)
        mask = torch.tensor([[1] * len(text) + [0] * (length - len(text)) for text in texts], device=self._device)
        return self._embedded(ids), mask

    def largest_inputs(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Of each product, by its name: (width,) the largest size of each input while the texts are read, one by one."""
        self._largest = {}
        with torch.inference_mode():
            for text in texts:
                self.read(self.tokenise([text]))
        largest, self._largest = self._largest, None
        return largest

    def take_layers(self) -> dict[str, Tensor]:
        """The weights of the layers, for another to calculate with: from now on this one only embeds."""
        names = [name for name in self._weights if name.startswith("encoder.layer.")]
        return {name: self._weights.pop(name) for name in names}

    def _words(self, ids: Tensor) -> Tensor:
        """(n, length, dim): what the table of words says of tokens (n, length)."""
        return F.embedding(ids, self._weights["embeddings.word_embeddings.weight"])

    def _embedded(self, ids: Tensor) -> Tensor:
        one_text = self._weights["embeddings.token_type_embeddings.weight"][0]  # the second is for pairs of texts
        positions = self._weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        return self._normal(self._words(ids).to(self._dtype) + one_text + positions, "embeddings.LayerNorm")

    def _layer(self, hidden: Tensor, visible: Tensor | None, name: str) -> Tensor:
        query, key, value = (
            self._linear(hidden, f"{name}.attention.self.{part}").unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=visible).transpose(1, 2).flatten(2)
        attended = self._linear(attended, f"{name}.attention.output.dense")
        hidden = self._normal(attended + hidden, f"{name}.attention.output.LayerNorm")
        inner = F.gelu(self._linear(hidden, f"{name}.intermediate.dense"))
        return self._normal(self._linear(inner, f"{name}.output.dense") + hidden, f"{name}.output.LayerNorm")

    def _linear(self, values: Tensor, name: str) -> Tensor:
        if self._largest is not None:
            size = values.abs().flatten(0, -2).amax(0)
            self._largest[name] = torch.maximum(self._largest.get(name, size), size)
        return F.linear(values, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _normal(self, values: Tensor, name: str) -> Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return F.layer_norm(values, weight.shape, weight, bias, LAYER_NORM_EPSILON)
