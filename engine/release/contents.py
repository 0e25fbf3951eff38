"""What a release is: everything in it, and the one way in which it is written.

items.parquet, user_ids.parquet, user_items.npz     the shop that was trained on, and its interactions
item_factors.npy, user_factors.npy                  ALS
taught_factors.npy                                  what the network learned from, where these are other factors
hybrid.npy, profiles.npy, item_weights.npz          what shoppers are served from; the last where the plan asks for it
<arm>*.npy, <arm>.ann, arm_masks.npz, arm_cells.npz vectors, index and cells of every arm
top_lists.npz                                       the best neighbours of every product
encoders/, predictor/, smoother/                    the models that read a product described later
maps.parquet, metrics.json, training.json           where products lie, how good the lists are, how it came about
judgements.parquet                                  what was learned from judgements, where anything was
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import sparse

from engine.arms.base import FittedModels
from engine.arms.beside import beside_of
from engine.arms.geometry import ArmVectors
from engine.arms.hybrid_files import save_hybrid
from engine.arms.hybrid_fit import Hybrid
from engine.arms.plan import TrainingPlan
from engine.catalogue.interactions import Interactions
from engine.catalogue.snapshot import Shop
from engine.core.progress import Progress, silent
from engine.core.settings import Settings
from engine.core.storage import atomic_write_json
from engine.core.workspace import Workspace
from engine.models.als import AlsFactors
from engine.models.encoders import Encoder, Imputer, save_encoders
from engine.models.tfidf import TfidfVectors
from engine.release.arm_files import side_files
from engine.release.arm_search import MASKS_FILE
from engine.release.arm_writer import ArmCells, write_arms
from engine.release.cell_files import CELLS_FILE
from engine.release.judged_products import JUDGED_FILE
from engine.release.manifest import Manifest
from engine.release.top_lists import TOP_LISTS_FILE, write_top_lists

if TYPE_CHECKING:
    from engine.models.predictor import TrainedPredictor

__all__ = ["TAUGHT_FILE", "ReleaseContents", "list_files", "lists_made_from", "write_contents"]

TAUGHT_FILE = "taught_factors.npy"


@dataclass(frozen=True)
class ReleaseContents:
    """Everything that a release holds; rows as in `shop.items`.

    Attributes
    ----------
    behaviour : ALS as it is served. words : the vocabulary that the hybrid compares texts by.
    fitted, hybrid, arms : what products are compared by.
    item_weights : the item model that serves shoppers, where one does.
    imputer : what stands in for content that a product lacks.
    maps : item_id and each map's coordinates, NaN where an item has none.
    metrics : metrics.json. plan : what it was trained with.
    shares : whose behaviour speaks for whom (`engine.arms.contributions`).
    judged : the judged pairs that it learned from, and `learned` what came of that; empty where it learned from none.
    notes : what a person should know. decision : why it is published or not. steps : what each step took.
    """

    shop: Shop
    interactions: Interactions
    settings: Settings
    behaviour: AlsFactors
    encoders: Mapping[str, Encoder]
    predictor: TrainedPredictor
    words: TfidfVectors
    fitted: FittedModels
    hybrid: Hybrid
    arms: Mapping[str, ArmVectors]
    maps: pd.DataFrame
    metrics: Mapping[str, Any]
    plan: TrainingPlan
    imputer: Imputer = field(default_factory=Imputer)
    item_weights: sparse.csr_matrix | None = None
    shares: Sequence[Mapping[str, Any]] = ()
    judged: pd.DataFrame = field(default_factory=pd.DataFrame)
    learned: Mapping[str, Any] = field(default_factory=dict)
    judgements_until: str | None = None
    notes: Sequence[str] = ()
    decision: str = ""
    steps: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Earlier:
    """What is there already for a release that is to be filled.

    Attributes
    ----------
    lists : copies vectors, indexes and lists that were made from the same (`lists_made_from`) into a directory, and returns the manifest's `arms`; None where
        they are to be made. cells : those of an arm that were made from the same (`cells_made_from`); None likewise.
    """

    lists: Callable[[Path], dict[str, Any] | None] = lambda directory: None
    cells: Callable[[str], ArmCells | None] = lambda arm: None


def cells_made_from(contents: ReleaseContents, arm: str) -> tuple[Any, ...]:
    """All that an arm's cells depend on, for a digest."""
    return contents.arms[arm], contents.settings.index, contents.settings.seed


def lists_made_from(contents: ReleaseContents, cells: Mapping[str, str]) -> tuple[Any, ...]:
    """All that vectors, indexes and lists in a release depend on, for a digest; `cells` are digests of every arm's."""
    return _matrices(contents), cells


def list_files(manifest: Manifest) -> list[str]:
    """The files of a release that hold vectors, indexes and lists of its arms."""
    entries = manifest.arms.values()
    names = {name for entry in entries for name in side_files(entry)}
    names |= {entry["index"]["file"] for entry in entries if entry["index"]}
    return sorted(names | ({MASKS_FILE, CELLS_FILE, TOP_LISTS_FILE} & set(manifest.files)))


