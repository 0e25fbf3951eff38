"""What reads a shop's texts and pictures, said before anything is trained; imports no torch, and asks no hub."""

from __future__ import annotations

from engine.catalogue.snapshot import Shop
from engine.core.settings import Settings
from engine.models.encoders.base import images_of
from engine.models.encoders.image_choice import choose_picture_reader
from engine.models.encoders.text import choose_text_model, telling_texts, text_fields

__all__ = ["say_readers"]


def say_readers(shop: Shop, settings: Settings) -> list[str]:
    """A sentence for texts and one for pictures, as the next training will choose; none for what no product has."""
    said = []
    texts = telling_texts(shop.items, text_fields(shop.attribute_kinds))
    if texts:
        said.append(choose_text_model(settings.text, texts)[1])
    distinct = shop.items.drop_duplicates("image") if "image" in shop.items.columns else shop.items
    pictures = {image for image in images_of(distinct) if image is not None}
    if pictures:
        offline = settings.image.model_copy(update={"download": False})
        chosen, sentence = choose_picture_reader(offline, len(pictures), demo=shop.demo)
        said.append(sentence)
        if settings.image.download and settings.image.kind == "auto" and chosen.kind == "classifiers" and not shop.demo:
            said.append("A training will try to download one.")
    return said
