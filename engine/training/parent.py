"""The release that a training starts from: the one that is served when it begins.

What follows from the same inputs is taken from it as it is. Where there is new behaviour, ALS learns on from its factors; so the same data, settings
and seed give the same release after the same parent, which the manifest names.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.arms.plan import TrainingPlan, Trials
from engine.core.errors import ReleaseError
from engine.core.settings import Settings
from engine.core.storage import file_sha256
from engine.core.workspace import Workspace
from engine.models.als import AlsFactors
from engine.release.arm_writer import ArmCells
from engine.release.cell_files import CELLS_FILE, cell_map_in
from engine.release.contents import TAUGHT_FILE, list_files
from engine.release.files import ReleaseFiles
from engine.release.manifest import read_manifest
from engine.release.publish import current_release_id

__all__ = ["CHOSEN_BY", "Parent"]

logger = logging.getLogger(__name__)

CHOSEN_BY = ("als", "predictor", "smoother", "selection", "evaluation", "seed")
"""Settings that a plan is chosen by."""
LEAST_KNOWN = 0.5
"""Behaviour is learned anew where fewer of today's products are in the parent."""


@dataclass(frozen=True)
class Parent:
    """A release, and what its parts were made from: part -> digest (`engine.core.digests`)."""

    files: ReleaseFiles
    inputs: Mapping[str, str]

    @classmethod
    def served(cls, workspace: Workspace) -> Parent | None:
        """The release that is served; None where there is none, or this version of Longtail cannot read it."""
        release_id = current_release_id(workspace)
        if not release_id:
            return None
        try:
            manifest = read_manifest(workspace.releases / release_id)
        except ReleaseError:
            return None
        return cls(ReleaseFiles(workspace.releases / release_id, manifest), manifest.extra.get("inputs", {}))

    @property
    def release_id(self) -> str:
        return self.files.manifest.release_id

    def made_from(self, part: str, digest: str) -> bool:
        """Whether a part of it was made from just these inputs."""
        return self.inputs.get(part) == digest

    def plan(self, settings: Settings) -> TrainingPlan | None:
        """The plan it was made with; None where nothing was compared for it, or by other settings than these."""
        if (known := self._plan()) is None:
            return None
        plan, made = known
        asked = settings.model_dump(mode="json")
        same = all(made.get(group) == asked[group] for group in CHOSEN_BY)
        return plan if same and plan.trials != Trials() and plan.problem is None else None

    def chosen(self) -> tuple[TrainingPlan, dict[str, Any]] | None:
        """Its plan and its figures, as for metrics.json; None where they cannot be read."""
        if (known := self._plan()) is None:
            return None
        try:
            return known[0], dict(self.files.json("metrics.json"))
        except (ReleaseError, TypeError, ValueError) as exc:
            logger.warning("the figures of %s cannot be read: %s", self.release_id, exc)
            return None

    def behaviour(self) -> tuple[AlsFactors, AlsFactors] | None:
        """Its factors, and those that its network learned from (of items alone where they are others); None where they cannot be read."""
        counts = self.files.manifest.counts
        try:
            items, users = (
                np.array(self.files.vectors(f"{side}_factors.npy", counts[f"n_{side}s"])) for side in ("item", "user")
            )
            tuned = AlsFactors(users, items, list(self.files.json("training.json")["als_losses"]))
            if TAUGHT_FILE not in self.files:
                return tuned, tuned
            taught = np.array(self.files.vectors(TAUGHT_FILE, counts["n_items"]))
        except (ReleaseError, KeyError) as exc:
            logger.warning("behaviour of %s cannot be read: %s", self.release_id, exc)
            return None
        return tuned, AlsFactors(np.zeros((0, taught.shape[1]), np.float32), taught, [])

    def starts(self, item_ids: Sequence[str], counts: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Factors of these items to learn on from, as `behaviour` has them, zero for new ones; None where too few of those with interactions
        (`counts`, (n_items,)) are known."""
        found = self.behaviour()
        if found is None:
            return None
        known = {item_id: row for row, item_id in enumerate(self._item_ids())}
        rows = np.array([known.get(item_id, -1) for item_id in item_ids])
        observed = counts > 0
        if np.mean(rows[observed] >= 0) < LEAST_KNOWN:
            return None
        tuned, taught = (np.where(rows[:, None] >= 0, one.item_factors[rows], np.float32(0.0)) for one in found)
        return tuned, taught

    def copy_lists(self, directory: Path) -> dict[str, Any] | None:
        """Copy vectors, indexes and lists of its arms into a release that is being filled; the manifest's `arms`, None where a file is damaged."""
        manifest = self.files.manifest
        copied: list[Path] = []
        try:
            for name in list_files(manifest):
                if not (directory / name).exists():
                    copied.append(directory / name)
                    shutil.copyfile(self.files.directory / name, directory / name)
                if file_sha256(directory / name) != self.files.sha256(name):
                    raise ReleaseError(f"{name} does not match its checksum")
        except (OSError, ReleaseError) as exc:
            logger.warning("lists of %s are made again: %s", self.release_id, exc)
            for path in copied:
                path.unlink(missing_ok=True)
            return None
        return {arm: dict(entry) for arm, entry in manifest.arms.items()}

    def cells(self, arm: str) -> ArmCells | None:
        """How one of its arms is searched by cells, and these; None where it is searched otherwise, or the file is damaged."""
        entry = self.files.manifest.arms[arm]
        if not entry.get("probes"):
            return None
        try:
            cells = cell_map_in(self.files.archive(CELLS_FILE), arm, entry["dim"], entry["n_candidates"])
        except (ReleaseError, KeyError) as exc:
            logger.warning("cells of %s in %s are made again: %s", arm, self.release_id, exc)
            return None
        return {name: entry[name] for name in ("exact", "search_k", "probes", "recall_at_10")}, cells

    def _plan(self) -> tuple[TrainingPlan, dict[str, Any]] | None:
        """Its plan and the settings it was made with; None where they cannot be read."""
        try:
            made = self.files.json("training.json")
            return TrainingPlan.from_dict(made["plan"]), dict(made["settings"])
        except (ReleaseError, KeyError, TypeError, ValueError) as exc:
            logger.warning("the plan of %s cannot be read: %s", self.release_id, exc)
            return None

    def _item_ids(self) -> list[str]:
        return [str(one) for one in self.files.table("items.parquet", ["item_id"])["item_id"].to_pylist()]