def write_contents(
    contents: ReleaseContents,
    workspace: Workspace,
    directory: Path,
    progress: Progress = silent,
    earlier: Earlier = Earlier(),
) -> dict[str, Any]:
    """Write every file of a release into a directory; the fields of its manifest (`engine.release.manifest`)."""
    _write_matrices(contents, directory)
    entries = earlier.lists(directory) or _write_lists(contents, directory, progress, earlier)
    _write_shop(contents, workspace, directory)
    save_encoders(dict(contents.encoders), directory / "encoders")
    contents.imputer.save(directory / "encoders")
    contents.predictor.save(directory / "predictor")
    others = {name: arm for name, arm in contents.arms.items() if name != "hybrid"}
    hybrid = contents.hybrid
    beside = beside_of(hybrid.candidates, hybrid.unknown, hybrid.recipe, others)
    save_hybrid(hybrid, contents.words, beside, directory)
    if contents.learned:
        contents.judged.to_parquet(directory / JUDGED_FILE, index=False)
    atomic_write_json(directory / "metrics.json", dict(contents.metrics))
    atomic_write_json(directory / "training.json", _training_record(contents))
    return _manifest_fields(contents, entries)


def _write_lists(contents: ReleaseContents, directory: Path, progress: Progress, earlier: Earlier) -> dict[str, Any]:
    index, seed = contents.settings.index, contents.settings.seed
    entries = write_arms(
        directory, contents.arms, index.trees, seed, index.search_k, kind=index.kind, earlier=earlier.cells
    )
    for name, recall in write_top_lists(directory, entries, progress).items():
        entries[name]["lists_recall"] = recall
    return entries


def _matrices(contents: ReleaseContents) -> dict[str, np.ndarray]:
    return {
        "item_factors": contents.behaviour.item_factors,
        "user_factors": contents.behaviour.user_factors,
        "predicted_factors": contents.fitted.predicted,
        "content": contents.fitted.content,
        "hybrid": contents.hybrid.for_shoppers,
        "profiles": contents.hybrid.profiles,
    }


def _write_matrices(contents: ReleaseContents, directory: Path) -> None:
    for name, matrix in _matrices(contents).items():
        np.save(directory / f"{name}.npy", np.ascontiguousarray(matrix, dtype=np.float32), allow_pickle=False)
    taught = contents.fitted.learned_from
    if not np.array_equal(taught, contents.behaviour.item_factors):
        np.save(directory / TAUGHT_FILE, np.ascontiguousarray(taught, dtype=np.float32), allow_pickle=False)
    if contents.item_weights is not None:
        sparse.save_npz(directory / "item_weights.npz", contents.item_weights)


def _write_shop(contents: ReleaseContents, workspace: Workspace, directory: Path) -> None:
    """The snapshot's products, types and all, with `interaction_count`; its shoppers and what they did; the maps."""
    interactions = contents.interactions
    table = pq.read_table(workspace.snapshots / contents.shop.snapshot_id / "items.parquet")
    counted = table.append_column("interaction_count", pa.array(interactions.counts))
    pq.write_table(counted, directory / "items.parquet", compression="zstd")
    pd.DataFrame({"user_id": interactions.user_ids}).to_parquet(directory / "user_ids.parquet", index=False)
    sparse.save_npz(directory / "user_items.npz", interactions.user_items)
    contents.maps.to_parquet(directory / "maps.parquet", index=False)


def _training_record(contents: ReleaseContents) -> dict[str, Any]:
    """training.json: how the models came about; nothing in it may differ between equal runs."""
    predictor = contents.predictor
    return {
        "als_losses": contents.behaviour.losses,
        "predictor": {
            "checks": [asdict(check) for check in predictor.checks],
            "best_step": predictor.best_step,
        },
        "encoders": {
            modality: {
                "dim": encoder.dim,
                "fingerprint": encoder.fingerprint,
                "reader": _reader(encoder),
                "precision": getattr(encoder, "precision", "float32"),
            }
            for modality, encoder in contents.encoders.items()
        },
        "settings": _recorded_settings(contents.settings),
        "plan": contents.plan.to_dict(),
        "shares": [dict(share) for share in contents.shares],
        "judgements": dict(contents.learned),
        "notes": list(contents.notes),
    }


def _reader(encoder: Encoder) -> str:
    """What 'auto' chose, or was set: a model, or a kind of encoder."""
    return getattr(encoder, "reader", encoder.modality)


def _manifest_fields(contents: ReleaseContents, entries: Mapping[str, Any]) -> dict[str, Any]:
    shop, interactions, settings = contents.shop, contents.interactions, contents.settings
    return {
        "snapshot_id": shop.snapshot_id,
        "seed": settings.seed,
        "settings": _recorded_settings(settings),
        "counts": {
            "n_items": len(shop.items),
            "n_users": len(interactions.user_ids),
            "n_interactions": int(interactions.user_items.nnz),
        },
        "dims": {
            "factors": contents.behaviour.item_factors.shape[1],
            **{name: encoder.dim for name, encoder in contents.encoders.items()},
        },
        "readers": {modality: _reader(encoder) for modality, encoder in contents.encoders.items()},
        "metrics": _headline(contents.metrics),
        "looked_at": contents.metrics.get("looked_at"),
        "shop": {
            "name": shop.name,
            "interaction_word": shop.interaction_word,
            "currency": shop.currency,
            "demo": shop.demo,
            "attributes": shop.attribute_kinds,
        },
        "arms": dict(entries),
        "steps": [dict(step) for step in contents.steps],
        "decision": contents.decision,
        "notes": list(contents.notes),
        "judgements_until": contents.judgements_until,
    }


def _headline(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """What lists of releases show: surprise NDCG@10 of every arm, pooled."""
    arms = metrics.get("thinning", {})
    return {"surprise_ndcg": {arm: levels["pooled"]["ndcg"] for arm, levels in arms.items()}}


def _recorded_settings(settings: Settings) -> dict[str, Any]:
    """Settings without the database's URL, which may hold a password and changes nothing in a release."""
    return settings.model_dump(mode="json", exclude={"database_url"})
