"""The networks behind the text encoder: MiniLM by `minilm`, multilingual E5 by `e5`, every other model by transformers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from engine.core.private_copies import private_copy, private_folder
from engine.core.vectors import unit_rows
from engine.models.devices import pick_device
from engine.models.encoders.bert import Bert
from engine.models.encoders.e5 import TYPICAL, MultilingualE5
from engine.models.encoders.minilm import MiniLM
from engine.models.encoders.on_openvino import OPENVINO
from engine.models.encoders.quick_bert import QuickBert
from engine.models.torchvision_shim import ensure_torchvision

__all__ = ["TextNetwork"]

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, OPENVINO: torch.float32}


class TextNetwork:
    """A text model with its tokenizer.

    Parameters
    ----------
    model : 'minilm', 'e5', or any name of a model that transformers can load from `folder`.
    max_tokens : longer texts are cut here.
    precision : what it calculates in, "float32" or "bfloat16"; "openvino" for 'minilm' and 'e5' (`quick_bert`).

    Attributes
    ----------
    batches_at_once : so many threads may ask for vectors at once.
    """

    def __init__(self, model: str, folder: Path, max_tokens: int, precision: str = "float32"):
        kinds: dict[str, Callable[[Path, int, torch.device, torch.dtype], _Reader]] = {
            "minilm": MiniLM,
            "e5": MultilingualE5,
        }
        self._reader = kinds.get(model, _Pretrained)(folder, max_tokens, pick_device(), _DTYPES[precision])
        if precision == OPENVINO and isinstance(self._reader, Bert):
            self._reader = QuickBert(self._reader)
        self.batches_at_once = self._reader.at_once if isinstance(self._reader, QuickBert) else 1
        self._common: np.ndarray | None = None
        if model == "e5":
            self._common = self.vectors(self.tokenise(TYPICAL)).mean(axis=0)

    def tokenise(self, texts: Sequence[str]) -> Mapping[str, Sequence[Sequence[int]]]:
        """Columns of tokens, "input_ids" among them, with one entry for each text."""
        return self._reader.tokenise(texts)

    def vectors(self, tokens: Mapping[str, Sequence[Sequence[int]]]) -> np.ndarray:
        """(n, dim) float32: the mean of the last layer over each text's tokens, at unit length; E5's without what all have."""
        with torch.inference_mode():
            hidden, mask = self._reader.read(tokens)
            mask = mask.unsqueeze(-1).to(torch.float32)
            pooled = (hidden.float() * mask).sum(1) / mask.sum(1)
            vectors = np.asarray(torch.nn.functional.normalize(pooled, dim=1).cpu().numpy())
        return vectors if self._common is None else unit_rows(vectors - self._common)


class _Reader(Protocol):
    """A tokenizer and its network."""

    def tokenise(self, texts: Sequence[str]) -> Mapping[str, Sequence[Sequence[int]]]: ...

    def read(self, tokens: Mapping[str, Sequence[Sequence[int]]]) -> tuple[Tensor, Tensor]:
        """The last layer (n, length, dim) of n texts' tokens, and a mask (n, length): 1 for tokens, 0 for padding."""
        ...


class _Pretrained:
    """Any model that transformers can load from a folder."""

    def __init__(self, folder: Path, max_tokens: int, device: torch.device, dtype: torch.dtype):
        ensure_torchvision()
        import transformers

        quiet = transformers.utils.logging
        bars = quiet.is_progress_bar_enabled()
        quiet.disable_progress_bar()
        try:
            # Weights stay mapped: from copies that nobody can shorten.
            with private_folder(
                {file.name: private_copy(file) for file in folder.iterdir() if file.is_file()}
            ) as copies:
                self._tokenizer = transformers.AutoTokenizer.from_pretrained(copies, local_files_only=True)
                network = transformers.AutoModel.from_pretrained(
                    copies, local_files_only=True, use_safetensors=True, dtype=dtype
                )
        finally:
            if bars:
                quiet.enable_progress_bar()
        self._network: Any = network.eval().to(device)
        self._max_tokens, self._device = max_tokens, device

    def tokenise(self, texts: Sequence[str]) -> Mapping[str, Sequence[Sequence[int]]]:
        tokens = self._tokenizer(list(texts), truncation=True, max_length=self._max_tokens)
        return dict(tokens)

    def read(self, tokens: Mapping[str, Sequence[Sequence[int]]]) -> tuple[Tensor, Tensor]:
        batch = self._tokenizer.pad(dict(tokens), return_tensors="pt").to(self._device)
        return self._network(**batch).last_hidden_state, batch["attention_mask"]
