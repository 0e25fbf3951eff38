"""Content encoders: what a product's text, picture and attributes say, as numbers. Importing this imports no torch."""

from __future__ import annotations

from engine.models.encoders.base import ContentEncoder, Encoder, Features, LeftOut, Modality
from engine.models.encoders.catalogue import (
    encode_catalogue,
    fit_encoders,
    fit_modalities,
    load_encoders,
    save_encoders,
)
from engine.models.encoders.content import content_vectors, content_widths
from engine.models.encoders.imputation import Imputer, fit_imputer, load_imputer
from engine.models.encoders.registry import MODALITIES

__all__ = [
    "MODALITIES",
    "ContentEncoder",
    "Encoder",
    "Features",
    "Imputer",
    "LeftOut",
    "Modality",
    "content_vectors",
    "content_widths",
    "encode_catalogue",
    "fit_encoders",
    "fit_imputer",
    "fit_modalities",
    "load_encoders",
    "load_imputer",
    "save_encoders",
]
