"""Advice on a new product: what it duplicates, what its parts do, what is missing; read once, its variants in one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from engine.catalogue.product import Product
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.edits.drafts.advice import Advice, advise
from engine.models.encoders import ContentEncoder
from engine.models.encoders.recent import RecentContents
from engine.recommend import unseen
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import nearest, vectors_of_unseen
from tests.support.tiny_release import TinyRelease, build_tiny_release


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> TinyRelease:
    """A release that reads pictures, texts and attributes."""
    settings = Settings.model_validate({"image": {"kind": "classifiers"}})
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("advice") / "shop"), settings=settings)


@pytest.fixture(scope="module")
def facade(built: TinyRelease) -> Recommender:
    return Recommender.open(built.workspace)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many products each reading so far had."""
    counts: list[int] = []
    read = unseen.read_products

    def counting(recommender: Recommender, workspace: Workspace, products: Sequence[Product]):
        counts.append(len(products))
        return read(recommender, workspace, products)

    monkeypatch.setattr(unseen, "read_products", counting)
    return counts


def advice_on(facade: Recommender, built: TinyRelease, product: Product) -> Advice:
    return advise(facade, built.workspace, product, vectors_of_unseen(facade, built.workspace, [product]))


class Counting:
    """An encoder that remembers what it encodes."""

    def __init__(self, encoder: ContentEncoder) -> None:
        self._encoder = encoder
        self.encoded: list[str] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._encoder, name)

    def encode_contents(
        self, contents: Sequence[str], workspace: Workspace, progress: Callable[[int], None]
    ) -> np.ndarray:
        self.encoded += contents
        return self._encoder.encode_contents(contents, workspace, progress)


def test_an_edit_reads_the_product_once_and_its_variants_in_one_batch(facade, built, reads):
    """It used to be five readings of 14 products: for neighbours, duplicates, inbound lists, parts and missing fields."""
    product = replace(facade.product("f1-02"), brand=None, category=None)
    vectors = vectors_of_unseen(facade, built.workspace, [product])
    assert len(nearest(facade, vectors)) == 10
    advise(facade, built.workspace, product, vectors)
    assert len(reads) == 2
    assert reads[0] == 1


def test_an_edit_encodes_each_content_once_and_the_next_one_only_what_is_new(facade, built, monkeypatch):
    counting = {}
    for modality in ("text", "image"):
        recent = RecentContents(unseen._load(facade.files).encoders[modality]._encoder)
        counting[modality] = recent._encoder = Counting(recent._encoder)
        monkeypatch.setitem(unseen._load(facade.files).encoders, modality, recent)
    product = replace(facade.product("f3-04"), description=None)
    advice_on(facade, built, product)
    pictures, texts = list(counting["image"].encoded), list(counting["text"].encoded)
    assert pictures == [product.image]
    assert len(texts) == len(set(texts)) >= 2  # with the title, without it, without the facts
    advice_on(facade, built, replace(product, title="Another title"))
    assert counting["image"].encoded == pictures
    assert len(counting["text"].encoded) == len(set(counting["text"].encoded))
    read = list(counting["text"].encoded)
    advice_on(facade, built, product)
    assert counting["text"].encoded == read


def test_a_product_with_the_same_picture_or_nearly_the_same_text_may_be_a_duplicate(facade, built):
    twin = facade.product("f1-02")
    by_picture = advice_on(facade, built, Product(title="Something else entirely", image=twin.image))
    assert ("f1-02", "has the same picture") in [(one.item_id, one.why) for one in by_picture.duplicates]
    by_text = advice_on(facade, built, replace(twin, image=None))
    assert ("f1-02", "has nearly the same text") in [(one.item_id, one.why) for one in by_text.duplicates]
    assert advice_on(facade, built, Product(title="Something else entirely")).duplicates == []


def test_a_part_drives_the_results_as_far_as_the_list_changes_without_it(facade, built):
    mixed = Product(title=facade.product("f1-02").title, attributes=facade.product("f3-02").attributes)
    parts = advice_on(facade, built, mixed).parts
    assert {one.name for one in parts} == {"text", "facts"}
    assert parts[0].share > 0
    assert [one.share for one in parts] == sorted((one.share for one in parts), reverse=True)
    assert advice_on(facade, built, Product(attributes=facade.product("f3-02").attributes)).parts == []


def test_a_missing_field_is_named_where_filling_it_in_changes_the_list(facade, built):
    missing = advice_on(facade, built, Product(brand="House 1")).missing  # the brand of two families
    assert missing
    assert all(one.share > 0 and one.name != "brand" for one in missing)
    assert advice_on(facade, built, facade.product("f1-02")).missing == []
