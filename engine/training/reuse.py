"""What a training need not do again: parts that were finished from the same inputs, and the release that it starts from.

Everything here is a function of the data, the settings, the seed and the parent; what is read is what would be made, bit by bit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from engine.arms.fitted_files import load_fitted, save_fitted
from engine.arms.geometry import ArmVectors
from engine.arms.hybrid_fit import Hybrid
from engine.arms.plan import TrainingPlan
from engine.core.arrays import read_npz
from engine.core.digests import digest_of
from engine.core.progress import Progress
from engine.core.settings import AlsSettings, Settings
from engine.core.workspace import Workspace
from engine.models.als import AlsFactors
from engine.models.predictor import TrainedPredictor, load_predictor
from engine.models.recipe import Recipe
from engine.release.arm_writer import ArmCells
from engine.release.contents import Earlier, ReleaseContents, cells_made_from, lists_made_from
from engine.training.data import TrainingData
from engine.training.finished_parts import FinishedParts
from engine.training.maps import STEP, draw_maps, kept_maps
from engine.training.parent import CHOSEN_BY, Parent

__all__ = ["Factors", "HybridParts", "Prediction", "Reuse", "Starts"]

NOTHING_CHANGED = "nothing that it follows from has changed"

Chosen = tuple[TrainingPlan, dict[str, Any]]
Factors = tuple[AlsFactors, AlsFactors]
"""What is compared, and what the network learns from."""
Starts = tuple[np.ndarray, np.ndarray] | None
"""Factors of items to learn on from, of both; None to learn anew."""
Prediction = tuple[TrainedPredictor, np.ndarray]
"""The network, and what it predicts of the catalogue, (n_items, factors) float32."""
HybridParts = tuple[Hybrid, list[dict[str, Any]], sparse.csr_matrix | None]
"""The hybrid before it learns from judgements, whose behaviour speaks for whom in it, and the item model where there is one."""


@dataclass
class Reuse:
    """What one training reads and keeps.

    Attributes
    ----------
    parent : the release that is served; None where there is none.
    inputs : part -> digest of what it was made from, for the manifest.
    """

    data: TrainingData
    settings: Settings
    parts: FinishedParts
    parent: Parent | None
    inputs: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, workspace: Workspace, data: TrainingData, settings: Settings) -> Reuse:
        """For a training in a workspace."""
        return cls(data, settings, FinishedParts(workspace.finished_parts), Parent.served(workspace))

    def chosen(self, make: Callable[[TrainingPlan | None], Chosen]) -> Chosen:
        """The plan with its figures, as for metrics.json: the parent's where it was chosen on the same data.

        Parameters
        ----------
        make : `make(standing)`, with the parent's plan where there is one to beat.
        """
        digest = digest_of(self._behaviour, self._content, *(getattr(self.settings, group) for group in CHOSEN_BY))
        self.inputs["choosing"] = digest
        standing = None
        if self.parent is not None:
            if self.parent.made_from("choosing", digest) and (found := self.parent.chosen()) is not None:
                self.parts.reused.append("choosing")
                return found
            standing = self.parent.plan(self.settings)
        digest = digest_of(digest, None if standing is None else standing.to_dict())
        return self.parts.made("choosing", digest, lambda: make(standing), _save_chosen, _load_chosen)

    def behaviour(self, als: AlsSettings, taught: AlsSettings, fit: Callable[[Starts], Factors]) -> Factors:
        """Factors by these settings: those of the parent where it had the same data, else learned on from them.

        Parameters
        ----------
        fit : `fit(starts)`, with the factors of items to start from, or None.
        """
        warm = self.settings.als.warm_iterations
        fitted_by = digest_of(als, taught, warm, self.settings.seed)
        digest = digest_of(self._behaviour, fitted_by)
        self.inputs |= {"behaviour": digest, "behaviour_settings": fitted_by}
        starts = None
        if self.parent is not None and warm and self.parent.made_from("behaviour_settings", fitted_by):
            if self.parent.made_from("behaviour", digest) and (found := self.parent.behaviour()) is not None:
                self.parts.reused.append("behaviour")
                return found
            interactions, items = self.data.interactions, self.data.shop.items
            starts = self.parent.starts([str(one) for one in items["item_id"]], interactions.counts)
        digest = digest_of(digest, starts)
        return self.parts.made("behaviour", digest, lambda: fit(starts), _save_factors, _load_factors)

    def prediction(self, taught: AlsFactors, make: Callable[[], Prediction]) -> Prediction:
        """The network that learns from these factors."""
        one = self.settings
        digest = digest_of(self._content, taught.item_factors, self.data.interactions.counts, one.predictor, one.seed)
        return self.parts.made("prediction", digest, make, _save_prediction, _load_prediction)

    def hybrid(self, predicted: np.ndarray, recipe: Recipe, make: Callable[[], HybridParts]) -> HybridParts:
        """The hybrid by a recipe."""
        digest = digest_of(self._behaviour, self._content, predicted, recipe, self.settings.seed)
        return self.parts.made("hybrid", digest, make, _save_hybrid, _load_hybrid)

    def maps(self, arms: Mapping[str, ArmVectors], before: pd.DataFrame | None, progress: Progress) -> pd.DataFrame:
        """Where products lie: where they lay in the parent, where the vectors are those its maps were drawn from."""
        item_ids = self.data.shop.items["item_id"]
        vectors = digest_of(list(item_ids.astype(str)), arms["als"].query, arms["hybrid"].query, self.settings.seed)
        self.inputs["maps"] = vectors
        if before is not None and len(before) == len(item_ids) and self._parent_made("maps", vectors):
            progress(STEP, 1.0, NOTHING_CHANGED)
            return kept_maps(item_ids, before)
        places = None if before is None else before.drop(columns="item_id").to_numpy(np.float32)
        names = None if before is None else list(before["item_id"].astype(str))
        return self.parts.made(
            "maps",
            digest_of(vectors, names, places),
            lambda: draw_maps(item_ids, arms, before, self.settings.seed, progress),
            lambda maps, folder: maps.to_parquet(folder / "maps.parquet", index=False),
            lambda folder: pd.read_parquet(folder / "maps.parquet"),
        )

    def lists(self, contents: ReleaseContents) -> Earlier:
        """For `write_contents`: the parent's lists where they were made from the same vectors, else the cells of those arms that were."""
        cells = {arm: digest_of(*cells_made_from(contents, arm)) for arm in contents.arms}
        digest = digest_of(*lists_made_from(contents, cells))
        self.inputs |= {"lists": digest} | {_cells(arm): made for arm, made in cells.items()}
        parent = self.parent
        if parent is None:
            return Earlier()
        if self._parent_made("lists", digest):
            return Earlier(lists=parent.copy_lists)

        def cells_of(arm: str) -> ArmCells | None:
            found = parent.cells(arm) if parent.made_from(_cells(arm), cells[arm]) else None
            self.parts.reused += [_cells(arm)] if found else []
            return found

        return Earlier(cells=cells_of)

    def facts(self) -> dict[str, Any]:
        """For the manifest: the parent, what parts were made from, and which were not made again."""
        parent = None if self.parent is None else self.parent.release_id
        return {"parent": parent, "inputs": self.inputs, "reused": self.parts.reused}

    def _parent_made(self, part: str, digest: str) -> bool:
        if self.parent is None or not self.parent.made_from(part, digest):
            return False
        self.parts.reused.append(part)
        return True

    @cached_property
    def _behaviour(self) -> str:
        return digest_of(self.data.interactions.user_items)

    @cached_property
    def _content(self) -> str:
        return digest_of(self.data.content)


