"""The quick picture network gives what the network gives, nearly, and keeps a name of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from engine.catalogue.images import store_image
from engine.core.settings import ImageSettings
from engine.core.vectors import unit_rows
from engine.core.workspace import Workspace
from engine.models.encoders import quick_network
from engine.models.encoders.backbone import create_backbone
from engine.models.encoders.classifier_encoder import ClassifierEncoder
from engine.models.encoders.image import MANY_PICTURES, chosen_precision, fit_image_encoder, load_image_encoder
from engine.models.encoders.picture_labels import Labels
from engine.models.encoders.quick_network import fused, quick_trunk
from engine.models.encoders.stages import stages_of

AS_IT_IS = {"kind": "classifiers", "attributes": 0, "size": 64}


@pytest.fixture
def pictures(workspace: Workspace, tmp_path: Path) -> pd.DataFrame:
    """Twelve pictures of coloured noise."""
    rng = np.random.default_rng(0)
    images = []
    for number in range(12):
        pixels = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8) // (1 + number % 3)
        file = tmp_path / f"{number}.png"
        Image.fromarray(pixels).resize((90, 64)).save(file)
        images.append(store_image(workspace, file.read_bytes(), name=file.name))
    return pd.DataFrame({"image": images})


def encoder_of(pictures: pd.DataFrame, workspace: Workspace, precision: str) -> ClassifierEncoder:
    settings = ImageSettings.model_validate({**AS_IT_IS, "precision": precision})
    encoder = fit_image_encoder(pictures, lambda _: [], workspace, settings, 0)
    assert isinstance(encoder, ClassifierEncoder)
    return encoder


@pytest.mark.parametrize("calls", ["fused", "one by one"])
def test_fused_steps_give_what_the_network_gives(monkeypatch: pytest.MonkeyPatch, calls: str) -> None:
    if calls == "one by one":
        monkeypatch.setattr(quick_network, "_has_fused_calls", lambda batch: False)
    stages = stages_of(create_backbone(ImageSettings()), whole=False)
    before = {name: tensor.clone() for name, tensor in stages.tail.state_dict().items()}
    batch = torch.randn(3, 3, 72, 64)
    assert stages.exact is not None
    with torch.inference_mode():
        middle = stages.trunk(batch)
        torch.testing.assert_close(fused(stages.trunk)(batch), middle, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(fused(stages.tail)(middle), stages.tail(middle), rtol=1e-3, atol=1e-4)
        quick = quick_trunk(stages.trunk, stages.exact)(batch)
    assert quick.dtype == torch.float32
    likeness = torch.nn.functional.cosine_similarity(quick.flatten(1), middle.flatten(1))
    assert 0.999 < float(likeness.min()) < 1.0
    assert all(torch.equal(tensor, before[name]) for name, tensor in stages.tail.state_dict().items())


def test_a_quick_encoder_gives_nearly_the_same_vectors_under_another_name(
    pictures: pd.DataFrame, workspace: Workspace, tmp_path: Path
) -> None:
    exact, quick = (encoder_of(pictures, workspace, precision) for precision in ("float32", "bfloat16"))
    assert quick.fingerprint != exact.fingerprint
    assert "precision" not in exact._description()  # the name that releases from before know
    there, here = (one.encode(pictures, workspace).values for one in (quick, exact))
    assert not np.array_equal(there, here)
    likeness = [
        unit_rows(values) @ unit_rows(values).T for values in (there, here)
    ]  # principal components may differ in sign
    assert np.abs(likeness[0] - likeness[1]).max() < 0.1
    assert np.corrcoef(likeness[0].ravel(), likeness[1].ravel())[0, 1] > 0.99
    quick.save(tmp_path)
    loaded = load_image_encoder(tmp_path)
    assert isinstance(loaded, ClassifierEncoder)
    assert (loaded.precision, loaded.fingerprint) == ("bfloat16", quick.fingerprint)
    np.testing.assert_array_equal(loaded.encode(pictures, workspace).values, there)


def test_the_precision_follows_the_processor_where_there_are_many_pictures_unless_it_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert chosen_precision(ImageSettings(precision="float32"), 10**6) == "float32"
    assert chosen_precision(ImageSettings(precision="bfloat16"), 10) == "bfloat16"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for found, expected in (({"avx512_bf16": True}, "bfloat16"), ({"avx2": True}, "float32")):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=found: found)
        assert chosen_precision(ImageSettings(), MANY_PICTURES) == expected
        assert chosen_precision(ImageSettings(), MANY_PICTURES - 1) == "float32"
        assert chosen_precision(ImageSettings(backbone="resnext50_32x4d"), MANY_PICTURES) == "float32"


def test_a_network_that_has_no_quick_form_stays_exact(pictures: pd.DataFrame, workspace: Workspace) -> None:
    settings = ImageSettings(
        kind="classifiers", backbone="test_resnet", pretrained="none", size=32, epochs=1, precision="bfloat16"
    )
    colours = Labels("colour", ("a", "b"), np.eye(2, dtype=bool)[np.arange(12) % 2])
    encoder = fit_image_encoder(pictures, lambda _: [colours], workspace, settings, 0)
    assert isinstance(encoder, ClassifierEncoder)
    assert encoder.precision == "float32"
