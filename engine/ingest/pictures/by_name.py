"""The pictures that the products file names: the longest matching path wins, and what fits several is refused."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from engine.ingest.pictures.ids import ProductKeys
from engine.ingest.pictures.names import GivenName, StoredName, is_shard, names_in
from engine.ingest.pictures.views import is_small_copy, is_usual, words_of

__all__ = ["SHOWN", "Ambiguous", "Named", "find_named"]

SHOWN = 5
"""Pictures or products that a refusal lists."""
# Of pictures that fit equally well: more than this many are never told apart by anything but their whole path.
_FEW = 20


@dataclass(frozen=True)
class Named:
    """The picture that a product claims.

    Attributes
    ----------
    position : the picture's among the paths.
    claim : the parts of the name by which the product claims it.
    instead_of : the folder that was written, where another, and a name that says nothing, must do; else "".
    covers : 2 if the name has the picture's whole path, 1 if it lacks only folders that are around all pictures, else 0.
    """

    position: int
    claim: tuple[str, ...]
    covers: int
    instead_of: str = ""


@dataclass(frozen=True)
class Ambiguous:
    """Why no picture was chosen: what a name fits, the first `SHOWN` of `count`; they are pictures or products."""

    what: str
    fits: tuple[str, ...]
    count: int
    products: bool = False


def find_named(
    paths: Sequence[str],
    stored: Sequence[StoredName],
    cells: Iterable[str | None],
    keys: ProductKeys,
    n_common: int = 0,
) -> list[Named | Ambiguous | None]:
    """For every product the picture that its cell names, why that cannot be told, or None where there is none.

    The first `n_common` folders are around all pictures. A picture that products claim by names that contradict one
    another is given only to those that name its whole path.
    """
    index = _PathIndex(paths, stored, n_common)
    found = [_find(index, cell, product, keys) if cell else None for product, cell in enumerate(cells)]
    _refuse_contested(found, paths, keys)
    if len({one.instead_of for one in found if isinstance(one, Named)} - {""}) > 1:
        # `red/1.jpg` and `blue/2.jpg`, where there are a `1.jpg` and a `2.jpg`: these may be of any colour.
        found = [None if isinstance(one, Named) and one.instead_of else one for one in found]
    return found


def _find(index: _PathIndex, cell: str, product: int, keys: ProductKeys) -> Named | Ambiguous | None:
    refused = None
    for name in names_in(cell):
        found = index.find(name, product, keys)
        if isinstance(found, Named):
            return found
        refused = refused or found
    return refused


class _PathIndex:
    """Paths sorted from their end, so that all that share an end stand together."""

    def __init__(self, paths: Sequence[str], stored: Sequence[StoredName], n_common: int) -> None:
        self._paths, self._stored, self._n_common = paths, stored, n_common
        self._common = stored[0].folders[:n_common] if stored else ()
        self._ends = [_sorted_ends(stored, part) for part in _PARTS]

    def find(self, name: GivenName, product: int, keys: ProductKeys) -> Named | Ambiguous | None:
        """The picture with the longest common end: by the same name before another ending or size."""
        for n_folders in range(len(name.folders), max(name.least - 2, -1), -1):
            folders = name.folders[len(name.folders) - n_folders :]
            for (ends, positions), part in zip(self._ends, _PARTS, strict=True):
                fits = _Fits(ends, positions, _end(folders, part(name)))
                if part is _base_of:
                    fits.first = [fit for fit in fits.first if _same_size(self._stored[fit], name)]
                if not fits.first:
                    continue
                if fits.count > _FEW:
                    # Those that would be chosen may not be among the first.
                    for further in (self._common, (keys.folder(product),)):
                        fits.first += _Fits(ends, positions, _end((*further, *folders), part(name))).first
                found = self._chosen(fits, n_folders, name, product, keys)
                if isinstance(found, int):
                    named = part is not _base_of
                    claim = (*name.folders, self._stored[found].stem if named else self._stored[found].base)
                    covers = self._covers(found, n_folders) if named else 0
                    return Named(found, claim, covers, _instead_of(name) if n_folders == 0 else "")
                return found
        return None

    def _chosen(
        self, fits: _Fits, n_folders: int, name: GivenName, product: int, keys: ProductKeys
    ) -> int | Ambiguous | None:
        """One of the pictures that fit equally well, if its whole path, or a folder named for the product, tells it apart."""
        covers = max(self._covers(fit, n_folders) for fit in fits.first)
        chosen = [fit for fit in fits.first if self._covers(fit, n_folders) == covers]
        if not covers and fits.count > 1:
            if n_folders == len(name.folders):
                chosen = [fit for fit in chosen if keys.is_folder_of(self._stored[fit].folders, product)] or chosen
            chosen = [fit for fit in chosen if not is_small_copy(self._stored[fit].folders)] or chosen
            if any(self._stored[fit].folders != self._stored[chosen[0]].folders for fit in chosen[1:]):
                shown = tuple(sorted(self._paths[fit] for fit in fits.first)[:SHOWN])
                return Ambiguous(name.text, shown, fits.count)
        best = max(chosen, key=lambda fit: (self._stored[fit].name == name.name, *_largest(self._stored[fit]), -fit))
        return None if not covers and self._belongs_elsewhere(best, n_folders, name, product, keys) else best

    def _covers(self, fit: int, n_folders: int) -> int:
        """How much of a picture's path its name and the last `n_folders` are, as in `Named.covers`."""
        rest = len(self._stored[fit].folders) - n_folders
        return 2 if rest <= 0 else 1 if rest <= self._n_common else 0

    def _belongs_elsewhere(self, fit: int, n_folders: int, name: GivenName, product: int, keys: ProductKeys) -> bool:
        """Whether the picture's folder says that it is another's: not the folder that was written, or another product's."""
        folders = self._stored[fit].folders
        if keys.is_folder_of(folders, product):
            return False
        generic, folder = _is_generic(name.base), folders[-n_folders - 1]
        another = keys.is_another(folder, product) and not name.base.startswith(folder)
        if n_folders < len(name.folders):
            return another or (generic and n_folders == 0)
        return another and generic


