"""Every modality of content. To add one, write its encoder's module and list it here; nothing else names modalities."""

from __future__ import annotations

from engine.models.encoders import attributes, image, text
from engine.models.encoders.base import Modality

__all__ = ["MODALITIES"]

MODALITIES: dict[str, Modality] = {
    modality.name: modality for modality in (text.MODALITY, image.MODALITY, attributes.MODALITY)
}
"""By name, in the order in which vectors are concatenated. Importing it imports no torch."""
