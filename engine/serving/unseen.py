"""Neighbours of a product that nobody has seen: its content is read, its behaviour predicted, the release searched.

The encoders and the network are those that the release was trained with; they are loaded when first asked for, torch
with them, and kept while the release is served.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from engine.errors import ImageError, InputError
from engine.serving.recommender import Neighbour, Recommender
from engine.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.encoders import Encoder, Features
    from engine.model.hybrid_files import SavedHybrid
    from engine.model.predictor import TrainedPredictor

__all__ = ["UnseenVectors", "described_frame", "neighbours_of_unseen", "vectors_of_unseen"]

_TEXTS = ("title", "description", "brand", "category")
_FIELDS = (*_TEXTS, "price", "image", "attributes")
_RELEASES_KEPT = 2  # the one that is served, and the one that is about to be

_lock = threading.Lock()
_models: OrderedDict[Path, tuple[dict[str, Encoder], TrainedPredictor, SavedHybrid | None]] = OrderedDict()


def neighbours_of_unseen(
    recommender: Recommender, workspace: Workspace, item: Mapping[str, Any], k: int = 10, arm: str = "hybrid"
) -> list[Neighbour]:
    """The k products of the release that a described product belongs with, best first.

    It is searched for as a product of the catalogue with no interactions would be. Empty where the arm has nothing to go
    by: `als` always, the others when the release reads nothing of what was described.

    Parameters
    ----------
    item : any of `title`, `description`, `brand`, `category` (text), `price` (a number), `image` (the content hash of a
        stored picture) and `attributes` (name -> text, number, or list of texts). What is None or blank is unknown.

    Raises `InputError` naming the field that makes no sense, or when nothing is described; `ImageError` when the
    picture cannot be read; `ReleaseError` when the release's networks cannot be loaded.
    """
    search = recommender.arm(arm)
    vectors = vectors_of_unseen(recommender, workspace, [item], arm)
    return recommender.found(*search.of_vector(vectors.query[0], k)) if vectors.present[0] else []


@dataclass(frozen=True)
class UnseenVectors:
    """What n described products ask an arm's index.

    Attributes
    ----------
    query : (n, d) float32. `present` : (n,) bool, whether the release reads anything of the product.
    smoothed : (n, rank) float32, the hybrid's smoothed vectors before they were brought to length 1; None for other arms
        and for releases from before there was a smoother.
    features : modality -> what was read.
    """

    query: np.ndarray
    present: np.ndarray
    smoothed: np.ndarray | None
    features: Mapping[str, Features]


def vectors_of_unseen(
    recommender: Recommender, workspace: Workspace, items: Sequence[Mapping[str, Any]], arm: str = "hybrid"
) -> UnseenVectors:
    """The vectors of several described products, read together; parameters and errors as for `neighbours_of_unseen`."""
    kinds = recommender.manifest.extra.get("shop", {}).get("attributes", {})
    described = pd.concat([described_frame(item, kinds, workspace) for item in items], ignore_index=True)
    # Behind torch, which opening a page must not import.
    from engine.model.encoders import content_vectors
    from engine.model.fusion import arm_vectors

    encoders, predictor, hybrid = _load(recommender.directory)
    features = {modality: encoder.encode(described, workspace) for modality, encoder in encoders.items()}
    present = np.any([block.present for block in features.values()], axis=0)
    predicted = predictor.predict(features)
    no_behaviour = np.zeros_like(predicted)
    counts = np.zeros(len(described), dtype=np.int64)
    tau = float(recommender.training["tau"])
    arms = arm_vectors(no_behaviour, predicted, content_vectors(features), counts, tau)
    smoothed = None
    if arm == "hybrid" and hybrid is not None:
        others = {name: other.query for name, other in arms.items()}
        views = hybrid.views(described, features, predicted)
        smoothed = hybrid.smoothed(views)
        query = hybrid.queries(smoothed, views, others)
    else:
        query = arms[arm].query
    return UnseenVectors(query, np.asarray(present, dtype=bool), smoothed, features)


def _load(directory: Path) -> tuple[dict[str, Encoder], TrainedPredictor, SavedHybrid | None]:
    """Encoders, network and smoother of a release, from memory where they were loaded before."""
    from engine.model.encoders import load_encoders
    from engine.model.hybrid_files import load_hybrid
    from engine.model.predictor import load_predictor

    with _lock:
        if directory not in _models:
            _models[directory] = (
                load_encoders(directory / "encoders"),
                load_predictor(directory / "predictor"),
                load_hybrid(directory),
            )
            while len(_models) > _RELEASES_KEPT:
                _models.popitem(last=False)
        _models.move_to_end(directory)
        return _models[directory]


def described_frame(item: Mapping[str, Any], kinds: Mapping[str, str], workspace: Workspace) -> pd.DataFrame:
    """The described product as a catalogue of one row, with the catalogue's types; errors as `neighbours_of_unseen`."""
    for name in item:
        if name not in _FIELDS:
            raise InputError(f"a product has no such field. There are: {', '.join(_FIELDS)}.", field=str(name))
    given = item.get("attributes") or {}
    if not isinstance(given, Mapping):
        raise InputError("give them as name and value.", field="attributes")
    for name in given:
        if name not in kinds:
            known = ", ".join(kinds) or "none"
            raise InputError(f"the shop's products have no such attribute. There are: {known}.", field=str(name))
    values: dict[str, Any] = {name: _text(item.get(name), name) for name in _TEXTS}
    values["price"] = _number(item.get("price"), "price")
    if values["price"] is not None and values["price"] < 0:
        raise InputError(f"{values['price']:g} is negative. Leave it out if it is unknown.", field="price")
    values["image"] = _image(item.get("image"), workspace)
    for name, kind in kinds.items():
        read = {"number": _number, "multi": _texts}.get(kind, _text)
        values[name] = read(given.get(name), name)
    if all(value is None for value in values.values()):
        raise InputError("Nothing is said about the product. Give a title, a picture or an attribute.")
    numbers = {"price", *(name for name, kind in kinds.items() if kind == "number")}
    columns = {}
    for name, value in values.items():
        if name in numbers:
            columns[name] = pd.Series([np.nan if value is None else value], dtype=np.float64)
        else:
            columns[name] = pd.Series([value], dtype=object if kinds.get(name) == "multi" else "str")
    return pd.DataFrame(columns)


