from __future__ import annotations

import io
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.catalogue.images import store_image
from engine.catalogue.interactions import read_interactions
from engine.catalogue.product import Product, catalogue_frame
from engine.catalogue.snapshot import read_shop
from engine.core.errors import ImageError, InputError, NotFoundError, ReleaseError
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.models.encoders import content_vectors, encode_catalogue, fit_imputer
from engine.recommend import unseen
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import nearest, neighbours_of_unseen, read_products, vectors_of_unseen
from engine.release.contents import write_contents
from engine.release.publish import write_release
from tests.support.tiny_release import TinyRelease, build_tiny_release, build_tiny_shop, tiny_contents


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> TinyRelease:
    """A release whose text and attribute encoders and whose predictor are real."""
    settings = Settings.model_validate({"image": {"kind": "none"}})
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("unseen") / "workspace"), settings=settings)


@pytest.fixture(scope="module")
def served(shop: TinyRelease) -> Recommender:
    return Recommender.open(shop.workspace)


@pytest.mark.parametrize("arm", ["hybrid", "predicted", "content"])
def test_a_product_without_clicks_given_again_gets_the_list_it_has(
    shop: TinyRelease, served: Recommender, arm: str
) -> None:
    for item_id in [item_id for item_id, clicks in shop.counts.items() if clicks == 0]:
        again = neighbours_of_unseen(served, shop.workspace, served.product(item_id), 11, arm)
        others = [n.item_id for n in again if n.item_id != item_id][:10]
        expected = [n.item_id for n in served.neighbours(item_id, arm, 10)]
        assert len(set(others) & set(expected)) / 10 >= 0.95
        if arm == "content":  # the others weigh candidates by what is known of them, and this product has no clicks
            assert again[0].item_id == item_id, "the product itself is the most similar"
        assert [n.rank for n in again] == list(range(1, 12))


def test_one_fact_alone_leads_to_the_family_it_belongs_to(shop: TinyRelease, served: Recommender) -> None:
    for product in (Product(attributes={"colour": "navy"}), Product(title="Striped maxi dress in navy")):
        found = neighbours_of_unseen(served, shop.workspace, product, 5, "content")
        assert {shop.families[n.item_id] for n in found} == {1}


def test_what_a_new_product_lacks_is_expected_as_for_the_catalogue(workspace: Workspace) -> None:
    build_tiny_shop(workspace, 72)
    catalogue, settings = read_shop(workspace), Settings.model_validate({"image": {"kind": "none"}})
    interactions = read_interactions(workspace, list(catalogue.items["item_id"]), settings.interactions)
    contents = tiny_contents(catalogue, workspace, interactions, settings)
    imputer = fit_imputer(encode_catalogue(contents.encoders, catalogue.items, workspace))
    completed = replace(contents, imputer=imputer)
    write_release(workspace, "r0001", lambda directory: write_contents(completed, workspace, directory))
    untitled = Product(attributes={"colour": "navy", "length_cm": 95.0})
    frame = catalogue_frame([untitled], catalogue.attribute_kinds, workspace)
    encoded = {name: encoder.encode(frame, workspace) for name, encoder in contents.encoders.items()}
    read = read_products(Recommender.open(workspace, "r0001"), workspace, [untitled])
    assert np.allclose(read.content, content_vectors(imputer.complete(encoded)), atol=1e-5)
    assert not np.allclose(read.content, content_vectors(encoded), atol=0.1)


def test_attributes_may_come_as_text(shop: TinyRelease, served: Recommender) -> None:
    typed = Product(price=42.5, attributes={"length_cm": 95.0, "occasions": ("party",), "colour": "navy"})
    as_text = Product(price=42.5, attributes={"length_cm": "95", "occasions": "party", "colour": " navy "})
    assert neighbours_of_unseen(served, shop.workspace, as_text) == neighbours_of_unseen(served, shop.workspace, typed)


def test_behaviour_has_no_list_for_what_nobody_has_seen(shop: TinyRelease, served: Recommender) -> None:
    assert neighbours_of_unseen(served, shop.workspace, Product(title="Navy dress"), 5, "als") == []


def test_a_product_that_the_release_reads_nothing_of_has_no_list(shop: TinyRelease, served: Recommender) -> None:
    # This release was trained without pictures.
    image = store_image(shop.workspace, _png(), name="new.png")
    assert neighbours_of_unseen(served, shop.workspace, Product(image=image)) == []


@pytest.mark.parametrize(
    ("product", "message"),
    [
        (Product(), "Nothing is said"),
        (Product(attributes={"size": "M"}), "'size'.*care, colour, length_cm, occasions"),
        (Product(attributes={"length_cm": "long"}), "'length_cm'.*not a number"),
    ],
)
def test_what_the_release_cannot_read_is_named(
    shop: TinyRelease, served: Recommender, product: Product, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        neighbours_of_unseen(served, shop.workspace, product)


def test_a_picture_that_is_not_stored_is_refused(shop: TinyRelease, served: Recommender) -> None:
    with pytest.raises(ImageError, match="Upload"):
        neighbours_of_unseen(served, shop.workspace, Product(title="Dress", image="0" * 64))


def test_an_unknown_arm_is_refused_before_any_network_is_loaded(shop: TinyRelease, served: Recommender) -> None:
    with pytest.raises(NotFoundError, match="'fused'"):
        neighbours_of_unseen(served, shop.workspace, Product(title="Dress"), arm="fused")


def test_networks_are_loaded_once_for_each_release(
    shop: TinyRelease, served: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    neighbours_of_unseen(served, shop.workspace, Product(title="Dress"))

    def refuse(directory: Path) -> None:
        raise AssertionError("loaded again")

    monkeypatch.setattr("engine.models.predictor.load_predictor", refuse)
    assert len(neighbours_of_unseen(served, shop.workspace, Product(title="Dress"))) == 10
    assert len(unseen._models) <= 2


def test_a_release_without_its_networks_says_so(shop: TinyRelease, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    shutil.copytree(shop.workspace.releases, workspace.releases)
    recommender = Recommender.open(workspace)
    shutil.rmtree(recommender.directory / "predictor")
    with pytest.raises(ReleaseError, match="predictor"):
        neighbours_of_unseen(recommender, workspace, Product(title="Dress"))


def test_texts_of_any_kind_are_read(shop: TinyRelease, served: Recommender) -> None:
    for title in ("\x00\x07", "\ud800 dress", "ドレス", "<b>x</b>" * 2000, "-" * 10_000):
        assert len(neighbours_of_unseen(served, shop.workspace, Product(title=title), 3)) == 3


def test_products_read_together_get_the_lists_they_get_alone(shop: TinyRelease, served: Recommender) -> None:
    products = [served.product("f1-02"), Product(title="Lace wedding dress"), Product(attributes={"colour": "gold"})]
    together = vectors_of_unseen(served, shop.workspace, products)
    for position, product in enumerate(products):
        alone = neighbours_of_unseen(served, shop.workspace, product, 5)
        assert [n.item_id for n in nearest(served, together, 5, position=position)] == [n.item_id for n in alone]


def _png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()
