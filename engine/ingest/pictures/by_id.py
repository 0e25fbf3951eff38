"""The pictures that are called after a product: by its id with the usual suffixes, or in a folder of its name."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from engine.ingest.pictures.ids import Owners, ProductKeys
from engine.ingest.pictures.names import StoredName, decoded, fold, is_shard, stem
from engine.ingest.pictures.views import SEPARATOR, View, is_usual, read_view, words_of

__all__ = ["Called", "CalledPictures", "find_called"]

# How a name says whose the picture is; the first says it best.
ITSELF, SUFFIX, FOLDER, TEXT = range(4)
_BEFORE = re.compile(r"(?:product|produkt|item|article|artikel|art|sku|id)[\s_\-.]+(?=.)", re.IGNORECASE)
# Characters that no file's name can have, or that systems replace.
_FORBIDDEN = re.compile(r"[^\w\-.]")
# Numbers of more digits do not number the pictures of one product.
_SMALL_DIGITS = 2
# A folder of one product does not hold more pictures than this.
_MOST_IN_FOLDER = 60
_YEAR, _MONTH = re.compile(r"(?:19|20)\d\d"), re.compile(r"\d\d?")


@dataclass(frozen=True, order=True)
class Called:
    """A picture that is called after one product; the smallest of a product's pictures leads.

    Attributes
    ----------
    doubtful : whether its folder is called after another product than its file.
    how : by the file's name, with a usual suffix, by the folder, or by the id before some other text.
    outside : whether it stands in folders that say nothing of the product.
    """

    doubtful: bool
    how: int
    view: View
    outside: bool
    name: str
    position: int

    def as_good_as(self, other: Called) -> bool:
        """Whether nothing but the names' order tells the two apart."""
        return (self.doubtful, self.how, self.view, self.outside) == (
            other.doubtful,
            other.how,
            other.view,
            other.outside,
        )


@dataclass
class CalledPictures:
    """What names of files and folders say.

    Attributes
    ----------
    of_product : product -> its pictures, the leading one first.
    products : picture -> all products that it may be called after, where it is not one.
    product_of : picture -> the one product that it is called after.
    """

    of_product: dict[int, list[Called]] = field(default_factory=dict)
    products: dict[int, tuple[int, ...]] = field(default_factory=dict)
    product_of: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Claim:
    """Products that a name stands for, how, and the words that are left of it."""

    owners: Owners
    how: int
    words: list[str]
    outside: bool


def find_called(
    paths: Sequence[str], stored: Sequence[StoredName], keys: ProductKeys, n_common: int = 0
) -> CalledPictures:
    """Ask for every picture which product its file, or else its folder, is called after; `n_common` folders are around all."""
    by_file = [_by_file(path, name, keys, n_common) for path, name in zip(paths, stored, strict=True)]
    shared = _shared_folders(stored, by_file)
    found = CalledPictures()
    ones: defaultdict[int, list[Called]] = defaultdict(list)
    for position, (path, name, of_file) in enumerate(zip(paths, stored, by_file, strict=True)):
        of_folder = None if name.folders in shared else _by_folder(path, name, keys, n_common)
        claims = _claims(of_file, of_folder, name)
        products = tuple(dict.fromkeys(product for claim in claims for product in claim.owners.products))
        if len(products) > 1:
            found.products[position] = products
        elif products:
            found.product_of[position] = products[0]
        for claim in claims:
            if len(claim.owners.products) == 1:
                view = read_view(claim.words, [word for folder in name.folders for word in words_of(folder)])
                called = Called(len(claims) > 1, claim.how, view, claim.outside, path, position)
                ones[claim.owners.products[0]].append(called)
    found.of_product = {product: sorted(called) for product, called in ones.items()}
    return found


def _by_file(path: str, name: StoredName, keys: ProductKeys, n_common: int) -> _Claim | None:
    parts = decoded(path).split("/")
    for slashes in keys.slashes:
        # An id with a slash may have become a folder.
        if slashes < len(parts) and (owners := keys.owners("/".join((*parts[-slashes - 1 : -1], stem(parts[-1]))))):
            return _Claim(owners, ITSELF, [], len(parts) - 1 > slashes + n_common)
    if len(parts) > n_common + 1 and _numbers_a_picture(parts[:-1], name.stem, keys):
        return None
    written = unicodedata.normalize("NFC", stem(parts[-1]))
    written = written if fold(written) == name.stem else name.stem
    return _in_name(written, len(name.folders) > n_common, keys) or (
        _in_name(short, len(name.folders) > n_common, keys)
        if (short := _BEFORE.sub("", written, count=1)) != written
        else None
    )