def _cells(arm: str) -> str:
    """What an arm's cells are called among parts."""
    return f"cells of {arm}"


def _save_chosen(chosen: Chosen, folder: Path) -> None:
    plan, metrics = chosen
    (folder / "chosen.json").write_text(json.dumps({"plan": plan.to_dict(), "metrics": metrics}), "utf-8")


def _load_chosen(folder: Path) -> Chosen:
    values = json.loads((folder / "chosen.json").read_text("utf-8"))
    return TrainingPlan.from_dict(values["plan"]), dict(values["metrics"])


def _save_factors(factors: Factors, folder: Path) -> None:
    tuned, taught = factors
    arrays = {"users": tuned.user_factors, "items": tuned.item_factors, "losses": np.array(tuned.losses)}
    if taught is not tuned:
        arrays["taught"] = taught.item_factors
    np.savez(folder / "factors.npz", allow_pickle=False, **arrays)


def _load_factors(folder: Path) -> Factors:
    arrays = read_npz(folder / "factors.npz")
    tuned = AlsFactors(arrays["users"], arrays["items"], arrays["losses"].tolist())
    if "taught" not in arrays:
        return tuned, tuned
    taught = arrays["taught"]
    return tuned, AlsFactors(np.zeros((0, taught.shape[1]), np.float32), taught, [])


def _save_prediction(made: Prediction, folder: Path) -> None:
    made[0].save(folder)
    np.savez(folder / "predicted.npz", predicted=made[1])


def _load_prediction(folder: Path) -> Prediction:
    return load_predictor(folder), read_npz(folder / "predicted.npz")["predicted"]


def _save_hybrid(made: HybridParts, folder: Path) -> None:
    hybrid, shares, weights = made
    save_fitted(hybrid, folder)
    (folder / "shares.json").write_text(json.dumps(shares), "utf-8")
    if weights is not None:
        sparse.save_npz(folder / "item_weights.npz", weights)


def _load_hybrid(folder: Path) -> HybridParts:
    weights = folder / "item_weights.npz"
    shares = json.loads((folder / "shares.json").read_text("utf-8"))
    return load_fitted(folder), shares, sparse.csr_matrix(sparse.load_npz(weights)) if weights.is_file() else None
