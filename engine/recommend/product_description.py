"""Products as JSON objects, for those who still pass them so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from engine.catalogue.product import Product, catalogue_frame, with_products
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender

__all__ = ["described", "described_frame", "readable", "set_rows"]


def described(recommender: Recommender, row: int, workspace: Workspace | None = None) -> dict[str, Any]:
    """A product of a release, with `workspace` without a picture that is gone."""
    product = recommender.product(row)
    if workspace is not None:
        product = product.readable_by(recommender.attribute_kinds, workspace)
    return {"attributes": {}, **product.to_json()}


def readable(item: Mapping[str, Any], recommender: Recommender, workspace: Workspace) -> dict[str, Any]:
    """`Product.readable_by` of a product as JSON."""
    return Product.from_json(item).readable_by(recommender.attribute_kinds, workspace).to_json()


def set_rows(
    items: pd.DataFrame, described: Mapping[int, Mapping[str, Any]], kinds: Mapping[str, str], workspace: Workspace
) -> pd.DataFrame:
    """`with_products` of products as JSON."""
    products = {row: Product.from_json(item) for row, item in described.items()}
    return with_products(items, products, kinds, workspace)


def described_frame(item: Mapping[str, Any], kinds: Mapping[str, str], workspace: Workspace) -> pd.DataFrame:
    """`catalogue_frame` of a product as JSON."""
    return catalogue_frame([Product.from_json(item)], kinds, workspace)
