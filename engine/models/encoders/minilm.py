"""all-MiniLM-L6-v2: a BERT of six layers, distilled (Wang et al. 2020) and trained on English."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from engine.core.private_copies import private_copy
from engine.models.encoders.bert import Bert

__all__ = ["MiniLM"]


class MiniLM(Bert):
    """The published network and its tokenizer, from the files in `folder`; longer texts are cut at `max_tokens`."""

    def __init__(self, folder: Path, max_tokens: int, device: torch.device, dtype: torch.dtype = torch.float32):
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_tokens)
        weights = private_copy(folder / "model.safetensors")
        super().__init__(tokenizer, load_file(weights.path), device, dtype)
