"""A sheet of new products checked against the shop: the page previews these very rows, and the command saves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from engine.catalogue.product import Product
from engine.edits.collections.review import DraftContent, Existing, review_rows
from engine.edits.collections.rows import CollectionRow, problems_table, read_collection
from engine.edits.drafts.store import Draft, NewDraft
from engine.recommend.recommender import Recommender

__all__ = ["check_collection", "new_drafts", "problems_csv", "template_examples"]

EXAMPLES = 2


def check_collection(
    sheet: pd.DataFrame, pictures: Mapping[str, str], release: Recommender, drafts: Sequence[Draft]
) -> list[CollectionRow]:
    """The rows of a sheet: which are ready, need fixing, are worth checking, or are saved already.

    Parameters
    ----------
    sheet : from `read_sheet`.
    pictures : name -> content hash, of the pictures that came with it.
    release : its products and their pictures are compared with.
    drafts : every draft that was not discarded (`DraftStore.all(NOT_DISCARDED)`).

    Raises `SheetError` where no column describes a product.
    """
    rows = read_collection(sheet, pictures.keys(), release.attribute_kinds)
    shown = release.items.dropna(subset=["image"])
    existing = Existing(
        release.__contains__,
        dict(zip(shown["image"].astype(str), shown["item_id"].astype(str), strict=True)),
        {draft.id: DraftContent(draft.product, draft.pictures) for draft in drafts},
    )
    return review_rows(_without_examples(rows, template_examples(release)), pictures, existing)


def template_examples(release: Recommender) -> list[Product]:
    """Products of the shop, to show in the template what to write."""
    return [release.product(row) for row in range(min(EXAMPLES, len(release.items)))]


def new_drafts(rows: Sequence[CollectionRow], pictures: Mapping[str, str]) -> list[NewDraft]:
    """The rows that are ready, to save; `pictures` as for `check_collection`."""
    return [
        NewDraft(row.product, [pictures[name] for name in row.pictures], row.product_id) for row in rows if row.ready
    ]


def problems_csv(sheet: pd.DataFrame, rows: Sequence[CollectionRow]) -> bytes:
    """The rows that need fixing as a CSV file for a spreadsheet."""
    return problems_table(sheet, rows).to_csv(index=False).encode("utf-8-sig", "replace")


def _without_examples(rows: Sequence[CollectionRow], examples: Sequence[Product]) -> list[CollectionRow]:
    """The template's example rows, left in by mistake, get a problem: they are products of the shop."""
    texts = [(one.title, one.description) for one in examples]
    problem = "title", "this is the template's example. Delete the row."
    return [
        replace(row, problems=(*row.problems, problem))
        if not row.product_id and (row.product.title, row.product.description) in texts
        else row
        for row in rows
    ]
