"""The names by which files and folders may be called after a product: its id and its other ids, as file systems allow them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.ingest.pictures.names import fold, plain

__all__ = ["Owners", "ProductKeys"]


@dataclass(frozen=True)
class Owners:
    """The products that a name stands for, by position; more than one if it cannot be told.

    `exact` says that the name is an id as it is, apart from capitals and the form of its letters.
    """

    products: tuple[int, ...]
    exact: bool


class ProductKeys:
    """Looks products up by names of files and folders.

    Parameters
    ----------
    ids : the products' ids.
    aliases : id -> further names of the product (an article number, a handle, the ids of its variants); an id comes first.

    A name counts as it is; then without differences in capitals; then by its letters and digits alone, since `A/10` cannot
    be a file's name and `A_10` can; then without leading zeros.
    """

    def __init__(self, ids: Sequence[str], aliases: Mapping[str, Iterable[str]] | None = None) -> None:
        self.ids = ids
        self._written: dict[str, list[int]] = {}
        self._levels: list[defaultdict[str, list[int]]] = [defaultdict(list) for _ in range(3)]
        self._folders = [fold(item_id) for item_id in ids]
        self._known: dict[str, Owners | None] = {}
        for product, item_id in enumerate(ids):
            self._written[item_id] = [product]
            for level, key in zip(self._levels, _keys(item_id), strict=True):
                level[key].append(product)
        self._add(aliases or {})
        self.slashes = sorted({item_id.replace("\\", "/").count("/") for item_id in ids} - {0})

    def _add(self, aliases: Mapping[str, Iterable[str]]) -> None:
        product_of = {item_id: product for product, item_id in enumerate(self.ids)}
        further: list[defaultdict[str, list[int]]] = [defaultdict(list) for _ in range(3)]
        for item_id, names in aliases.items():
            if (product := product_of.get(item_id)) is None:
                continue
            for name in names:
                for level, added, key in zip(self._levels, further, _keys(name), strict=True):
                    if key not in level and product not in added[key]:
                        added[key].append(product)
        for level, added in zip(self._levels, further, strict=True):
            level.update(added)

    def owners(self, name: str) -> Owners | None:
        """The products that a file or folder of this name (without its ending) is called after."""
        if written := self._written.get(name):
            return Owners(tuple(written), exact=True)
        for place, (level, key) in enumerate(zip(self._levels, _keys(name), strict=True)):
            if key and (products := level.get(key)):
                return Owners(tuple(products), exact=place == 0)
        return None

    def folder(self, product: int) -> str:
        """The product's id, folded, as a folder would be called."""
        return self._folders[product]

    def is_folder_of(self, folders: Iterable[str], product: int) -> bool:
        """Whether one of the folders is called after the product."""
        return any(
            (owners := self._of_folder(folder)) is not None and owners.products == (product,) for folder in folders
        )

    def is_another(self, folder: str, product: int) -> bool:
        """Whether a folder is called after another product."""
        owners = self._of_folder(folder)
        return owners is not None and product not in owners.products

    def _of_folder(self, folder: str) -> Owners | None:
        if folder not in self._known:
            self._known[folder] = self.owners(folder)
        return self._known[folder]


def _keys(name: str) -> tuple[str, str, str]:
    folded = fold(name)
    letters = plain(folded)
    return folded, letters, letters.lstrip("0") or letters if letters.isdigit() else letters
