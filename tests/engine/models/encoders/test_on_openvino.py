"""Networks by OpenVINO give nearly what torch gives, under names of their own, and its package reports nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from engine.core.errors import SettingsError
from engine.core.settings import ImageSettings, TextSettings
from engine.core.workspace import Workspace
from engine.models.encoders import on_openvino
from engine.models.encoders.backbone import create_backbone
from engine.models.encoders.quick_pictures import by_openvino, tail_to_look_with, trunk_to_look_with
from engine.models.encoders.stages import stages_of
from engine.models.encoders.text import MANY_TEXTS, TextEncoder, chosen_precision, load_text_encoder
from engine.models.encoders.text_models import model_folder

needs_openvino = pytest.mark.skipif(not on_openvino.is_installed(), reason="openvino has no build for this machine")
TEXTS = ["Red evening dress", "A drill", "Blue jeans with a belt, washed and cut for every day", "Garden chair of oak"]


@needs_openvino
def test_texts_get_nearly_the_same_vectors_under_another_name(workspace: Workspace, tmp_path: Path) -> None:
    exact, quick = (
        TextEncoder("minilm", model_folder("minilm"), (), 128, 2, precision=one) for one in ("float32", "openvino")
    )
    here, there = (encoder.encode_contents(TEXTS, workspace) for encoder in (exact, quick))
    assert not np.array_equal(here, there)
    assert (here * there).sum(axis=1) == pytest.approx(np.ones(4), abs=0.01)
    assert quick.fingerprint != exact.fingerprint
    quick.save(tmp_path)
    loaded = load_text_encoder(tmp_path)
    assert (loaded.precision, loaded.fingerprint) == ("openvino", quick.fingerprint)
    before = torch.get_num_threads()
    torch.set_num_threads(3 - min(before, 2))
    try:
        np.testing.assert_array_equal(loaded.encode_contents(TEXTS, workspace), there)
    finally:
        torch.set_num_threads(before)


@needs_openvino
def test_pictures_get_nearly_the_same_vectors() -> None:
    stages = stages_of(create_backbone(ImageSettings()), whole=False)
    assert stages.exact is not None
    batch = torch.randn(9, 3, 72, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        middle = stages.trunk(batch)
        torch.testing.assert_close(by_openvino(stages.trunk, bfloat16=False)(batch), middle, rtol=1e-3, atol=1e-3)
        quick = trunk_to_look_with(stages.trunk, stages.exact, "openvino")(batch)
        seen = tail_to_look_with(stages.tail, "openvino")(quick)
        likeness = torch.nn.functional.cosine_similarity(seen, stages.tail(middle))
    assert quick.shape == middle.shape
    assert 0.995 < float(likeness.min()) < 1.0


@needs_openvino
def test_a_network_with_a_step_that_is_not_known_is_named() -> None:
    with pytest.raises(SettingsError, match=r"image\.precision = 'openvino'.*gelu"):
        by_openvino(nn.Sequential(nn.Conv2d(3, 4, 3), nn.GELU()), bfloat16=True)


@needs_openvino
def test_openvino_reports_nothing_to_its_maker() -> None:
    code = (
        "import sys; from engine.models.encoders.on_openvino import openvino; openvino(); "
        "assert 'openvino' in sys.modules; "
        "print([name for name, module in sys.modules.items() if name.startswith('openvino_telemetry') and module])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_release_that_needs_openvino_says_so_where_it_is_missing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = TextEncoder("minilm", model_folder("minilm"), (), 128, 2, precision="openvino")
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setitem(sys.modules, "openvino.opset13", None)
    with pytest.raises(SettingsError, match="needs the package openvino"):
        encoder.encode_contents(TEXTS, workspace)


def test_openvino_is_chosen_on_processors_that_it_was_measured_on(monkeypatch: pytest.MonkeyPatch) -> None:
    both = {"avx512_bf16": True, "avx512_vnni": True}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for found, installed, expected, by_integers in (
        (both, True, "openvino", "openvino"),
        (both, False, "bfloat16", "bfloat16"),
        (both | {"amx_bf16": True}, True, "openvino", "bfloat16"),
        ({"avx512_vnni": True}, True, "float32", "float32"),
    ):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=found: found)
        monkeypatch.setattr(on_openvino, "is_installed", lambda installed=installed: installed)
        assert on_openvino.quickest_precision(integers=False) == expected
        assert on_openvino.quickest_precision(integers=True) == by_integers
        assert chosen_precision(TextSettings(), MANY_TEXTS, "minilm") == by_integers
        of_others = "bfloat16" if by_integers == "openvino" else by_integers
        for other in ("e5", "some/model"):
            assert chosen_precision(TextSettings(), MANY_TEXTS, other) == of_others
    with pytest.raises(SettingsError, match="not with 'some/model'"):
        chosen_precision(TextSettings(precision="openvino"), 1, "some/model")
