"""A modality is added by its encoder's module and one entry in the registry: a toy one is trained, saved, loaded and used."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.catalogue.snapshot import Shop
from engine.core.errors import ReleaseError
from engine.core.progress import Progress
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.models.encoders import (
    MODALITIES,
    Encoder,
    Features,
    LeftOut,
    Modality,
    content_vectors,
    encode_catalogue,
    fit_encoders,
    fit_modalities,
    load_encoders,
    save_encoders,
)
from engine.models.predictor import load_predictor, train_predictor

SETTINGS = Settings.model_validate(
    {"text": {"model": "none"}, "image": {"kind": "none"}, "predictor": {"max_steps": 40, "hidden": 8, "dropout": 0.0}}
)


@dataclass(frozen=True)
class ScentEncoder:
    """How floral and how woody a product smells, centred over the catalogue."""

    mean: tuple[float, float]

    modality = "scent"
    dim = 2

    @property
    def fingerprint(self) -> str:
        return f"scent/{self.mean}"

    def encode(self, items: pd.DataFrame, workspace: Workspace) -> Features:
        scents = items["scent"] if "scent" in items else [None] * len(items)
        values = [(np.nan, np.nan) if scent is None else (scent.count("rose"), scent.count("oak")) for scent in scents]
        raw = np.array(values, dtype=np.float32).reshape(-1, 2)
        present = np.isfinite(raw[:, 0])
        return Features(np.where(present[:, None], raw - np.float32(self.mean), np.float32(0)), present)

    def save(self, directory: Path) -> None:
        (directory / "scent.json").write_text(json.dumps(self.mean), "utf-8")


def fit_scent(
    shop: Shop, workspace: Workspace, settings: Settings, seed: int, progress: Progress
) -> ScentEncoder | None:
    progress("Smelling", 1.0)
    return ScentEncoder((1.5, 0.5)) if "scent" in shop.items else None


def load_scent(directory: Path) -> ScentEncoder:
    mean = json.loads((directory / "scent.json").read_text("utf-8"))
    return ScentEncoder((mean[0], mean[1]))


@pytest.fixture
def scent(monkeypatch: pytest.MonkeyPatch) -> Modality:
    modality = Modality("scent", "Smelling products", "a scent", "similar scents", fit_scent, load_scent)
    monkeypatch.setitem(MODALITIES, "scent", modality)
    return modality


@pytest.fixture
def shop() -> Shop:
    rows = [
        {
            "item_id": f"p{row}",
            "title": None,
            "price": 5.0 + row % 7,
            "scent": ["rose rose", "oak rose", "oak"][row % 3],
        }
        for row in range(60)
    ]
    items = pd.DataFrame([*rows, {"item_id": "odourless", "price": 5.0, "scent": None}])
    items["scent"] = items["scent"].astype(object).where(items["scent"].notna(), None)
    return Shop("0", "Perfumes", "purchases", "EUR", False, items, {"scent": "text"}, {})


def test_a_registered_encoder_is_trained_saved_loaded_and_used(scent: Modality, shop: Shop, tmp_path: Path) -> None:
    workspace, heard = Workspace(tmp_path), []
    encoders = fit_encoders(shop, workspace, SETTINGS, 0, lambda step, done, message="": heard.append(step))
    assert list(encoders) == ["attributes", "scent"]
    features = encode_catalogue(encoders, shop.items, workspace, lambda step, done, message="": heard.append(step))
    assert {"Smelling", "Smelling products"} <= set(heard)
    assert features["scent"].present.tolist() == [True] * 60 + [False]
    targets = np.random.default_rng(0).normal(size=(61, 4)).astype(np.float32)
    predictor = train_predictor(features, targets, np.full(61, 9), SETTINGS.predictor, 0)
    save_encoders(encoders, tmp_path / "encoders")
    predictor.save(tmp_path / "predictor")

    loaded, network = load_encoders(tmp_path / "encoders"), load_predictor(tmp_path / "predictor")
    new = pd.DataFrame({"scent": ["rose rose rose"]})  # a product nobody has seen
    read: dict[str, Features] = {name: encoder.encode(new, workspace) for name, encoder in loaded.items()}
    assert read["scent"].values.tolist() == [[1.5, -0.5]]
    assert content_vectors(read).shape == (1, content_vectors(features).shape[1])
    assert content_vectors(read)[0, -2:] == pytest.approx(np.array([1.5, -0.5]) / np.hypot(1.5, 0.5))
    assert np.isfinite(network.predict(read)).all()
    unscented = network.predict(read | {"scent": ScentEncoder((1.5, 0.5)).encode(pd.DataFrame(index=[0]), workspace)})
    assert not np.array_equal(unscented, network.predict(read))


def test_a_modality_that_is_left_out_says_why(scent: Modality, shop: Shop, tmp_path: Path) -> None:
    unwilling = replace(scent, fit=lambda *arguments: LeftOut("Scents are not used: it is Sunday."))
    MODALITIES["scent"] = unwilling
    encoders, left_out = fit_modalities(shop, Workspace(tmp_path), SETTINGS, 0)
    assert list(encoders) == ["attributes"]
    assert left_out == {
        "text": "Text is not used: text.model is 'none'.",
        "image": "No product has a picture, so neighbours are found without.",
        "scent": "Scents are not used: it is Sunday.",
    }


def test_a_registered_encoder_that_changed_is_refused(
    scent: Modality, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoders: dict[str, Encoder] = fit_encoders(shop, Workspace(tmp_path), SETTINGS, 0)
    save_encoders(encoders, tmp_path / "encoders")
    (tmp_path / "encoders" / "scent.json").write_text("[0, 0]", "utf-8")
    with pytest.raises(ReleaseError, match="The scent encoder in"):
        load_encoders(tmp_path / "encoders")


def test_every_modality_is_listed_by_its_own_name_and_the_registry_imports_no_torch() -> None:
    assert [modality.name for modality in MODALITIES.values()] == list(MODALITIES) == ["text", "image", "attributes"]
    program = "import sys, engine.models.encoders; print('torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
