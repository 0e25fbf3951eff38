"""The open_clip image encoder: a pretrained picture network by model name and tag, or from a local safetensors file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from engine.core.errors import ReleaseError, SettingsError
from engine.core.settings import ImageSettings
from engine.core.storage import atomic_write_json
from engine.core.workspace import Workspace
from engine.models.devices import pick_device
from engine.models.encoders.backbone import normalised, read_in_parallel
from engine.models.encoders.base import Features, encode_contents_of, images_of
from engine.models.torchvision_shim import ensure_torchvision

__all__ = ["FILE", "ClipEncoder", "fit_clip_encoder", "load_clip_encoder"]

FILE = "image_clip.json"
HUB = "hf-hub:"
"""Before the name of a model that open_clip fetches from the hub, settings and all."""


class ClipEncoder:
    """Unit vectors of a CLIP picture tower.

    Parameters
    ----------
    model : open_clip's name of the model.
    source : open_clip's pretrained tag, or the path of a safetensors file; "" for models of the hub.
    remark : a sentence for people about how pictures are read.
    """

    modality = "image"

    def __init__(self, model: str, source: str, batch_size: int, remark: str = ""):
        self.model, self.source, self.batch_size, self.remark = model, source, batch_size, remark
        self.reader = " ".join(filter(None, ("open_clip", model, source)))
        network = _load_network(model, source)
        visual, config = network.visual, network.visual.preprocess_cfg
        size = config["size"]
        self.size = int(size if isinstance(size, int) else size[0])
        self.mean, self.deviation = tuple(config["mean"]), tuple(config["std"])
        self.device = pick_device()
        # Without the text tower, which would double the memory.
        self._visual = visual.eval().to(self.device)
        with torch.inference_mode():
            blank = torch.zeros(1, 3, self.size, self.size, device=self.device)
            self.dim = int(self._visual(blank).shape[1])
        self.fingerprint = self._digest()

    def contents(self, items: pd.DataFrame) -> list[str | None]:
        return images_of(items)

    def encode(self, items: pd.DataFrame, workspace: Workspace) -> Features:
        """(n, dim) float32 unit rows; present if an item has a picture."""
        return encode_contents_of(self, items, workspace)

    def encode_contents(
        self, contents: Sequence[str], workspace: Workspace, progress: Callable[[int], None] = lambda done: None
    ) -> np.ndarray:
        """(len(contents), dim) float32 unit rows of stored pictures, by content hash."""
        vectors = np.empty((len(contents), self.dim), dtype=np.float32)

        def read(rows: slice, pixels: np.ndarray) -> None:
            with torch.inference_mode():
                batch = normalised(torch.from_numpy(pixels).to(self.device), self.mean, self.deviation)
                vectors[rows] = torch.nn.functional.normalize(self._visual(batch), dim=1).cpu().numpy()

        read_in_parallel(workspace, contents, self.size, self.batch_size, read, progress)
        return vectors

    def save(self, directory: Path) -> None:
        """Write the model's name and checksum, not its weights."""
        values = {
            "model": self.model,
            "source": self.source,
            "batch_size": self.batch_size,
            "remark": self.remark,
            "fingerprint": self.fingerprint,
        }
        atomic_write_json(directory / FILE, values)

    def _digest(self) -> str:
        digest = hashlib.sha256(json.dumps([self.size, self.mean, self.deviation]).encode())
        for name, tensor in sorted(self._visual.state_dict().items()):
            digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


def fit_clip_encoder(settings: ImageSettings, remark: str = "") -> ClipEncoder:
    """The configured model; it learns nothing from the catalogue. Raises `SettingsError` if it cannot be loaded."""
    if settings.weights is not None:
        if settings.weights.suffix != ".safetensors" or not settings.weights.is_file():
            raise SettingsError(f"image.weights = '{settings.weights}' is not an existing *.safetensors file.")
        return ClipEncoder(settings.clip_model, str(settings.weights.resolve()), settings.batch_size, remark)
    if settings.clip_model.startswith(HUB):
        return ClipEncoder(settings.clip_model, "", settings.batch_size, remark)
    if settings.pretrained is None:
        raise SettingsError(
            "image.kind = 'open_clip' needs trained weights: set image.pretrained to a tag (laion2b_s34b_b79k for "
            "ViT-B-32) or image.weights to a local safetensors file."
        )
    return ClipEncoder(settings.clip_model, settings.pretrained, settings.batch_size, remark)


def load_clip_encoder(directory: Path) -> ClipEncoder:
    """Read what `save` wrote; `ReleaseError` if it is damaged, or the weights are not those of the training."""
    file = directory / FILE
    try:
        values = json.loads(file.read_text("utf-8"))
        encoder = ClipEncoder(values["model"], values["source"], values["batch_size"], values["remark"])
        wanted = values["fingerprint"]
    except (OSError, ValueError, TypeError, KeyError, SettingsError) as exc:
        raise ReleaseError(f"{file} cannot be read ({exc}). Train again, or roll back to an older release.") from exc
    if encoder.fingerprint != wanted:
        raise ReleaseError(
            f"The picture model {encoder.model} from {encoder.source} is not the one that this release was trained with. "
            "Restore the old file, or train again."
        )
    return encoder


def _load_network(model: str, source: str) -> Any:
    ensure_torchvision()
    import open_clip

    if not model.startswith(HUB) and model not in open_clip.list_models():
        raise SettingsError(f"image.clip_model = {model!r}: open_clip knows no such model.")
    try:
        return open_clip.create_model(model, pretrained=source or None, require_pretrained=True)
    except Exception as exc:  # a download, a file and a network can each fail in many ways
        if model.startswith(HUB):
            raise SettingsError(
                f"image.clip_model = {model!r} is not on this machine and could not be downloaded ({str(exc)[:300]})."
            ) from exc
        raise SettingsError(
            f"The weights {source!r} of image.clip_model = {model!r} cannot be loaded ({str(exc)[:300]}). "
            f"Tags that open_clip knows: {', '.join(open_clip.list_pretrained_tags_by_model(model)) or 'none'}."
        ) from exc
