"""Who reads a shop's pictures where `image.kind` is 'auto': open_clip where its weights are there, else classifiers.

Nothing here imports torch unless a model is there and the shop is large.
"""

from __future__ import annotations

from engine.core.settings import ImageSettings

__all__ = ["choose_picture_reader"]

DEFAULT_MODEL, DEFAULT_TAG = "ViT-B-32", "laion2b_s34b_b79k"
DEFAULT_REPOSITORY = "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
HUB = "hf-hub:"
WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
MOST_WITHOUT_GPU = 3_000
"""Pictures: two cores look at six a second."""
PATIENCE_SECONDS = 3.0


def choose_picture_reader(settings: ImageSettings, n_pictures: int, *, demo: bool = False) -> tuple[ImageSettings, str]:
    """The settings with a `kind` that is not 'auto', and a sentence that says who reads the pictures and why.

    Parameters
    ----------
    demo : the demo shop is always read by classifiers, so that it is the same everywhere.
    """
    if settings.kind == "none":
        return settings, "Pictures are not used: image.kind is 'none'."
    if settings.kind != "auto":
        return settings, f"{_reader(settings)}, as image.kind asks."
    classifiers = settings.model_copy(update={"kind": "classifiers"})
    repository = None if demo or settings.weights is not None else _repository(settings)
    if repository is None:
        return classifiers, f"{_reader(classifiers)}."
    there = _is_cached(repository)
    if not there and not (settings.download and _answers(repository)):
        return classifiers, f"{_reader(classifiers)}; no open_clip model is on this machine."
    if n_pictures > MOST_WITHOUT_GPU and not _has_gpu():
        return classifiers, f"{_reader(classifiers)}: without a GPU, open_clip would take too long for {n_pictures:,}."
    tag = settings.pretrained or (DEFAULT_TAG if settings.clip_model == DEFAULT_MODEL else None)
    chosen = settings.model_copy(update={"kind": "open_clip", "pretrained": tag})
    return chosen, f"{_reader(chosen)}, which {'is on this machine' if there else 'was downloaded'}."


def _reader(settings: ImageSettings) -> str:
    if settings.kind == "open_clip":
        return f"Pictures are read by open_clip's {settings.clip_model.removeprefix(HUB)}"
    return "Pictures are read by classifiers of the shop's own attributes"


def _repository(settings: ImageSettings) -> str | None:
    """Where the hub has the weights of the model that is set; None where only open_clip knows, or classifiers are meant."""
    if settings.clip_model.startswith(HUB):
        return settings.clip_model.removeprefix(HUB)
    default = settings.clip_model == DEFAULT_MODEL and settings.pretrained in (None, DEFAULT_TAG)
    return DEFAULT_REPOSITORY if default else None


def _is_cached(repository: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return any(isinstance(try_to_load_from_cache(repository, name), str) for name in WEIGHTS)


def _answers(repository: str) -> bool:
    """Whether the hub may be asked, and has the model."""
    from huggingface_hub import constants, model_info

    if constants.HF_HUB_OFFLINE:
        return False
    try:
        model_info(repository, timeout=PATIENCE_SECONDS)
    except Exception:  # no network, no such model, a proxy: the hub client raises errors of many libraries
        return False
    return True


def _has_gpu() -> bool:
    from engine.models.devices import pick_device

    return pick_device().type != "cpu"
