from __future__ import annotations

import pytest
from huggingface_hub import constants

from engine.core.settings import ImageSettings
from engine.models.encoders import image_choice
from engine.models.encoders.image_choice import choose_picture_reader


@pytest.fixture
def cached(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Repositories whose weights are on this machine; no hub answers and there is no GPU, unless a test says so."""
    repositories: set[str] = set()
    monkeypatch.setattr(image_choice, "_is_cached", repositories.__contains__)
    monkeypatch.setattr(image_choice, "_answers", lambda repository: False)
    monkeypatch.setattr(image_choice, "_has_gpu", lambda: False)
    return repositories


def test_without_weights_classifiers_read_pictures(cached):
    chosen, said = choose_picture_reader(ImageSettings(), 100)
    assert chosen.kind == "classifiers"
    assert said.startswith("Pictures are read by classifiers of the shop's own attributes")


def test_a_model_on_this_machine_reads_pictures(cached):
    cached.add(image_choice.DEFAULT_REPOSITORY)
    chosen, said = choose_picture_reader(ImageSettings(), 100)
    assert (chosen.kind, chosen.clip_model, chosen.pretrained) == ("open_clip", "ViT-B-32", "laion2b_s34b_b79k")
    assert said == "Pictures are read by open_clip's ViT-B-32, which is on this machine."


def test_a_fashion_model_of_the_hub_is_known_by_its_name(cached):
    cached.add("Marqo/marqo-fashionSigLIP")
    chosen, said = choose_picture_reader(ImageSettings(clip_model="hf-hub:Marqo/marqo-fashionSigLIP"), 100)
    assert (chosen.kind, chosen.pretrained) == ("open_clip", None)
    assert "Marqo/marqo-fashionSigLIP" in said


def test_the_demo_shop_is_read_the_same_everywhere(cached):
    cached.add(image_choice.DEFAULT_REPOSITORY)
    assert choose_picture_reader(ImageSettings(), 100, demo=True)[0].kind == "classifiers"


def test_many_pictures_need_a_gpu_for_open_clip(cached, monkeypatch):
    cached.add(image_choice.DEFAULT_REPOSITORY)
    chosen, said = choose_picture_reader(ImageSettings(), 18_000)
    assert chosen.kind == "classifiers"
    assert "without a GPU" in said
    monkeypatch.setattr(image_choice, "_has_gpu", lambda: True)
    assert choose_picture_reader(ImageSettings(), 18_000)[0].kind == "open_clip"


@pytest.mark.parametrize(
    ("allowed", "answers", "kind"),
    [(True, True, "open_clip"), (True, False, "classifiers"), (False, True, "classifiers")],
)
def test_weights_are_downloaded_only_where_that_is_allowed_and_possible(cached, monkeypatch, allowed, answers, kind):
    monkeypatch.setattr(image_choice, "_answers", lambda repository: answers)
    assert choose_picture_reader(ImageSettings(download=allowed), 100)[0].kind == kind


def test_an_offline_machine_asks_nobody(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.model_info", lambda *args, **kwargs: pytest.fail("asked"))
    assert not image_choice._answers(image_choice.DEFAULT_REPOSITORY)


def test_weights_in_the_cache_of_the_hub_are_found(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert not image_choice._is_cached("someone/clip")
    folder = tmp_path / "models--someone--clip"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc")
    (folder / "snapshots" / "abc").mkdir(parents=True)
    (folder / "snapshots" / "abc" / "open_clip_model.safetensors").write_bytes(b"weights")
    assert image_choice._is_cached("someone/clip")


@pytest.mark.parametrize("settings", [ImageSettings(pretrained="timm"), ImageSettings(clip_model="ViT-L-14")])
def test_what_is_set_for_something_else_leaves_classifiers(cached, settings):
    cached.add(image_choice.DEFAULT_REPOSITORY)
    assert choose_picture_reader(settings, 100)[0].kind == "classifiers"


@pytest.mark.parametrize("kind", ["classifiers", "open_clip", "none"])
def test_a_kind_that_is_set_stays(cached, kind):
    assert choose_picture_reader(ImageSettings(kind=kind), 100)[0].kind == kind