class _Fits:
    """The `first` few pictures whose paths have an end, and the `count` of all."""

    def __init__(self, ends: list[str], positions: list[int], end: str) -> None:
        first = last = bisect_left(ends, end)
        if first < len(ends) and ends[first].startswith(end):
            last = bisect_left(ends, end[:-1] + "\1", first)
        self.first = positions[first : min(last, first + _FEW)]
        self.count = last - first


def _refuse_contested(found: list[Named | Ambiguous | None], paths: Sequence[str], keys: ProductKeys) -> None:
    """Take back pictures that products name by paths of which none is the end of another."""
    claims: defaultdict[int, list[int]] = defaultdict(list)
    for product, one in enumerate(found):
        if isinstance(one, Named):
            claims[one.position].append(product)
    for position, products in claims.items():
        named = {product: one for product in products if isinstance(one := found[product], Named)}
        longest = max((one.claim for one in named.values()), key=len)
        # `main.jpg` of one folder, though several products name a `main.jpg` and none says where, is hardly that of all.
        common = len(named) > 1 and len(longest) == 1 and _is_generic(longest[0])
        same = all(one.claim == longest[len(longest) - len(one.claim) :] for one in named.values())
        if same and not (common and not max(one.covers for one in named.values())):
            continue
        covers = max(one.covers for one in named.values())
        sure = {one.claim for one in named.values() if one.covers == covers > 0}
        for product, one in named.items():
            if len(sure) != 1 or one.claim not in sure:
                shown = tuple(keys.ids[each] for each in products[:SHOWN])
                found[product] = Ambiguous(paths[position], shown, len(products), products=True)


def _instead_of(name: GivenName) -> str:
    """The innermost folder of a name that needs its folder, because it says nothing of the product by itself."""
    needed = name.folders and _is_generic(name.base) and not is_shard(name.folders, name.base)
    return name.folders[-1] if needed else ""


def _is_generic(base: str) -> bool:
    """Whether a name says nothing of the product, like `main` or `01`: it must stand in the folder that was written."""
    words = words_of(base)
    return is_usual(words) and not any(word.isdigit() and len(word) > 2 for word in words)


def _same_size(stored: StoredName, name: GivenName) -> bool:
    """Whether two names may be of one picture: `rug-120x80` is not `rug-140x80`."""
    return not (_dimensions(stored) and _dimensions(name))


def _dimensions(name: StoredName) -> list[int]:
    """The numbers of pixels in the part of the name that says its size."""
    return [int(number) for number in re.findall(r"(?<![e\d])\d{2,4}(?!\d)", name.stem[len(name.base) :])]


def _largest(name: StoredName) -> tuple[bool, int]:
    """Sorts names without a size first and others by their size."""
    return name.stem == name.base, max(_dimensions(name), default=0)


def _name_of(name: StoredName) -> str:
    return name.name


def _stem_of(name: StoredName) -> str:
    return name.stem


def _base_of(name: StoredName) -> str:
    return name.base


def _sorted_ends(stored: Sequence[StoredName], part: Callable[[StoredName], str]) -> tuple[list[str], list[int]]:
    ends = sorted((_end(name.folders, part(name)), position) for position, name in enumerate(stored))
    return [end for end, _ in ends], [position for _, position in ends]


def _end(folders: Sequence[str], name: str) -> str:
    """The path from its end; every part closes with a NUL, so that whole parts are compared."""
    return "\0".join((name, *reversed(folders), ""))


_PARTS = (_name_of, _stem_of, _base_of)
