"""A folder or zip of pictures: which picture belongs to which product, decoded and stored."""

from __future__ import annotations

from engine.ingest.pictures.storing import STEP, move_pictures, store_pictures

__all__ = ["STEP", "move_pictures", "store_pictures"]
