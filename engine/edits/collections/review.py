"""The rows of a collection compared with products, drafts and one another: saved already, id taken, worth checking."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.catalogue.product import Product
from engine.edits.collections.rows import CollectionRow, Remark

__all__ = ["DraftContent", "Existing", "review_rows"]

# Share of words that two titles have in common which makes them nearly the same, as for one product (drafts/advice.py).
ALIKE = 0.9


@dataclass(frozen=True)
class _Others:
    """Other rows: the position of the first, and how many."""

    first: int
    count: int

    def named(self, rows: Sequence[CollectionRow]) -> str:
        more = f" and {self.count - 1:,} more" if self.count > 1 else ""
        return f"row {rows[self.first].number}{more}"


@dataclass(frozen=True)
class DraftContent:
    """A draft's product and the content hashes of its pictures."""

    product: Product
    pictures: Sequence[str]


@dataclass(frozen=True)
class Existing:
    """What rows are compared with.

    Parameters
    ----------
    is_product : whether the catalogue has a product of this id.
    product_pictures : content hash -> id of the product it shows.
    drafts : every draft that was not discarded, by id.
    """

    is_product: Callable[[str], bool]
    product_pictures: Mapping[str, str] = field(default_factory=dict)
    drafts: Mapping[str, DraftContent] = field(default_factory=dict)


def review_rows(rows: Sequence[CollectionRow], pictures: Mapping[str, str], existing: Existing) -> list[CollectionRow]:
    """The rows with what comparing them with products, drafts and one another adds to their problems and doubts.

    A row with the content of a draft is that draft, saved already: by its id, or where it has none by its content. An
    id that anything else has is a problem. Doubts, which keep no row from being saved: a picture of a product, a draft or
    another row, and a title that is nearly another row's. Linear in the rows but for titles of nine words and more.

    Parameters
    ----------
    pictures : name -> content hash, of the pictures that the rows name.
    """
    images = [[pictures[name] for name in row.pictures] for row in rows]
    saved = _saved(rows, images, existing)
    titles = _alike([row.product.title or "" for row in rows])
    shown = _ShownPictures(rows, images, existing)
    reviewed = []
    for position, row in enumerate(rows):
        if saved[position] is not None:
            reviewed.append(replace(row, saved=saved[position], problems=(), doubts=()))
            continue
        problems, doubts = [*row.problems, *_taken(row, existing)], list(row.doubts)
        for name, image in zip(row.pictures, images[position], strict=True):
            doubts += shown.doubts(position, name, image)
        if like := titles[position]:
            doubts.append(("title", f"it is nearly the title of {like.named(rows)}"))
        reviewed.append(replace(row, problems=tuple(problems), doubts=tuple(doubts)))
    return reviewed


class _ShownPictures:
    """Where every picture is shown: in rows, drafts and products."""

    def __init__(self, rows: Sequence[CollectionRow], images: Sequence[Sequence[str]], existing: Existing) -> None:
        self._rows, self._products = rows, existing.product_pictures
        self._rows_with: dict[str, list[int]] = defaultdict(list)
        self._drafts_with: dict[str, str] = {}
        for position, own in enumerate(images):
            for image in set(own):
                self._rows_with[image].append(position)
        for draft_id, draft in existing.drafts.items():
            for image in draft.pictures:
                self._drafts_with.setdefault(image, draft_id)

    def doubts(self, position: int, name: str, image: str) -> list[Remark]:
        """Where a picture of the row at this position is shown as well."""
        others, found = _others(self._rows_with[image], position), []
        if image in self._products:
            found.append(f"{name} is the picture of {self._products[image]} in the shop")
        elif image in self._drafts_with and not others:
            found.append(f"{name} is the picture of the draft {self._drafts_with[image]}")
        if others:
            found.append(f"{name} is also a picture of {others.named(self._rows)}")
        return [("pictures", sentence) for sentence in found]


def _saved(rows: Sequence[CollectionRow], images: Sequence[Sequence[str]], existing: Existing) -> list[str | None]:
    """The draft that each row is. Of rows with the same content and no id each is another draft."""
    by_content: dict[str, list[str]] = defaultdict(list)
    for draft_id, draft in existing.drafts.items():
        by_content[_content(draft.product, draft.pictures)].append(draft_id)
    named = {row.product_id for row in rows if row.product_id}
    saved: list[str | None] = []
    for row, own in zip(rows, images, strict=True):
        same = by_content.get(_content(row.product, own), []) if row.ready else []
        if row.product_id:
            saved.append(row.product_id if row.product_id in same else None)
        else:
            free = next((draft_id for draft_id in same if draft_id not in named), None)
            if free is not None:
                same.remove(free)
            saved.append(free)
    return saved


def _content(product: Product, pictures: Sequence[str]) -> str:
    return json.dumps([replace(product, image=None).to_json(), list(pictures)], sort_keys=True)


def _taken(row: CollectionRow, existing: Existing) -> list[Remark]:
    if not row.product_id:
        return []
    if existing.is_product(row.product_id):
        return [("id", f"the shop has a product {row.product_id} already; give the new one another id")]
    if row.product_id in existing.drafts:
        return [("id", f"a draft {row.product_id} with other content exists; edit that one, or use another id")]
    return []


def _alike(titles: Sequence[str]) -> list[_Others | None]:
    """For each title the others with nearly the same words, whatever their order, case and punctuation.

    Titles that share a word among their rarest few are compared (prefix filtering, Chaudhuri et al. 2006): two that have
    nine of ten words in common must.
    """
    positions: dict[frozenset[str], list[int]] = defaultdict(list)
    for position, title in enumerate(titles):
        if words := frozenset(re.findall(r"\w+", unicodedata.normalize("NFKC", title).casefold())):
            positions[words].append(position)
    alike: dict[frozenset[str], list[frozenset[str]]] = defaultdict(list)
    counts = Counter(word for words in positions for word in words)
    # Shorter ones are alike only when they are the same.
    long = sorted((words for words in positions if len(words) >= ALIKE / (1 - ALIKE) - 1e-9), key=len)
    sharing: dict[str, list[frozenset[str]]] = defaultdict(list)
    for words in long:
        rarest = sorted(words, key=lambda word: (counts[word], word))
        rarest = rarest[: len(words) - math.ceil(ALIKE * len(words)) + 1]
        for other in {other for word in rarest for other in sharing[word]}:
            if len(words & other) / len(words | other) >= ALIKE:
                alike[words].append(other)
                alike[other].append(words)
        for word in rarest:
            sharing[word].append(words)
    found: list[_Others | None] = [None] * len(titles)
    for words, own in positions.items():
        near = [position for other in alike[words] for position in positions[other][:1]]
        count = len(own) + sum(len(positions[other]) for other in alike[words]) - 1
        for position in own if count else ():
            found[position] = _Others(min([*(one for one in own[:2] if one != position), *near]), count)
    return found


def _others(positions: Sequence[int], position: int) -> _Others | None:
    return (
        _Others(next(one for one in positions if one != position), len(positions) - 1) if len(positions) > 1 else None
    )
