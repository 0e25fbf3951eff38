"""How well pictures are read, on real photographs of garments; written to results/pictures.json.

    python -m benchmarks.pictures [--classes | --shop]

`--classes`: 3,068 photographs in ten classes are read as a shop's would be, and 713 others are compared with them: the share
whose seven nearest are mostly of their own class, by the default reader, which is told nothing, by its classifiers, which are
told the class, and for classes that the classifiers were not told.

`--shop`: shoppers with tastes for kinds of photographs (a class in a range of colours) go through a shop that shows them;
neither classes nor colours are given to the model, and texts say a brand and a number. What pictures add there is surprise
NDCG@10 by thinning (m 0-5, seed 0) with them, over without them. Both parts take some minutes.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.photo_shop import photo_shop
from benchmarks.support import merge_results, shared_data
from engine.catalogue.images import store_image
from engine.core.settings import ImageSettings
from engine.core.vectors import unit_rows
from engine.core.workspace import Workspace
from engine.models.encoders.cache import encode_through_cache
from engine.models.encoders.classifier_encoder import ClassifierEncoder
from engine.models.encoders.image import fit_image_encoder
from engine.models.encoders.picture_labels import Labels, candidate_labels

__all__ = ["main"]

NEAREST = 7
UNTOLD = ("hat", "outwear", "shorts")
COMMAND = "python -m benchmarks.pictures"
Labelling = Callable[[pd.DataFrame], Sequence[Labels]]


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", action="store_true")
    parser.add_argument("--shop", action="store_true")
    arguments = parser.parse_args()
    both = arguments.classes == arguments.shop
    with tempfile.TemporaryDirectory(prefix="longtail-pictures-") as folder:
        figures: dict[str, dict[str, Any]] = {}
        if both or arguments.classes:
            figures |= classes(Workspace(Path(folder) / "classes"))
        if both or arguments.shop:
            figures |= photo_shop(Workspace(Path(folder) / "shop"), COMMAND)
    merge_results("pictures", figures)
    for name, figure in figures.items():
        print(f"{name}: {figure['value']}")


def classes(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """The figures of `--classes`."""
    known, held_out = (photographs(workspace, parts) for parts in (("train",), ("validation", "test")))
    told = Labelled(workspace, known, lambda shown: candidate_labels(shown, {}), ImageSettings())
    alone = Labelled(workspace, known, lambda shown: [], ImageSettings())
    some = known[~known["category"].isin(UNTOLD)]
    others = pd.concat([known, held_out])[lambda both: both["category"].isin(UNTOLD)]
    partly = Labelled(workspace, some, lambda shown: candidate_labels(shown, {}), ImageSettings(epochs=0))
    split = sum(partly.widths[:-1])
    vectors, truth = partly.vectors(others), others["category"].to_numpy()
    return {
        "default_reader_7nn": figure(alone.accuracy(known, held_out), ">= 0.79"),
        "classifiers_7nn": figure(told.accuracy(known, held_out), ">= 0.85"),
        "untold_classes_7nn": figure(left_out_accuracy(vectors, truth), "-"),
        "untold_classes_7nn_by_classifiers_alone": figure(left_out_accuracy(vectors[:, :split], truth), "-"),
    }


class Labelled:
    """An encoder that was fitted on `items`, told what `labels` gives."""

    def __init__(self, workspace: Workspace, items: pd.DataFrame, labels: Labelling, settings: ImageSettings):
        encoder = fit_image_encoder(items, labels, workspace, settings, 0)
        assert isinstance(encoder, ClassifierEncoder)
        self.encoder, self.workspace = encoder, workspace
        self.widths = encoder.widths

    def vectors(self, items: pd.DataFrame) -> np.ndarray:
        return encode_through_cache(self.encoder, items, self.workspace).values

    def accuracy(self, known: pd.DataFrame, held_out: pd.DataFrame) -> float:
        similarity = unit_rows(self.vectors(held_out)) @ unit_rows(self.vectors(known)).T
        return voted(similarity, known["category"].to_numpy(), held_out["category"].to_numpy())


def photographs(workspace: Workspace, parts: Sequence[str]) -> pd.DataFrame:
    """The photographs of these folders: image (stored) and category."""
    folder = shared_data() / "clothing" / "images"
    files = [file for part in parts for file in sorted((folder / part).glob("*/*.jpg"))]
    rows = [(store_image(workspace, file.read_bytes(), name=file.name), file.parent.name) for file in files]
    return pd.DataFrame(rows, columns=["image", "category"])


def left_out_accuracy(vectors: np.ndarray, truth: np.ndarray) -> float:
    """Of every picture among all others."""
    similarity = unit_rows(vectors) @ unit_rows(vectors).T
    np.fill_diagonal(similarity, -np.inf)
    return voted(similarity, truth, truth)


def voted(similarity: np.ndarray, known: np.ndarray, truth: np.ndarray) -> float:
    """The share of rows whose nearest NEAREST columns are mostly of the row's class; the nearest decides a tie."""
    right = 0
    for row, wanted in zip(similarity, truth, strict=True):
        nearest = known[np.argsort(-row, kind="stable")[:NEAREST]]
        right += Counter(nearest.tolist()).most_common(1)[0][0] == wanted  # the first seen comes first
    return right / len(truth)


def figure(value: float, target: str) -> dict[str, Any]:
    """One entry of the results file."""
    rounded = round(value, 3)
    met = True if target == "-" else rounded >= float(target.removeprefix(">= "))
    return {"value": rounded, "target": target, "met": met, "command": COMMAND}


if __name__ == "__main__":
    main()
