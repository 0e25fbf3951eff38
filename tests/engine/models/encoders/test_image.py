"""Picture encoders on drawn pictures whose answer is known, on real photographs, and with real pretrained weights."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file, save_file

from engine.catalogue.images import store_image
from engine.core.errors import ReleaseError, SettingsError
from engine.core.settings import ImageSettings
from engine.core.workspace import Workspace
from engine.models.encoders import backbone as backbone_module
from engine.models.encoders import classifier_fitting
from engine.models.encoders.backbone import create_backbone, normalised, read_pixels
from engine.models.encoders.base import LeftOut
from engine.models.encoders.cache import encode_through_cache
from engine.models.encoders.classifier_encoder import ClassifierEncoder
from engine.models.encoders.classifiers import _training_mode
from engine.models.encoders.clip import ClipEncoder
from engine.models.encoders.image import fit_image_encoder, load_image_encoder
from engine.models.encoders.picture_labels import Labels, candidate_labels
from engine.models.encoders.stages import stages_of

COLOURS = {"red": (200, 30, 30), "green": (30, 160, 60), "blue": (40, 60, 200)}
SETTINGS = ImageSettings(backbone="test_resnet", pretrained="none", size=32, epochs=12, attributes=2, batch_size=16)
KINDS = {"colour": "category", "shape": "category", "mood": "category"}


def by_attributes(shown: pd.DataFrame) -> list[Labels]:
    return candidate_labels(shown, KINDS)


def by_category(shown: pd.DataFrame) -> list[Labels]:
    return candidate_labels(shown, {})


def by_nothing(shown: pd.DataFrame) -> list[Labels]:
    return []


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, pd.DataFrame]:
    """120 pictures of a disc or a bar in one of three colours; "mood" is drawn by lot. The last two have no picture."""
    workspace = Workspace(tmp_path_factory.mktemp("drawn"))
    rng = np.random.default_rng(0)
    rows = []
    for number in range(120):
        colour, shape = list(COLOURS)[number % 3], ("disc", "bar")[number // 3 % 2]
        picture = Image.new("RGB", (48, 48), (245, 245, int(rng.integers(200, 255))))
        x, y = rng.integers(0, 14, size=2).tolist()
        draw = ImageDraw.Draw(picture)
        if shape == "disc":
            draw.ellipse((x, y, x + 30, y + 30), fill=COLOURS[colour])
        else:
            draw.rectangle((x, y, x + 8, y + 34), fill=COLOURS[colour])
        data = io.BytesIO()
        picture.save(data, "PNG")
        rows.append((store_image(workspace, data.getvalue(), name="drawn"), colour, shape, str(rng.choice(["a", "b"]))))
    rows += [(None, "red", "disc", "a"), (None, "blue", "bar", "b")]
    return workspace, pd.DataFrame(rows, columns=["image", "colour", "shape", "mood"])


@pytest.fixture(scope="module")
def fitted(drawn: tuple[Workspace, pd.DataFrame]) -> ClassifierEncoder:
    workspace, items = drawn
    encoder = fit_image_encoder(items, by_attributes, workspace, SETTINGS, seed=0)
    assert isinstance(encoder, ClassifierEncoder)
    return encoder


def test_visible_attributes_are_chosen_and_learned(fitted: ClassifierEncoder) -> None:
    assert {branch.name for branch in fitted.branches} == {"colour", "shape"}
    for branch in fitted.branches:
        assert branch.accuracy is not None
        assert branch.majority is not None
        assert branch.accuracy > branch.majority + 0.2


def test_pictures_that_look_alike_lie_close(fitted: ClassifierEncoder, drawn: tuple[Workspace, pd.DataFrame]) -> None:
    workspace, items = drawn
    features = fitted.encode(items, workspace)
    assert features.values.shape == (122, fitted.dim)
    assert features.present.tolist() == [True] * 120 + [False] * 2
    assert not features.values[120:].any()
    vectors = features.values[:120]
    assert np.square(vectors).sum(1).mean() == pytest.approx(1, abs=0.01)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -1)
    looks = (items["colour"] + items["shape"]).to_numpy()[:120]
    assert (looks[similarity.argmax(1)] == looks).mean() > 0.9


def test_vectors_that_fitting_brought_along_are_those_that_encoding_gives(
    fitted: ClassifierEncoder, drawn: tuple[Workspace, pd.DataFrame]
) -> None:
    workspace, items = drawn
    done: list[tuple[int, int]] = []
    cached = encode_through_cache(fitted, items, workspace, lambda part, total: done.append((part, total)))
    distinct = items["image"].nunique()  # two drawings can come out alike
    assert done == [(distinct, distinct)]  # nothing was left to encode
    assert np.abs(cached.values - fitted.encode(items, workspace).values).max() < 1e-4


def test_the_same_seed_gives_the_same_networks_and_a_repeat_trains_nothing(
    drawn: tuple[Workspace, pd.DataFrame], fitted: ClassifierEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, items = drawn
    trainings = []
    train = classifier_fitting.train_classifiers

    def counted(*arguments, **more):  # type: ignore[no-untyped-def]
        trainings.append(1)
        return train(*arguments, **more)

    monkeypatch.setattr(classifier_fitting, "train_classifiers", counted)
    again = fit_image_encoder(items, by_attributes, workspace, SETTINGS, seed=0)
    assert trainings == []
    assert again is not None
    assert again.fingerprint == fitted.fingerprint
    for folder in (workspace.features / "classifiers").iterdir():
        (folder / "image.safetensors").write_bytes(b"damaged")
    afresh = fit_image_encoder(items, by_attributes, workspace, SETTINGS, seed=0)
    assert trainings == [1]
    assert afresh is not None
    assert afresh.fingerprint == fitted.fingerprint


def test_a_saved_encoder_gives_the_same_vectors_and_a_damaged_one_is_refused(
    fitted: ClassifierEncoder, drawn: tuple[Workspace, pd.DataFrame], tmp_path: Path
) -> None:
    workspace, items = drawn
    fitted.save(tmp_path)
    loaded = load_image_encoder(tmp_path)
    assert loaded.fingerprint == fitted.fingerprint
    head = items.head(8)
    assert np.array_equal(loaded.encode(head, workspace).values, fitted.encode(head, workspace).values)
    (tmp_path / "image.safetensors").write_bytes((tmp_path / "image.safetensors").read_bytes()[:-10])
    with pytest.raises(ReleaseError, match="cannot be read"):
        load_image_encoder(tmp_path)


def test_the_networks_are_made_when_the_first_picture_comes(fitted: ClassifierEncoder, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    program = (
        "import sys; from pathlib import Path; import numpy as np; "
        "from engine.models.encoders.image import load_image_encoder; encoder = load_image_encoder(Path(sys.argv[1])); "
        "print(encoder.dim, [name for name in ('timm', 'torchvision', 'torch._dynamo') if name in sys.modules]); "
        "encoder.encode_pixels(np.zeros((1, 32, 32, 3), dtype=np.uint8)); print('timm' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == [f"{fitted.dim} []", "True"]


def test_two_threads_make_the_networks_once(fitted: ClassifierEncoder, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    loaded = load_image_encoder(tmp_path)
    assert isinstance(loaded, ClassifierEncoder)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: loaded.network(), range(2))
    assert first is second


def test_networks_that_do_not_fit_the_installed_timm_are_refused_and_trained_again(
    drawn: tuple[Workspace, pd.DataFrame], tmp_path: Path
) -> None:
    workspace, items = drawn
    elsewhere = Workspace(tmp_path / "elsewhere")
    shutil.copytree(workspace.root, elsewhere.root)
    shutil.rmtree(elsewhere.features / "classifiers", ignore_errors=True)
    quick = SETTINGS.model_copy(update={"epochs": 1})
    encoder = fit_image_encoder(items, by_attributes, elsewhere, quick, seed=0)
    assert isinstance(encoder, ClassifierEncoder)
    (folder,) = (elsewhere.features / "classifiers").iterdir()
    state = load_file(folder / "image.safetensors")
    save_file(
        {name.replace(".conv1.", ".stem."): tensor for name, tensor in state.items()}, folder / "image.safetensors"
    )
    loaded = load_image_encoder(folder)
    with pytest.raises(ReleaseError, match="cannot be built"):
        loaded.encode(items.head(2), elsewhere)
    again = fit_image_encoder(items, by_attributes, elsewhere, quick, seed=0)
    assert again is not None
    assert again.fingerprint == encoder.fingerprint


def test_without_anything_to_learn_by_a_network_without_weights_is_left_out_and_that_is_said(
    drawn: tuple[Workspace, pd.DataFrame],
) -> None:
    workspace, items = drawn
    left_out = fit_image_encoder(items, by_nothing, workspace, SETTINGS, 0)
    assert isinstance(left_out, LeftOut)
    assert left_out.reason.startswith("Pictures are not used: the products have no attribute")


def test_without_pictures_there_is_no_encoder_and_switched_off_says_so(
    drawn: tuple[Workspace, pd.DataFrame],
) -> None:
    workspace, items = drawn
    assert fit_image_encoder(items.tail(2), by_attributes, workspace, SETTINGS, 0) is None
    assert fit_image_encoder(items.drop(columns="image"), by_attributes, workspace, SETTINGS, 0) is None
    off = SETTINGS.model_copy(update={"kind": "none"})
    assert fit_image_encoder(items, by_attributes, workspace, off, 0) == LeftOut(
        "Pictures are not used: image.kind is 'none'."
    )


def test_rare_values_and_attributes_that_say_too_little_are_not_learned() -> None:
    n = 100
    items = pd.DataFrame(
        {
            "category": ["dress"] * n,
            "brand": [f"brand {row}" for row in range(n)],
            "colour": ["red"] * 60 + ["blue"] * 35 + ["puce"] * 5,
            "fit": ["loose"] * 8 + ["tight"] * 8 + [None] * 84,
        }
    )
    (colour,) = candidate_labels(items, {"colour": "category", "fit": "category", "notes": "text"})
    assert colour.name == "colour"
    assert colour.classes == ("red", "blue")
    assert colour.targets.tolist() == [[True, False]] * 60 + [[False, True]] * 35 + [[False, False]] * 5
    assert colour.majority == pytest.approx(60 / 95)


def test_an_attribute_with_several_values_is_learned_with_all_of_them() -> None:
    genres: list[object] = [["drama"]] * 30 + [["comedy", "drama"]] * 20 + [["comedy", "rare"]] * 5 + [None] * 5
    items = pd.DataFrame({"genres": pd.Series(genres, dtype=object)})
    (labels,) = candidate_labels(items, {"genres": "multi"})
    assert (labels.classes, labels.several) == (("drama", "comedy"), True)
    assert labels.targets.sum(axis=1).tolist() == [1] * 30 + [2] * 20 + [1] * 5 + [0] * 5
    assert labels.majority == pytest.approx(50 / 55)
    drama_first = np.tile([1.0, 0.5], (60, 1))
    assert labels.right(np.arange(60), drama_first) == pytest.approx(50 / 55)


def test_pictures_are_learned_by_an_attribute_with_several_values(drawn: tuple[Workspace, pd.DataFrame]) -> None:
    workspace, items = drawn
    looks = [[colour, shape] for colour, shape in zip(items["colour"], items["shape"], strict=True)]
    several = items[["image"]].assign(looks=pd.Series(looks, dtype=object))
    encoder = fit_image_encoder(
        several, lambda shown: candidate_labels(shown, {"looks": "multi"}), workspace, SETTINGS, 0
    )
    assert isinstance(encoder, ClassifierEncoder)
    (branch,) = encoder.branches
    assert (branch.name, set(branch.classes)) == ("looks", {*COLOURS, "disc", "bar"})
    vectors = encoder.encode(items, workspace).values[:120]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -1)
    same = (items["colour"] + items["shape"]).to_numpy()[:120]
    assert (same[similarity.argmax(1)] == same).mean() > 0.8  # chance is a sixth


def test_norms_of_pretrained_weights_stay_as_they_are() -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Dropout())
    _training_mode(network, frozen_norms=True)
    assert [module.training for module in network] == [True, False, True]
    _training_mode(network, frozen_norms=False)
    assert [module.training for module in network] == [True, True, True]


@pytest.fixture(scope="module")
def mobilenet(shared_data: Path) -> ImageSettings:
    weights = shared_data / "weights" / "mobilenetv2_100_imagenet.safetensors"
    return ImageSettings(weights=weights, size=96, epochs=1, attributes=1, batch_size=16)


def photographs(shared_data: Path, workspace: Workspace, per_class: int, classes: list[str]) -> pd.DataFrame:
    rows = []
    for name in classes:
        for file in sorted((shared_data / "clothing" / "images" / "train" / name).glob("*.jpg"))[:per_class]:
            rows.append((store_image(workspace, file.read_bytes(), name=file.name), name))
    return pd.DataFrame(rows, columns=["image", "category"])


def test_local_pretrained_weights_are_loaded_as_their_description_says(mobilenet: ImageSettings) -> None:
    backbone = create_backbone(mobilenet)
    assert backbone.architecture == "mobilenetv2_100"
    assert backbone.arguments == {"pad_type": "same"}
    assert backbone.mean == backbone.deviation == (0.5, 0.5, 0.5)
    black_and_white = torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1, 1).expand(2, 1, 1, 3)
    assert normalised(black_and_white, backbone.mean, backbone.deviation).flatten().tolist() == [-1.0] * 3 + [1.0] * 3


def test_pretrained_features_tell_real_garments_apart_untouched(
    mobilenet: ImageSettings, shared_data: Path, workspace: Workspace
) -> None:
    items = photographs(shared_data, workspace, 20, ["dress", "shoes", "hat"])
    untouched = mobilenet.model_copy(update={"attributes": 0})
    encoder = fit_image_encoder(items, by_category, workspace, untouched, 0)
    assert isinstance(encoder, ClassifierEncoder)
    assert [branch.name for branch in encoder.branches] == [None]
    vectors = encoder.encode(items, workspace).values
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -1)
    category = items["category"].to_numpy()
    assert (category[similarity.argmax(1)] == category).mean() > 0.75  # chance is a third


def test_a_classifier_can_start_from_pretrained_weights(
    mobilenet: ImageSettings, shared_data: Path, workspace: Workspace
) -> None:
    items = photographs(shared_data, workspace, 24, ["dress", "shoes"])
    encoder = fit_image_encoder(items, by_category, workspace, mobilenet, 0)
    assert isinstance(encoder, ClassifierEncoder)
    learned, plain = encoder.branches
    assert (learned.name, set(learned.classes), plain.name) == ("category", {"dress", "shoes"}, None)
    assert learned.accuracy is not None
    assert learned.accuracy > 0.7
    assert encoder.dim <= 256  # 128 of the classifier, and 1,280 of the network, reduced


def test_the_cut_and_folded_network_gives_what_the_whole_one_gives(mobilenet: ImageSettings) -> None:
    torch.manual_seed(0)
    batch = torch.rand(2, 3, 64, 64)
    residual = create_backbone(ImageSettings(backbone="resnet10t", pretrained="none"))
    for backbone in (create_backbone(mobilenet), replace(residual, state=residual.network().state_dict())):
        stages = stages_of(backbone, whole=False)
        assert any(True for _ in stages.trunk.parameters())
        assert any(True for _ in stages.tail.parameters())
        with torch.inference_mode():
            expected = backbone.network().eval()(batch)
            assert torch.allclose(stages.tail(stages.trunk(batch)), expected, atol=1e-4, rtol=1e-4)


def test_the_installed_weights_are_those_that_were_published_and_are_the_default() -> None:
    backbone = create_backbone(ImageSettings())
    assert (backbone.architecture, backbone.pretrained, backbone.remark) == ("tf_efficientnet_lite0", True, None)
    assert backbone.state is not None
    assert backbone.state["conv_stem.weight"].shape == (32, 3, 3, 3)
    assert backbone_module.PACKAGE not in sys.modules  # its code is not run


def test_without_the_package_a_small_network_learns_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backbone_module, "PACKAGE", "no_such_package_here")
    backbone = create_backbone(ImageSettings())
    assert (backbone.architecture, backbone.pretrained) == ("test_resnet", False)
    assert backbone.remark is not None
    assert "no-such-package-here is missing. Install" in backbone.remark


def test_weights_other_than_the_published_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backbone_module, "PACKAGE_SHA256", "0" * 64)
    with pytest.raises(SettingsError, match="not the published EfficientNet-Lite0"):
        create_backbone(ImageSettings())


def test_weights_that_do_not_fit_are_refused_with_the_reason(mobilenet: ImageSettings, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="contains a mobilenetv2_100"):
        create_backbone(mobilenet.model_copy(update={"backbone": "resnet10t"}))
    with pytest.raises(SettingsError, match="no such file"):
        create_backbone(ImageSettings(weights=tmp_path / "none.safetensors"))
    save_file({"nothing": torch.zeros(2)}, tmp_path / "wrong.safetensors")
    with pytest.raises(SettingsError, match="does not fit"):
        create_backbone(ImageSettings(weights=tmp_path / "wrong.safetensors"))
    (tmp_path / "wrong.safetensors").write_bytes(b"not safetensors")
    with pytest.raises(SettingsError, match="cannot be read"):
        create_backbone(ImageSettings(weights=tmp_path / "wrong.safetensors"))
    with pytest.raises(SettingsError, match="timm knows no such model"):
        create_backbone(ImageSettings(backbone="no_such_network"))
    with pytest.raises(SettingsError, match=r"belong to image\.kind"):
        create_backbone(ImageSettings(pretrained="laion2b_s34b_b79k"))


@pytest.fixture
def tiny_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageSettings:
    """A CLIP of a few thousand parameters, made known to open_clip, with its weights saved as safetensors."""
    from engine.models.torchvision_shim import ensure_torchvision

    ensure_torchvision()
    import open_clip
    from open_clip import factory

    monkeypatch.setattr(factory, "_MODEL_CONFIGS", dict(factory._MODEL_CONFIGS))
    config = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 8},
        "text_cfg": {"context_length": 8, "vocab_size": 64, "width": 16, "heads": 2, "layers": 1},
    }
    factory._MODEL_CONFIGS["tiny-clip"] = config
    torch.manual_seed(0)
    save_file(open_clip.create_model("tiny-clip").state_dict(), tmp_path / "clip.safetensors")
    return ImageSettings(kind="open_clip", clip_model="tiny-clip", weights=tmp_path / "clip.safetensors", batch_size=7)


def test_open_clip_is_loaded_from_a_local_file_and_gives_what_its_picture_tower_gives(
    tiny_clip: ImageSettings, drawn: tuple[Workspace, pd.DataFrame], tmp_path: Path
) -> None:
    import open_clip

    workspace, items = drawn
    shown = items.tail(12)
    encoder = fit_image_encoder(shown, by_attributes, workspace, tiny_clip, 0)
    assert isinstance(encoder, ClipEncoder)
    features = encoder.encode(shown, workspace)
    assert features.values.shape == (12, encoder.dim) == (12, 16)
    assert features.present.tolist() == [True] * 10 + [False] * 2
    model = open_clip.create_model("tiny-clip", pretrained=str(tiny_clip.weights)).eval()
    pixels = read_pixels(workspace, shown["image"].dropna().tolist(), 32)
    with torch.inference_mode():
        expected = model.encode_image(
            normalised(torch.from_numpy(pixels), encoder.mean, encoder.deviation), normalize=True
        )
    assert np.abs(features.values[:10] - expected.numpy()).max() < 1e-5

    encoder.save(tmp_path)
    loaded = load_image_encoder(tmp_path)
    assert loaded.fingerprint == encoder.fingerprint
    assert np.array_equal(loaded.encode(shown, workspace).values, features.values)


def test_a_model_of_the_hub_is_loaded_by_its_name(
    tiny_clip: ImageSettings, drawn: tuple[Workspace, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants
    from open_clip import factory

    cached = tmp_path / "hub" / "models--someone--fashion-clip"
    snapshot = cached / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("abc")
    config = {"model_cfg": factory._MODEL_CONFIGS["tiny-clip"], "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}
    (snapshot / "open_clip_config.json").write_text(json.dumps(config))
    assert tiny_clip.weights is not None
    shutil.copy(tiny_clip.weights, snapshot / "open_clip_model.safetensors")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    workspace, items = drawn
    shown = items[items["image"].notna()]
    encoder = fit_image_encoder(
        shown, by_attributes, workspace, ImageSettings(clip_model="hf-hub:someone/fashion-clip"), 0
    )
    assert isinstance(encoder, ClipEncoder)
    assert encoder.mean == (0.5, 0.5, 0.5)
    assert encoder.reader == "open_clip hf-hub:someone/fashion-clip"
    assert encoder.remark == "Pictures are read by open_clip's someone/fashion-clip, which is on this machine."
    encoder.save(tmp_path)
    again = load_image_encoder(tmp_path)
    assert np.array_equal(again.encode(shown, workspace).values, encoder.encode(shown, workspace).values)
    with pytest.raises(SettingsError, match="could not be downloaded"):
        fit_image_encoder(
            shown, by_attributes, workspace, ImageSettings(kind="open_clip", clip_model="hf-hub:no/such"), 0
        )


def test_open_clip_weights_that_changed_or_went_are_refused(tiny_clip: ImageSettings, tmp_path: Path) -> None:
    from engine.models.encoders.clip import fit_clip_encoder

    assert tiny_clip.weights is not None
    fit_clip_encoder(tiny_clip).save(tmp_path)
    state = load_file(tiny_clip.weights)
    state["visual.conv1.weight"] += 1
    save_file(state, tiny_clip.weights)
    with pytest.raises(ReleaseError, match="not the one"):
        load_image_encoder(tmp_path)
    tiny_clip.weights.unlink()
    with pytest.raises(ReleaseError, match="cannot be read"):
        load_image_encoder(tmp_path)


def test_open_clip_without_weights_or_with_an_unknown_name_says_what_to_set(tiny_clip: ImageSettings) -> None:
    from engine.models.encoders.clip import fit_clip_encoder

    with pytest.raises(SettingsError, match=r"image\.pretrained"):
        fit_clip_encoder(tiny_clip.model_copy(update={"weights": None}))
    with pytest.raises(SettingsError, match="knows no such model"):
        fit_clip_encoder(tiny_clip.model_copy(update={"clip_model": "no-such-clip"}))
    with pytest.raises(SettingsError, match="cannot be loaded"):
        fit_clip_encoder(tiny_clip.model_copy(update={"weights": None, "pretrained": "no_such_tag"}))
