"""The attribute encoder: price, brand, category and every other attribute as numbers; "missing" is a value like any other.

Each attribute becomes a block of columns whose rows have a mean square length of about one, so that none outweighs the rest:

- category: one column per frequent value, one for all other values, one for "missing";
- multi: the same, several columns at once, scaled to the length of one;
- number: the standardised value, its rank among all items, and one column for "missing";
- price: like a number, but of its logarithm, and with the rank within the item's category.

Attributes with the same value for every item are left out. Text attributes belong to the text encoder.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from engine.core.errors import ReleaseError
from engine.core.large_arrays import blocks, zeros
from engine.core.settings import AttributeSettings
from engine.core.side_by_side import do_side_by_side
from engine.core.storage import atomic_write_json
from engine.core.workspace import Workspace
from engine.models.encoders.base import Features, Modality, missing

__all__ = ["MODALITY", "AttributeEncoder", "fit_attribute_encoder", "load_attribute_encoder"]

FILE = "attributes.json"
AT_ONCE = 1 << 13
"""Items that are encoded in one thread."""
RANK_POINTS = 65
"""Quantiles stored of a number: ranks are exact to 1/64."""
MIN_GROUP = 20
"""Categories with fewer priced items are too small for ranks of their own; they use the whole catalogue's."""
CLIP = 3.0


