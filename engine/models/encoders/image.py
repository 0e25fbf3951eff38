"""The image encoder: classifiers of this catalogue's attributes on top of a pretrained network, or open_clip; which one is a
setting.

The classifiers' vectors are made as published: the activations of several classifiers, each trained on one attribute, before
their last layer, centred, brought to the same scale and concatenated; beside them stands what the network saw before it
learned anything here, so that a picture of no known kind is compared well too. Importing this imports no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from engine.catalogue.snapshot import Shop
from engine.core.progress import Progress
from engine.core.settings import ImageSettings, Settings
from engine.core.workspace import Workspace
from engine.models.encoders.base import Encoder, LeftOut, Modality, images_of
from engine.models.encoders.image_choice import choose_picture_reader
from engine.models.encoders.on_openvino import quickest_precision
from engine.models.encoders.picture_groups import group_labels
from engine.models.encoders.picture_labels import Labels, candidate_labels

__all__ = ["MANY_PICTURES", "MODALITY", "chosen_precision", "fit_image_encoder", "load_image_encoder"]

LEARNING_STEP = "Learning what pictures show"
MANY_PICTURES = 5_000
"""So many distinct pictures take minutes to look at in float32."""
DEMO = {"epochs": 0, "size": 128}
"""Unless set: somebody waits for the demo shop's first training, and its drawn pictures gain nothing from more."""


def fit_image_encoder(
    items: pd.DataFrame,
    labels: Callable[[pd.DataFrame], Sequence[Labels]],
    workspace: Workspace,
    settings: ImageSettings,
    seed: int,
    progress: Callable[[float, str], None] = lambda done, message: None,
    *,
    demo: bool = False,
) -> Encoder | LeftOut | None:
    """The configured encoder; None if no product has a picture, `LeftOut` where they are not read for another reason.

    Parameters
    ----------
    labels : gives what can be learned from some of the items, e.g. `candidate_labels`; asked only where something is learned.
    progress : called with the share that is done and a detail; the last call gives the result.
    demo : whether this is the demo shop, for `choose_picture_reader`.
    """
    shown = items[[image is not None for image in images_of(items)]]
    if shown.empty:
        return None
    settings, remark = choose_picture_reader(settings, len(set(images_of(shown))), demo=demo)
    if settings.kind == "none":
        return LeftOut(remark)
    if settings.kind == "open_clip":
        from engine.models.encoders.clip import fit_clip_encoder

        return fit_clip_encoder(settings, remark)
    from engine.models.encoders.classifier_fitting import fit_classifier_encoder

    precision = "float32" if demo else chosen_precision(settings, len(set(images_of(shown))))
    settings = settings.model_copy(update={"precision": precision})
    candidates = labels(shown) if settings.attributes else []
    return fit_classifier_encoder(shown, candidates, workspace, settings, seed, progress)


def chosen_precision(settings: ImageSettings, n_pictures: int) -> str:
    """The configured precision; 'auto' is `quickest_precision` for many pictures, by the network whose neighbours were measured.
    Smaller shops keep what is the same on every machine."""
    if settings.precision != "auto":
        return settings.precision
    if n_pictures < MANY_PICTURES or settings.backbone != type(settings)().backbone:
        return "float32"
    from engine.models.devices import pick_device

    return quickest_precision(integers=False) if pick_device().type == "cpu" else "float32"


def load_image_encoder(directory: Path) -> Encoder:
    """Read what `save` wrote; `ReleaseError` if a file is missing or damaged."""
    from engine.models.encoders.classifier_encoder import load_classifier_encoder
    from engine.models.encoders.clip import FILE, load_clip_encoder

    return load_clip_encoder(directory) if (directory / FILE).is_file() else load_classifier_encoder(directory)


def _fit(
    shop: Shop, workspace: Workspace, settings: Settings, seed: int, progress: Progress
) -> Encoder | LeftOut | None:
    def labels(shown: pd.DataFrame) -> Sequence[Labels]:
        """Attributes; where there are none, groups of products."""
        return candidate_labels(shown, shop.attribute_kinds) or group_labels(shown, shop, workspace, settings, seed)

    image = settings.image
    if shop.demo:
        image = image.model_copy(update={name: value for name, value in DEMO.items() if getattr(image, name) is None})
    return fit_image_encoder(
        shop.items,
        labels,
        workspace,
        image,
        seed,
        lambda done, message: progress(LEARNING_STEP, done, message),
        demo=shop.demo,
    )


MODALITY = Modality(
    name="image",
    step="Looking at pictures",
    example="a picture",
    likeness="similar pictures",
    fit=_fit,
    load=load_image_encoder,
)
