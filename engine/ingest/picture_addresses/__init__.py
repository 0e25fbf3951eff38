"""Pictures that the products file names by web addresses: fetched from the command line, kept, and asked for again only if changed."""

from __future__ import annotations

from engine.ingest.picture_addresses.fetching import PictureFetch
from engine.ingest.picture_addresses.storing import addressed, store_fetched

__all__ = ["PictureFetch", "addressed", "store_fetched"]