@dataclass(frozen=True)
class ValueBlock:
    """An attribute with distinct values: category or multi."""

    name: str
    values: tuple[str, ...]

    @property
    def width(self) -> int:
        return len(self.values) + 2

    def encode(self, items: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """(n, width) float32, and (n,) bool: which items have a value."""
        column = {value: position for position, value in enumerate(self.values)}
        other, absent = len(self.values), len(self.values) + 1
        encoded = np.zeros((len(items), self.width), dtype=np.float32)
        present = np.zeros(len(items), dtype=bool)
        for row, cell in enumerate(_cells(items, self.name)):
            hits = {column.get(value, other) for value in _values_of(cell)} or {absent}
            present[row] = absent not in hits
            encoded[row, list(hits)] = 1.0 / math.sqrt(len(hits))
        return encoded, present


@dataclass(frozen=True)
class NumberBlock:
    """An attribute with numeric values."""

    name: str
    mean: float
    deviation: float
    logarithm: bool
    quantiles: tuple[float, ...]
    group_name: str | None = None
    group_quantiles: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    width = 3

    def encode(self, items: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """(n, 3) float32, and (n,) bool: which items have a value."""
        values = _numbers(items, self.name, self.logarithm)
        present = np.isfinite(values)
        known = values[present]
        encoded = np.zeros((len(items), 3), dtype=np.float32)
        # Standardised values and ranks in [-1, 1] have mean squares of 1 and 1/3: scaled, they make a block of length one.
        scale = math.sqrt(3 / 4)
        encoded[present, 0] = scale * np.clip((known - self.mean) / self.deviation, -CLIP, CLIP)
        encoded[present, 1] = scale * (2 * self._ranks(known, items, present) - 1)
        encoded[~present, 2] = 1.0
        return encoded, present

    def _ranks(self, known: np.ndarray, items: pd.DataFrame, present: np.ndarray) -> np.ndarray:
        ranks = _rank(known, self.quantiles)
        if self.group_name is not None:
            groups = np.array([_key(cell) for cell in _cells(items, self.group_name)], dtype=object)[present]
            for group, quantiles in self.group_quantiles.items():
                inside = groups == group
                ranks[inside] = _rank(known[inside], quantiles)
        return ranks


@dataclass(frozen=True)
class AttributeEncoder:
    """Blocks of columns fitted on a catalogue."""

    blocks: tuple[ValueBlock | NumberBlock, ...]

    modality = "attributes"

    @property
    def dim(self) -> int:
        return sum(block.width for block in self.blocks)

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(json.dumps(self._as_json(), sort_keys=True).encode()).hexdigest()

    def encode(self, items: pd.DataFrame, workspace: Workspace) -> Features:
        """(n, dim) float32; present if an item has a value in at least one attribute."""
        values, present = zeros((len(items), self.dim)), np.zeros(len(items), dtype=bool)

        def encode(rows: slice) -> None:
            encoded = [block.encode(items.iloc[rows]) for block in self.blocks]
            present[rows] = np.any([known for _, known in encoded], axis=0)
            np.concatenate([block for block, _ in encoded], axis=1, out=values[rows])
            values[rows] /= np.float32(math.sqrt(len(self.blocks)))
            values[rows][~present[rows]] = 0.0

        do_side_by_side(encode, blocks(len(items), AT_ONCE))
        return Features(values, present)

    def save(self, directory: Path) -> None:
        atomic_write_json(directory / FILE, self._as_json())

    def _as_json(self) -> list[dict[str, object]]:
        return [
            {"kind": "number" if isinstance(block, NumberBlock) else "values", **asdict(block)} for block in self.blocks
        ]


def fit_attribute_encoder(
    items: pd.DataFrame, attribute_kinds: Mapping[str, str], settings: AttributeSettings
) -> AttributeEncoder | None:
    """Learn the blocks from a catalogue; None if no attribute distinguishes any two items.

    Parameters
    ----------
    items : the catalogue, one row per item.
    attribute_kinds : kind of each attribute column beyond price, brand and category: category, number, multi or text.
    """
    kinds = {"category": "category", "brand": "category", **attribute_kinds}
    blocks: list[ValueBlock | NumberBlock] = []
    if (price := _fit_number(items, "price", logarithm=True, group="category")) is not None:
        blocks.append(price)
    for name, kind in kinds.items():
        block: ValueBlock | NumberBlock | None = None
        if kind in {"category", "multi"}:
            block = _fit_values(items, name, settings)
        elif kind == "number":
            block = _fit_number(items, name, logarithm=False, group=None)
        if block is not None:
            blocks.append(block)
    return AttributeEncoder(tuple(blocks)) if blocks else None


def load_attribute_encoder(directory: Path) -> AttributeEncoder:
    """Read what `save` wrote; `ReleaseError` naming the file if it is damaged."""
    file = directory / FILE
    try:
        return AttributeEncoder(tuple(_block_from_json(block) for block in json.loads(file.read_text("utf-8"))))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as exc:
        raise ReleaseError(f"{file} cannot be read ({exc}). Train again, or roll back to an older release.") from exc


MODALITY = Modality(
    name="attributes",
    step="Reading attributes",
    example="an attribute",
    likeness="the same attributes",
    fit=lambda shop, workspace, settings, seed, progress: fit_attribute_encoder(
        shop.items, shop.attribute_kinds, settings.attributes
    ),
    load=load_attribute_encoder,
)


def _fit_values(items: pd.DataFrame, name: str, settings: AttributeSettings) -> ValueBlock | None:
    counts: Counter[str] = Counter()
    for cell in _cells(items, name):
        counts.update(set(_values_of(cell)))
    frequent = sorted((value for value, n in counts.items() if n >= settings.min_count), key=lambda v: (-counts[v], v))
    block = ValueBlock(name, tuple(frequent[: settings.max_values]))
    return block if len(items) and _tells_apart(block, items) else None


def _tells_apart(block: ValueBlock, items: pd.DataFrame) -> bool:
    """Whether any two items have other values."""
    first, _ = block.encode(items.iloc[:1])
    return any((block.encode(items.iloc[rows])[0] != first).any() for rows in blocks(len(items)))


def _fit_number(items: pd.DataFrame, name: str, *, logarithm: bool, group: str | None) -> NumberBlock | None:
    values = _numbers(items, name, logarithm)
    known = values[np.isfinite(values)]
    if len(known) == 0 or (len(known) == len(values) and known.min() == known.max()):
        return None
    groups = {} if group is None else _group_quantiles(items, values, group)
    deviation = float(known.std())
    return NumberBlock(
        name,
        mean=float(known.mean()),
        deviation=deviation if deviation > 0 else 1.0,
        logarithm=logarithm,
        quantiles=_quantiles(known),
        group_name=group if groups else None,
        group_quantiles=groups,
    )


def _group_quantiles(items: pd.DataFrame, values: np.ndarray, group: str) -> dict[str, tuple[float, ...]]:
    """Quantiles of the values within each large enough group."""
    of_item = pd.Series([_key(cell) for cell in _cells(items, group)], dtype=object)
    return {
        str(value): _quantiles(inside.dropna().to_numpy())
        for value, inside in pd.Series(values).groupby(of_item, sort=True)
        if inside.notna().sum() >= MIN_GROUP
    }


def _block_from_json(block: dict[str, object]) -> ValueBlock | NumberBlock:
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in block.items()}
    if fields.pop("kind") == "values":
        return ValueBlock(**fields)  # type: ignore[arg-type]
    fields["group_quantiles"] = {name: tuple(value) for name, value in fields["group_quantiles"].items()}  # type: ignore[attr-defined]
    return NumberBlock(**fields)  # type: ignore[arg-type]


def _cells(items: pd.DataFrame, name: str) -> Iterable[object]:
    return items[name].tolist() if name in items.columns else [None] * len(items)


def _values_of(cell: object) -> list[str]:
    """The values in one cell, which may be a list; values that differ only in case and blanks are the same."""
    parts = list(cell) if isinstance(cell, list | tuple | set | np.ndarray) else [cell]
    return [key for part in parts if (key := _key(part)) is not None]


def _key(cell: object) -> str | None:
    return None if missing(cell) else " ".join(str(cell).split()).casefold()


def _numbers(items: pd.DataFrame, name: str, logarithm: bool) -> np.ndarray:
    """(n,) float64, NaN for missing values, for texts that are not numbers, and for those without a logarithm."""
    if name not in items.columns:
        return np.full(len(items), np.nan)
    values = pd.to_numeric(items[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan).copy()
    values[~np.isfinite(values)] = np.nan
    if logarithm:
        values[~(values > 0)] = np.nan
        values = np.log(values)
    return values


def _quantiles(values: np.ndarray) -> tuple[float, ...]:
    return tuple(np.quantile(values, np.linspace(0, 1, RANK_POINTS)).tolist())


def _rank(values: np.ndarray, quantiles: tuple[float, ...]) -> np.ndarray:
    """Share of the fitted values below each value, in [0, 1]; ties count half."""
    grid = np.asarray(quantiles)
    return (np.searchsorted(grid, values, "left") + np.searchsorted(grid, values, "right")) / (2 * len(grid))
