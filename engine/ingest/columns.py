"""Which column holds what: the names that shops really use, and the columns of behaviour that content must not contain.

A name is taken only if the column's values can be what it says: a column "type" that holds "simple" and "variable" is no
category, and of two columns of prices the fuller one is the price.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from engine.ingest.event_words import kind_of
from engine.ingest.profiles import ColumnProfile, fits, names_events

__all__ = [
    "EVENT_FIELDS",
    "ITEM_FIELDS",
    "ITEM_TEXTS",
    "behaviour_column",
    "guess_columns",
    "named_alike",
    "named_vaguely",
    "names_products",
    "same_name",
    "suggest",
]

_NAMES = tomllib.loads(Path(__file__).with_name("column_names.toml").read_text("utf-8"))
# Letters that have a plain form but do not decompose into it and an accent.
_PLAIN = str.maketrans({"ß": "ss", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "æ": "ae", "ı": "i"})
# What a bracket behind a name must not lose: "Prix (HT)" is another price than "Prix (TTC)".
_TAXES = re.compile(
    r"\b(ht|ttc|net|gross|netto|brutto|tax|taxes|vat|excl|incl|exkl|inkl|mwst|ust|iva|btw|moms)\b", re.IGNORECASE
)
ITEM_FIELDS: dict[str, tuple[str, ...]] = {field: tuple(names) for field, names in _NAMES["items"].items()}
"""Field of a product -> the names that its column goes by, the best first."""
EVENT_FIELDS: dict[str, tuple[str, ...]] = {field: tuple(names) for field, names in _NAMES["events"].items()} | {
    "item_id": ITEM_FIELDS["item_id"],
    "price": ITEM_FIELDS["price"],
}
"""Field of an event -> the names that its column goes by, the best first."""
# Names that many columns have; the values must show that they are kinds of events.
_VAGUE_EVENTS = ("act", "type", "kind", "name", "label")
# These may also be the product's; most of their values must be known kinds of events.
_TITLES = ("name", "label")
# In a table of events these may as well name the event or the order: they come last, and must repeat.
_VAGUE_IDS = frozenset({"id", "code", "ref", "reference", "kod", "cod", "код", "номер"})
# Fields by which a table of events may describe its products.
ITEM_TEXTS = ("title", "description", "brand", "category", "image")
# Dates have eight digits, seconds since 1970 ten.
_EPOCH_DIGITS = 8
_BEHAVIOUR_NAMES = frozenset(
    {
        *("rating", "ratings", "stars", "reviews", "sales", "sold", "orders", "purchases", "views", "clicks", "buyers"),
        *("popularity", "popularityscore", "likes", "favorites", "favourites", "votes", "voteaverage", "votecount"),
        *("salesrank", "salesranking", "bestsellersrank", "bestseller", "isbestseller", "trending", "conversionrate"),
        *("ctr", "clickthroughrate", "firstsold", "lastsold", "firstsale", "lastsale", "datefirstsold", "datelastsold"),
        *("boughttogether", "alsobought", "alsoviewed", "alsobuy", "alsoview", "helpfulvote", "helpfulvotes"),
        *("interactioncount", "interactions", "impressions", "revenue", "customerreviews", "unitssold", "qtysold"),
    }
)
_SIGNALS = r"(rating|review|buyer|customer|user|view|click|sale|order|purchase|vote|like|cart|wishlist|return|sold|event|interaction)s?"
_BEHAVIOUR_PATTERN = re.compile(
    rf"((n|no|num|nb|nr|number|count|total|sum|avg|average|mean|median)_(of_)?{_SIGNALS}"
    rf"|{_SIGNALS}_(n|num|number|count|counts|total|avg|average|mean|rate|score|rank))"
)


def behaviour_column(name: str) -> bool:
    """Whether a column counts buyers, ratings or sales: behaviour, which content must not know."""
    words = _words(name)
    return words.replace("_", "") in _BEHAVIOUR_NAMES or _BEHAVIOUR_PATTERN.fullmatch(words) is not None


def guess_columns(
    columns: Sequence[str],
    fields: Mapping[str, tuple[str, ...]],
    given: Mapping[str, str],
    profiles: Mapping[str, ColumnProfile] | None = None,
) -> dict[str, str]:
    """field -> column for every field whose column has a known name and fitting values; `given` comes first, and no column
    serves twice.

    Case, blanks, accents and underscores do not matter: "Stock Code", "StockCode" and "stock_code" are one name. Where no
    column has a field's name as it stands, the prefixes and suffixes that systems put around names are taken off: "g:price",
    "Lineitem name", "item_id:token", "items.item_brand".
    """
    found = dict(given)
    for spelled, offered in _passes(fields):
        for field, names in offered.items():
            if field in found:
                continue
            free = [name for name in columns if name and name not in found.values()]
            candidates = _candidates(free, names, spelled, field, profiles or {})
            if candidates:
                found[field] = candidates[0]
    return found


def _passes(
    fields: Mapping[str, tuple[str, ...]],
) -> list[tuple[Callable[[str], str], Mapping[str, tuple[str, ...]]]]:
    """How names are spelled -> the names looked for: as they stand, then peeled; in tables of events "id" comes last."""
    if "event" not in fields or "item_id" not in fields:
        return [(_words, fields), (_peeled, fields)]
    clear = {**fields, "item_id": tuple(name for name in fields["item_id"] if name not in _VAGUE_IDS)}
    # "Product type" and "Lineitem name" are the product's.
    within = {**clear, "event": tuple(name for name in fields["event"] if name not in _VAGUE_EVENTS)}
    vague = {"item_id": tuple(name for name in fields["item_id"] if name in _VAGUE_IDS)}
    return [(_words, clear), (_peeled, within), (_words, vague)]


def names_products(columns: Sequence[str]) -> bool:
    """Whether a column of a table of events is clearly named like the product, not just "id" or "code"."""
    clear = {_words(name) for name in ITEM_FIELDS["item_id"]} - _VAGUE_IDS
    return any(_words(name) in clear for name in columns if name)


def named_alike(column: str, field: str) -> bool:
    """Whether a column carries one of the field's names as it stands, nothing peeled."""
    names = EVENT_FIELDS.get(field, ()) + ITEM_FIELDS.get(field, ())
    return any(same_name(column, name) for name in names)


