"""Content encoders: what a product's text, picture and attributes say, as numbers. Importing this imports no torch."""

from __future__ import annotations

from engine.models.encoders.base import MODALITIES, ContentEncoder, Encoder, Features, content_vectors
from engine.models.encoders.catalogue import encode_catalogue, fit_encoders, load_encoders, save_encoders

__all__ = [
    "MODALITIES",
    "ContentEncoder",
    "Encoder",
    "Features",
    "content_vectors",
    "encode_catalogue",
    "fit_encoders",
    "load_encoders",
    "save_encoders",
]