def _blank(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, str) and not value.strip())


def _text(value: object, name: str) -> str | None:
    if _blank(value) or (isinstance(value, float) and math.isnan(value)):
        return None
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise InputError(f"{value!r} is not a text.", field=name)
    # Unpaired surrogates, as some forms send them, are nothing that can be encoded.
    return str(value).encode("utf-8", "ignore").decode("utf-8").strip() or None


def _texts(value: object, name: str) -> list[str] | None:
    if _blank(value):
        return None
    several = value if isinstance(value, list | tuple | np.ndarray) else [value]
    return [text for one in several if (text := _text(one, name)) is not None] or None


def _number(value: object, name: str) -> float | None:
    if _blank(value):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError) as exc:
        raise InputError(f"{value!r} is not a number.", field=name) from exc
    if not math.isfinite(number):
        raise InputError(f"{value!r} is not a finite number. Leave it out if it is unknown.", field=name)
    return number


def _image(value: object, workspace: Workspace) -> str | None:
    if _blank(value):
        return None
    # The hash becomes a path: nothing but 64 hex digits may.
    if not isinstance(value, str) or len(value) != 64 or set(value) - set("0123456789abcdef"):
        raise ImageError("this is no stored picture. Upload the picture again.", field="image")
    if not workspace.image_file(value).is_file():
        raise ImageError(f"the picture {value[:12]}... is not stored here. Upload it again.", field="image")
    return value