def _numbers_a_picture(folders: Sequence[str], name: str, keys: ProductKeys) -> bool:
    """Whether a name is the number of a picture in a folder that is called after a product that is not there."""
    small = name.isdigit() and len(name) <= _SMALL_DIGITS
    folder = folders[-1]
    return small and any(map(str.isdigit, folder)) and not keys.owners(folder) and not is_shard(folders, name)


def _in_name(name: str, outside: bool, keys: ProductKeys) -> _Claim | None:
    """The longest beginning of a name that is a product's id, if what follows is usual or the id speaks for itself."""
    whole = keys.owners(name)
    if whole and not whole.exact and outside and name.isdigit() and len(name) <= _SMALL_DIGITS:
        # `2` in some folder is its second picture, hardly the one of product 0002.
        return None
    if whole and (whole.exact or any(_FORBIDDEN.search(keys.ids[product]) for product in whole.products)):
        return _Claim(whole, ITSELF, [], outside)
    shorter = next(_beginnings(name, outside, keys), None)
    if whole and shorter and shorter.how == SUFFIX and not name.isdigit():
        # `101_1` is the first picture of 101, or that of 101-1.
        both = tuple(dict.fromkeys((*whole.products, *shorter.owners.products)))
        return _Claim(Owners(both, exact=False), ITSELF, [], outside)
    return _Claim(whole, ITSELF, [], outside) if whole else shorter


def _beginnings(name: str, outside: bool, keys: ProductKeys) -> Iterator[_Claim]:
    for found in reversed(list(SEPARATOR.finditer(name))):
        if found.start() and (owners := keys.owners(name[: found.start()])):
            words = words_of(fold(name[found.end() :]))
            if is_usual(words):
                yield _Claim(owners, SUFFIX, words, outside)
            elif _speaks_for_itself(name[: found.start()]):
                yield _Claim(owners, TEXT, words, outside)
            return


def _speaks_for_itself(item_id: str) -> bool:
    """Whether a text is an article's number so surely that any words may follow it."""
    digits = sum(letter.isdigit() for letter in item_id)
    letters = sum(letter.isalpha() for letter in item_id)
    return digits >= 5 or (digits >= 1 and letters >= 1 and digits + letters >= 4)


def _by_folder(path: str, name: StoredName, keys: ProductKeys, n_common: int) -> _Claim | None:
    """The innermost folder, past folders like `large` or `images`, if it is called after a product."""
    folders = decoded(path).split("/")[:-1]
    for depth in range(len(folders) - 1, -1, -1):
        owners = keys.owners(folders[depth])
        if owners and not (folders[depth].isdigit() and not owners.exact):
            if is_shard(folders[: depth + 1], name.stem) or _is_date(folders[: depth + 1]):
                return None
            return _Claim(owners, FOLDER, words_of(name.stem), depth > n_common)
        words = words_of(fold(folders[depth]))
        if not is_usual(words) or any(len(word) == 1 or word.isdigit() for word in words):
            return None
    return None


def _is_date(folders: Sequence[str]) -> bool:
    """Whether the last folder is a year, or a month in one, as in `2024/01/hat.jpg`."""
    year, month = _YEAR.fullmatch(folders[-1]), _MONTH.fullmatch(folders[-1])
    return bool(year or (month and len(folders) > 1 and _YEAR.fullmatch(folders[-2])))


def _shared_folders(stored: Sequence[StoredName], by_file: Sequence[_Claim | None]) -> set[tuple[str, ...]]:
    """Folders that are not one product's: files of others are in it, or too many."""
    counts = Counter(name.folders for name in stored)
    named: defaultdict[tuple[str, ...], set[tuple[int, ...]]] = defaultdict(set)
    for name, claim in zip(stored, by_file, strict=True):
        if claim and not _is_small_number(name.stem):
            named[name.folders].add(claim.owners.products)
    return {folders for folders, count in counts.items() if count > _MOST_IN_FOLDER or len(named[folders]) > 1}


def _claims(of_file: _Claim | None, of_folder: _Claim | None, name: StoredName) -> list[_Claim]:
    """The claim that holds; both where a file may be called after a product or number a picture of its folder's."""
    if of_file is None or of_folder is None:
        return [claim for claim in (of_file, of_folder) if claim]
    if set(of_folder.owners.products) & set(of_file.owners.products):
        return [of_file if len(of_file.owners.products) == 1 else of_folder]
    if of_file.how == TEXT:
        return [of_folder]
    return [of_file, of_folder] if _is_small_number(name.stem) else [of_file]


def _is_small_number(name: str) -> bool:
    """Whether a file's name may number or describe a picture and mean no product: `12` or `front`."""
    return is_usual(words_of(name))
