"""What each modality adds on the demo shop, and what a missing one costs; written to results/modalities.{md,json}.

    python -m benchmarks.modalities [--workspaces FOLDER] [--seeds 0 1 2] [--weights FILE --backbone NAME]

Every set of modalities gets a hybrid of its own on the same thinned targets (surprise NDCG@10, m 0-5, the half that did not
tune). With FILE, a safetensors file of backbone NAME, pictures are read a second time by classifiers that start from it.
A missing modality: the targets that are reported and three in ten other products lose it; the hybrid that knows all
modalities is compared with the one that was never given that modality.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from benchmarks.quality import drawn, prepared
from benchmarks.support import RESULTS, merge_results
from engine.arms.candidate_mix import CandidateMix
from engine.arms.geometry import similarities
from engine.arms.registry import arm_vectors
from engine.catalogue.interactions import read_interactions
from engine.catalogue.snapshot import Shop, read_shop
from engine.core.settings import Settings, load_settings
from engine.core.workspace import Workspace
from engine.evaluation.fits import Content, fit_behaviour, fitted_models
from engine.evaluation.metrics import ndcg_at_k, top_k
from engine.evaluation.targets import ThinnedTargets
from engine.models.encoders import Features, content_vectors, encode_catalogue, fit_encoders, fit_imputer
from engine.models.tfidf import FIELDS, fit_tfidf
from engine.selection.plan_choice import choose_hybrid

K, FEW, MISSING = 10, (0, 1, 2, 3, 5), 0.3
COMMAND = "python -m benchmarks.modalities"
NAMES = {"text": "text", "image": "pictures", "attributes": "attributes", "backbone": "pictures, pretrained"}


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspaces", type=Path, help="folder of the workspace, kept afterwards")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--weights", type=Path, help="safetensors file of the backbone")
    parser.add_argument("--backbone", default="mobilenetv2_100")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="settings for the backbone")
    arguments = parser.parse_args()
    folder = arguments.workspaces or Path(tempfile.mkdtemp(prefix="longtail-modalities-"))
    try:
        prepared("demo", folder)
        pretrained = {"image.weights": str(arguments.weights), "image.backbone": arguments.backbone}
        pretrained |= dict(one.split("=", 1) for one in arguments.set)
        shop = EncodedShop(Workspace(folder / "demo"), pretrained if arguments.weights else {})
        print(write(shop, arguments.seeds))
    finally:
        if arguments.workspaces is None:
            shutil.rmtree(folder, ignore_errors=True)


class EncodedShop:
    """A shop, read and encoded once."""

    def __init__(self, workspace: Workspace, pretrained: Mapping[str, str]):
        self.settings = load_settings(workspace.root)
        self.shop = read_shop(workspace)
        ids = list(self.shop.items["item_id"])
        self.user_items = read_interactions(workspace, ids, self.settings.interactions).user_items
        self.features = self._encoded(self.shop, workspace, self.settings)
        if pretrained:
            settings = load_settings(workspace.root, overrides=pretrained)
            self.features["backbone"] = self._encoded(self.shop, workspace, settings)["image"]

    def _encoded(self, shop: Shop, workspace: Workspace, settings: Settings) -> dict[str, Features]:
        return encode_catalogue(fit_encoders(shop, workspace, settings, settings.seed), shop.items, workspace)

    def words(self, modalities: Sequence[str]) -> sparse.csr_matrix | None:
        """TF-IDF of what these modalities may read; None where that is nothing."""
        kinds = self.shop.attribute_kinds if "attributes" in modalities else {}
        dropped = [] if "text" in modalities else ["title", "description"]
        if "attributes" not in modalities:
            dropped += [name for name in FIELDS if name in ("brand", "category")]
        items: pd.DataFrame = self.shop.items.drop(columns=[name for name in dropped if name in self.shop.items])
        return fit_tfidf(items, kinds).encode(items) if {"text", "attributes"} & set(modalities) else None


def write(shop: EncodedShop, seeds: Sequence[int]) -> str:
    """Measure every set and every loss; the Markdown, which is written beside the figures."""
    basic = [name for name in ("text", "image", "attributes") if name in shop.features]
    sets = [some for size in (1, 2, 3) for some in combinations(basic, size)]
    if "backbone" in shop.features:
        sets += [("backbone",), ("text", "backbone", "attributes"), (*basic, "backbone")]
    rows = {some: [measured(shop, some, seed) for seed in seeds] for some in sets}
    lost = {name: [lacking(shop, tuple(basic), name, seed) for seed in seeds] for name in basic}
    everything, lines = float(np.mean(rows[tuple(basic)])), []
    figures: dict[str, dict[str, Any]] = {}
    for some in sorted(rows, key=lambda key: float(np.mean(rows[key]))):
        label = " + ".join(NAMES[name] for name in some)
        lines.append(f"| {label} | {np.mean(rows[some]):.3f} | {np.mean(rows[some]) / everything:.2f} |")
    for name in basic:
        others = tuple(other for other in basic if other != name)
        gain = everything / float(np.mean(rows[others]))
        figures[f"demo_{name}_adds"] = _figure(gain, ">= 1.0")
    losses = ["", "| missing | all modalities, it missing | never given it | ratio |", "| --- " * 4 + "|"]
    ratios = []
    for name in basic:
        ours = float(np.mean(lost[name]))
        theirs = float(np.mean(rows[tuple(other for other in basic if other != name)]))
        ratios.append(ours / theirs)
        losses.append(f"| {NAMES[name]} | {ours:.3f} | {theirs:.3f} | {ours / theirs:.3f} |")
        figures[f"demo_missing_{name}_over_model_without"] = _figure(ours / theirs, "-")
    figures["demo_missing_any_over_model_without"] = _figure(float(np.mean(ratios)), ">= 1.0")
    head = [f"Surprise NDCG@10 on the demo shop, m 0-5, {len(seeds)} seeds.\n", "| modalities | 0-5 | of all three |"]
    text = "\n".join([*head, "| --- " * 3 + "|", *lines, *losses, ""])
    merge_results("modalities", figures)
    (RESULTS / "modalities.md").write_text(text, "utf-8")
    return text


def measured(shop: EncodedShop, modalities: Sequence[str], seed: int) -> float:
    """Mean over reported targets of few interactions, of the hybrid that is given these modalities."""
    given = drawn(shop.user_items, seed)
    chosen = given.reported & np.isin(given.split.m, FEW)
    features = {name: shop.features[name] for name in modalities}
    return _mean(shop, features, shop.words(modalities), given, chosen, seed)


def lacking(shop: EncodedShop, modalities: Sequence[str], missing: str, seed: int) -> float:
    """As `measured`, of a hybrid that is given these modalities, where the targets and others lack one of them."""
    given = drawn(shop.user_items, seed)
    rng = np.random.default_rng([seed, 7])
    chosen = given.reported & np.isin(given.split.m, FEW)
    gone = rng.random(len(shop.shop.items)) < MISSING
    gone[given.split.targets[chosen]] = True
    features = {name: shop.features[name] for name in modalities}
    block = features[missing]
    holes = Features(np.where(gone[:, None], np.float32(0.0), block.values), block.present & ~gone)
    words = shop.words(modalities)
    if missing in ("text", "attributes") and words is not None:
        # Those products keep the words that the other modalities know, in the vocabulary of all.
        words = _with_holes(shop, missing, gone)
    features[missing] = holes
    return _mean(shop, fit_imputer(features).complete(features), words, given, chosen, seed)


def _with_holes(shop: EncodedShop, missing: str, gone: np.ndarray) -> sparse.csr_matrix:
    """Words of all products, those in `gone` without what the missing modality would read."""
    items, kinds = shop.shop.items.copy(), shop.shop.attribute_kinds
    columns = ["title", "description"] if missing == "text" else ["brand", "category", *kinds]
    for name in columns:
        if name in items:
            items[name] = items[name].where(~gone, None)
    return fit_tfidf(items, kinds).encode(items)


def _mean(
    shop: EncodedShop,
    features: Mapping[str, Features],
    words: sparse.csr_matrix | None,
    given: ThinnedTargets,
    chosen: np.ndarray,
    seed: int,
) -> float:
    content = Content(features, content_vectors(dict(features)), words)
    behaviour = fit_behaviour(given.split.train, features, shop.settings.als, shop.settings, seed)
    arms = arm_vectors(fitted_models(behaviour, content, given.counts, CandidateMix()))
    # Without hidden neighbourhoods: every model is chosen on the same thinned products alone.
    hybrid = choose_hybrid(given, None, content, behaviour.predicted, arms, shop.settings, seed).arm
    rows = np.flatnonzero(chosen)
    ranked = top_k(similarities(hybrid, given.split.targets[rows]), K, given.split.candidates)
    return float(np.nanmean(ndcg_at_k(ranked, given.gains[rows], K)))


def _figure(value: float, target: str) -> dict[str, Any]:
    rounded = round(value, 3)
    return {"value": rounded, "target": target, "met": target == "-" or rounded >= 1.0, "command": COMMAND}


if __name__ == "__main__":
    main()