def named_vaguely(column: str) -> bool:
    """Whether many columns have this name, whatever they hold."""
    return _words(column) in _VAGUE_EVENTS


def same_name(one: str, other: str) -> bool:
    """Whether two columns' names differ in case, blanks, accents and punctuation at most."""
    return _words(one).replace("_", "") == _words(other).replace("_", "")


def _candidates(
    columns: Sequence[str],
    names: Sequence[str],
    spelled: Callable[[str], str],
    field: str,
    profiles: Mapping[str, ColumnProfile],
) -> list[str]:
    """Columns that can be the field, the best first: by the rank of their names, but a column that is filled less than half
    as often as another one yields to it."""
    rank = {_words(name).replace("_", ""): place for place, name in reversed(list(enumerate(names)))}
    place = {column: rank[key] for column in columns if (key := spelled(column).replace("_", "")) in rank}
    poor = {column for column in place if column in profiles and _is_poor(field, profiles[column])}
    known = sorted(place, key=lambda column: (column in poor, place[column]))
    if field == "item_id" and names and all(name in _VAGUE_IDS for name in names):
        known = [column for column in known if column not in profiles or not profiles[column].unique]
    fitting = [column for column in known if column not in profiles or _fits(field, column, profiles[column])]
    filled = {column: profiles[column].filled if column in profiles else 1.0 for column in fitting}
    most = max(filled.values(), default=0.0)
    return [column for column in fitting if filled[column] >= most / 2]


def _is_poor(field: str, profile: ColumnProfile) -> bool:
    """Whether any other column with a name of the field is better: nested values, and hours where a time is wanted."""
    small = all(value.isdecimal() and len(value) < _EPOCH_DIGITS for value in profile.values)
    return profile.looks == "nested" or (field == "timestamp" and profile.looks == "number" and small)


def _fits(field: str, column: str, profile: ColumnProfile) -> bool:
    if field == "event" and _words(column) in _TITLES:
        return (
            names_events(profile) and 2 * sum(kind_of(value) is not None for value in profile.values) > profile.distinct
        )
    if field == "event" and _words(column) in _VAGUE_EVENTS:
        return names_events(profile)
    return fits(field, profile)


def suggest(name: str, names: Iterable[str]) -> str:
    """The end of an error message: "Did you mean ...? The columns are: ..." """
    known = [column for column in names if column]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    listed = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
    return f"{hint}The columns are: {listed}."


@cache
def _words(name: str) -> str:
    """snake_case of a column's name without accents and what stands in brackets behind it: "numReviews" and "Num reviews" are
    num_reviews, "Catégorie" is categorie, "Product ID [Non Editable]" is product_id. Other scripts stay."""
    bracket = re.search(r"(?<=\w)\s*(\[[^\[\]]*\D[^\[\]]*\]|\([^()]*\))$", name.strip())
    plain = name.strip() if bracket is None or _TAXES.search(bracket[0]) else name.strip()[: bracket.start()]
    split = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", plain)
    apart = unicodedata.normalize("NFKD", split.translate(_PLAIN)).casefold()
    letters = "".join(sign for sign in apart if not unicodedata.combining(sign))
    return re.sub(r"[\W_]+", "_", letters).strip("_")


_TYPED = re.compile(r":(token|float|token_seq|float_seq)$")
# Each is taken off once, from the outside in.
_PREFIXES = re.compile(
    r"^(items?_|products?_|properties_|line_?items?_|variants?_|event_params_|ecommerce_|g_|wc_|meta_|bx_|node_|offers?_|skus_|variations?_)+"
)


@cache
def _peeled(name: str) -> str:
    """The name's words without what RecBole, Google feeds, Shopify, Segment and nested exports put around them."""
    words = _words(_TYPED.sub("", name.strip()))
    if re.search(r"(^|_)(our|my|shop|web|webshop|online)_price$", words):
        return "price"
    own_id = re.search(r"(product|item|variant)_id$", words)
    return own_id[0] if own_id else _PREFIXES.sub("", words) or words
