"""Which picture belongs to which product: what the products file names comes first, then what is called after a product.

Nothing is guessed: a name that fits several pictures, and a picture that fits several products, are refused and say so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.ingest.pictures.by_id import Called, CalledPictures, find_called
from engine.ingest.pictures.by_name import SHOWN, Ambiguous, Named, find_named
from engine.ingest.pictures.ids import ProductKeys
from engine.ingest.pictures.names import StoredName, stored_name

__all__ = ["Matching", "match_pictures"]

_PLACEHOLDER_SHARE = 1 / 3
_PLACEHOLDER_PRODUCTS = 4


@dataclass(frozen=True)
class Matching:
    """What was found for n products.

    Attributes
    ----------
    paths : (n,) the picture of every product, or None.
    refused : product -> what its name fits, where that is not one picture, or its picture not one product.
    notes : what was decided by itself.
    """

    paths: list[str | None]
    refused: dict[int, Ambiguous] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def match_pictures(
    paths: Sequence[str],
    item_ids: Sequence[str],
    cells: Sequence[str | None],
    aliases: Mapping[str, Iterable[str]] | None = None,
) -> Matching:
    """Match products and pictures in time that grows with their number.

    Parameters
    ----------
    paths : the pictures, with slashes between folders.
    item_ids : (n,) the products.
    cells : (n,) what the products file says of their pictures: a path, name or address, several, or None.
    aliases : id -> further names of the product, such as its article number.
    """
    keys = ProductKeys(item_ids, aliases)
    stored = [stored_name(path) for path in paths]
    n_common = _common_folders(stored, keys)
    named = find_named(paths, stored, cells, keys, n_common)
    called = find_called(paths, stored, keys, n_common)
    taken: dict[int, set[int]] = {}
    for product, one in enumerate(named):
        if isinstance(one, Named):
            taken.setdefault(one.position, set()).add(product)
    matching = Matching([None] * len(item_ids))
    unnamed_by_id, named_by_id = _asks_ids(named, called, matching.notes)
    fits = _products_of_several(called)
    for product, one in enumerate(named):
        found: Named | Called | Ambiguous | None = one
        if not isinstance(one, Named) and (named_by_id if cells[product] else unnamed_by_id):
            found = _called(product, called, fits, taken, paths, keys) or one
        if isinstance(found, Ambiguous):
            matching.refused[product] = found
        elif found is not None:
            matching.paths[product] = paths[found.position]
    matching.notes.extend(_placeholders(matching.paths, cells))
    return matching


def _called(
    product: int,
    called: CalledPictures,
    fits: Mapping[int, int],
    taken: Mapping[int, set[int]],
    paths: Sequence[str],
    keys: ProductKeys,
) -> Called | Ambiguous | None:
    """The leading picture that is called after a product and that no other product names."""
    ones = [one for one in called.of_product.get(product, ()) if not taken.get(one.position, set()) - {product}]
    if not ones:
        return _fitting_several(fits[product], called, paths, keys) if product in fits else None
    if ones[0].doubtful and not _others_have_better(product, ones[0].position, called):
        return _fitting_several(ones[0].position, called, paths, keys)
    alike = [one for one in ones if one.as_good_as(ones[0])]
    if len({paths[one.position].rpartition("/")[0] for one in alike}) > 1:
        return Ambiguous(keys.ids[product], tuple(paths[one.position] for one in alike[:SHOWN]), len(alike))
    return ones[0]


def _others_have_better(product: int, position: int, called: CalledPictures) -> bool:
    """Whether every other product that a picture fits has one that is surely its own."""
    others = (other for other in called.products[position] if other != product)
    return all((ones := called.of_product.get(other)) and not ones[0].doubtful for other in others)


def _fitting_several(position: int, called: CalledPictures, paths: Sequence[str], keys: ProductKeys) -> Ambiguous:
    products = called.products[position]
    return Ambiguous(paths[position], tuple(keys.ids[each] for each in products[:SHOWN]), len(products), products=True)


def _products_of_several(called: CalledPictures) -> dict[int, int]:
    """Product -> the first picture that fits it and others."""
    fits: dict[int, int] = {}
    for position, products in called.products.items():
        for product in products:
            fits.setdefault(product, position)
    return fits


def _asks_ids(named: Sequence[object], called: CalledPictures, notes: list[str]) -> tuple[bool, bool]:
    """Whether products without a name for their picture, and those whose name was not found, get one by id.

    Not where the products file names pictures that are called after other products; and where names were found, the
    others count only if these agree with ids.
    """
    found = [(product, one.position) for product, one in enumerate(named) if isinstance(one, Named)]
    owners = [called.product_of.get(position, product) == product for product, position in found]
    agree = sum(called.product_of.get(position) == product for product, position in found)
    if 2 * sum(owners) < len(owners):
        notes.append(
            f"{len(owners) - sum(owners):,} pictures that the products file names are called after ids of other products;"
            " so only the pictures that it names were used"
        )
        return False, False
    n_ambiguous = sum(isinstance(one, Ambiguous) for one in named)
    return True, 2 * agree >= len(found) + n_ambiguous


def _placeholders(chosen: Sequence[str | None], cells: Sequence[str | None]) -> list[str]:
    """A note for every picture that so many products share that it hardly shows them."""
    counts = Counter(path for path, cell in zip(chosen, cells, strict=True) if path is not None and cell)
    least = max(_PLACEHOLDER_PRODUCTS, _PLACEHOLDER_SHARE * len(chosen))
    return [
        f"{path} is the picture of {count:,} of {len(chosen):,} products: a placeholder makes them all look alike. If it"
        " is one, take it out of the products file"
        for path, count in counts.most_common(3)
        if count > least
    ]


def _common_folders(stored: Sequence[StoredName], keys: ProductKeys) -> int:
    """The number of outermost folders that are around all pictures and not called after a product."""
    n_common = 0
    while stored and len(stored[0].folders) > n_common and not keys.owners(stored[0].folders[n_common]):
        n_common += 1
        if len({name.folders[:n_common] for name in stored}) > 1:
            return n_common - 1
    return n_common
