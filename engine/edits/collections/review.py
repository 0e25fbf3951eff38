"""Rows of a collection beside what there is: which are saved already, which ids are taken, what is worth a second look."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.edits.collections.rows import CollectionRow

__all__ = ["DraftContent", "Existing", "review_rows"]

# Share of words that two titles have in common which makes them nearly the same, as for one product (drafts/advice.py).
ALIKE = 0.9

Told = list[tuple[str, str]]


@dataclass(frozen=True)
class _Others:
    """Other rows: the place of the first, and how many."""

    first: int
    count: int

    def named(self, rows: Sequence[CollectionRow]) -> str:
        more = f" and {self.count - 1:,} more" if self.count > 1 else ""
        return f"row {rows[self.first].number}{more}"


@dataclass(frozen=True)
class DraftContent:
    """What a draft says and shows: `item` as rows have it, content hashes of its pictures."""

    item: Mapping[str, Any]
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


def review_rows(rows: Sequence[CollectionRow], pictures: Mapping[str, str], beside: Existing) -> list[CollectionRow]:
    """The rows as they stand beside products, drafts and one another.

    A row that says what a draft says is that draft, saved already: by its id, or where it has none by its content. An
    id that anything else has is a problem. Doubts, which keep no row from being saved: a picture of a product, a draft or
    another row, and a title that is nearly another row's. Linear in the rows but for titles of nine words and more.

    Parameters
    ----------
    pictures : name -> content hash, of the pictures that the rows name.
    """
    shown = [[pictures[name] for name in row.pictures] for row in rows]
    saved = _saved(rows, shown, beside)
    titles = _alike([str(row.item.get("title") or "") for row in rows])
    rows_with: dict[str, list[int]] = defaultdict(list)
    drafts_with: dict[str, str] = {}
    for place, images in enumerate(shown):
        for image in set(images):
            rows_with[image].append(place)
    for draft_id, draft in beside.drafts.items():
        for image in draft.pictures:
            drafts_with.setdefault(image, draft_id)
    standing = []
    for place, row in enumerate(rows):
        if saved[place] is not None:
            standing.append(replace(row, saved=saved[place], problems=(), doubts=()))
            continue
        problems, doubts = [*row.problems, *_taken(row, beside)], list(row.doubts)
        for name, image in zip(row.pictures, shown[place], strict=True):
            others = _others(rows_with[image], place)
            if image in beside.product_pictures:
                doubts.append(("pictures", f"{name} is the picture of {beside.product_pictures[image]} in the shop"))
            elif image in drafts_with and not others:
                doubts.append(("pictures", f"{name} is the picture of the draft {drafts_with[image]}"))
            if others:
                doubts.append(("pictures", f"{name} is a picture of {others.named(rows)} too"))
        if like := titles[place]:
            doubts.append(("title", f"it is nearly the title of {like.named(rows)}"))
        standing.append(replace(row, problems=tuple(problems), doubts=tuple(doubts)))
    return standing


def _saved(rows: Sequence[CollectionRow], shown: Sequence[Sequence[str]], beside: Existing) -> list[str | None]:
    """The draft that each row is. Of rows with the same content and no id each is another draft."""
    by_content: dict[str, list[str]] = defaultdict(list)
    for draft_id, draft in beside.drafts.items():
        by_content[_content(draft.item, draft.pictures)].append(draft_id)
    named = {row.product_id for row in rows if row.product_id}
    saved: list[str | None] = []
    for row, images in zip(rows, shown, strict=True):
        same = by_content.get(_content(row.item, images), []) if row.ready else []
        if row.product_id:
            saved.append(row.product_id if row.product_id in same else None)
        else:
            free = next((draft_id for draft_id in same if draft_id not in named), None)
            if free is not None:
                same.remove(free)
            saved.append(free)
    return saved


def _content(item: Mapping[str, Any], pictures: Sequence[str]) -> str:
    return json.dumps([dict(item), list(pictures)], sort_keys=True)


def _taken(row: CollectionRow, beside: Existing) -> Told:
    if not row.product_id:
        return []
    if beside.is_product(row.product_id):
        return [("id", f"{row.product_id} is a product already; give the new one another id")]
    if row.product_id in beside.drafts:
        return [("id", f"there is a draft {row.product_id} that says something else; change that one, or the id")]
    return []


def _alike(titles: Sequence[str]) -> list[_Others | None]:
    """For each title the others with nearly the same words, whatever their order, case and punctuation.

    Titles that share a word among their rarest few are compared (prefix filtering, Chaudhuri et al. 2006): two that have
    nine of ten words in common must.
    """
    places: dict[frozenset[str], list[int]] = defaultdict(list)
    for place, title in enumerate(titles):
        if words := frozenset(re.findall(r"\w+", unicodedata.normalize("NFKC", title).casefold())):
            places[words].append(place)
    alike: dict[frozenset[str], list[frozenset[str]]] = defaultdict(list)
    counts = Counter(word for words in places for word in words)
    # Shorter ones are alike only when they are the same.
    long = sorted((words for words in places if len(words) >= ALIKE / (1 - ALIKE) - 1e-9), key=len)
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
    for words, own in places.items():
        near = [place for other in alike[words] for place in places[other][:1]]
        count = len(own) + sum(len(places[other]) for other in alike[words]) - 1
        for place in own if count else ():
            found[place] = _Others(min([*(one for one in own[:2] if one != place), *near]), count)
    return found


def _others(places: Sequence[int], place: int) -> _Others | None:
    return _Others(next(one for one in places if one != place), len(places) - 1) if len(places) > 1 else None
