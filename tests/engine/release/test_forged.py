"""Releases whose checksums fit and whose content is nonsense: refused in a sentence, in little memory, never served."""

from __future__ import annotations

import io
import json
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import sparse

from engine.core.errors import IndexFileError, ReleaseContentError, ReleaseError
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
from engine.release.ann import AnnIndex, IndexInfo, build_index
from engine.release.checksums import checked_sha256
from engine.release.publish import list_releases, verify_release
from tests.support.forged_release import forge

Change = Callable[[Path], object]


def numbers(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Change:
    return lambda directory: np.save(directory / name, change(np.load(directory / name)))


def table(name: str, change: Callable[[pa.Table], pa.Table]) -> Change:
    return lambda directory: pq.write_table(change(pq.read_table(directory / name)), directory / name)


def with_nan(array: np.ndarray) -> np.ndarray:
    array[3, 2] = np.nan
    return array


def huge_header(directory: Path) -> None:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": (60, 10**12)})
    (directory / "hybrid.npy").write_bytes(stream.getvalue() + b"\0" * 64)


def bomb(directory: Path) -> None:
    stream = io.BytesIO()
    np.save(stream, np.zeros(300_000_000, dtype=bool))
    with zipfile.ZipFile(directory / "arm_masks.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("als_has_list.npy", stream.getvalue())


def lying_bomb(directory: Path) -> None:
    """An archive whose directory says that its member is small."""
    bomb(directory)
    raw = (directory / "arm_masks.npz").read_bytes()
    size = np.uint32(300_000_128).tobytes()
    (directory / "arm_masks.npz").write_bytes(raw.replace(size, np.uint32(1128).tobytes()))


def rows_out_of_range(directory: Path) -> None:
    matrix = sparse.load_npz(directory / "user_items.npz")
    matrix.indices[5] = 10**6
    sparse.save_npz(directory / "user_items.npz", matrix)


def one_text_many_times(items: pa.Table) -> pa.Table:
    """A description of 2 MB that stands once in the file and 2,000 times in memory."""
    many = pa.array(["x" * 2_000_000]).dictionary_encode()
    column = pa.DictionaryArray.from_arrays(pa.array([0] * len(items), pa.int32()), many.dictionary)
    return items.set_column(items.schema.get_field_index("description"), "description", column)


FORGED: dict[str, tuple[str, Change]] = {
    "numbers of another kind": ("hybrid.npy", numbers("hybrid.npy", lambda a: a.astype(np.float64))),
    "texts for numbers": ("hybrid.npy", numbers("hybrid.npy", lambda a: a.astype("S4"))),
    "another shape": ("profiles.npy", numbers("profiles.npy", lambda a: a[:-1])),
    "one dimension": ("profiles.npy", numbers("profiles.npy", lambda a: a[0])),
    "by columns": ("profiles.npy", numbers("profiles.npy", np.asfortranarray)),
    "not a number": ("item_factors.npy", numbers("item_factors.npy", with_nan)),
    "other columns than the other side": ("user_factors.npy", numbers("user_factors.npy", lambda a: a[:, :-1].copy())),
    "pickled objects": (
        "profiles.npy",
        lambda directory: np.save(directory / "profiles.npy", np.array([[print, len]], dtype=object), allow_pickle=True),
    ),
    "a header of a trillion columns": ("hybrid.npy", huge_header),
    "no array at all": ("hybrid.npy", lambda directory: (directory / "hybrid.npy").write_bytes(b"\x93NUMPY\x01\x00\x10\x00{'descr':")),
    "an archive that unpacks to gigabytes": ("arm_masks.npz", bomb),
    "an archive that hides it": ("arm_masks.npz", lying_bomb),
    "no archive at all": ("arm_masks.npz", lambda directory: (directory / "arm_masks.npz").write_bytes(b"PK\x03\x04" * 50)),
    "an archive without the arms": ("arm_masks.npz", lambda directory: np.savez(directory / "arm_masks.npz", a=np.ones(3))),
    "rows that do not exist": ("user_items.npz", rows_out_of_range),
    "a matrix of another shop": (
        "user_items.npz",
        lambda directory: sparse.save_npz(directory / "user_items.npz", sparse.csr_matrix((3, 4), dtype=np.float32)),
    ),
    "no Parquet at all": ("items.parquet", lambda directory: (directory / "items.parquet").write_bytes(b"PAR1" * 9)),
    "other columns": ("items.parquet", table("items.parquet", lambda t: t.drop_columns(["item_id"]))),
    "fewer products": ("items.parquet", table("items.parquet", lambda t: t.slice(1))),
    "ids that are numbers": (
        "items.parquet",
        table("items.parquet", lambda t: t.set_column(t.schema.get_field_index("item_id"), "item_id", pa.array(range(len(t))))),
    ),
    "one product twice": (
        "items.parquet",
        table(
            "items.parquet",
            lambda t: t.set_column(t.schema.get_field_index("item_id"), "item_id", pa.array(["f0-00"] * len(t))),
        ),
    ),
    "a text that fills memory": ("items.parquet", table("items.parquet", one_text_many_times)),
    "shoppers without ids": (
        "user_ids.parquet",
        table("user_ids.parquet", lambda t: t.set_column(0, "user_id", pa.array([None] * len(t), pa.string()))),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FORGED)
def test_forged_content_is_refused_by_name_and_the_last_good_release_is_served(what: str, releases: Workspace) -> None:
    name, change = FORGED[what]
    expected = [one.item_id for one in Recommender.open(releases, "r0001").neighbours("f0-01")]
    directory = releases.releases / "r0002"
    change(directory)
    forge(directory)
    verify_release(releases, "r0002")  # every checksum fits
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ReleaseContentError, match=name.replace(".", r"\.")):
        Recommender.open(releases, "r0002")
    served = Recommender.open(releases)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KB
    assert served.release_id == "r0001"
    assert [one.item_id for one in served.neighbours("f0-01")] == expected
    assert (served.notice or "").startswith(f"Release 2 cannot be opened ({name}")
    assert name in str(list_releases(releases)[0].damage)


def deeply_nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


LIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "an arm that is no arm": lambda fields: fields["arms"].update(hybrid=[1, 2]),
    "a file elsewhere": lambda fields: fields["arms"]["hybrid"].update(query="../r0001/hybrid.npy"),
    "a file that is not listed": lambda fields: fields["arms"]["hybrid"].update(candidates="manifest.json"),
    "columns that are not there": lambda fields: fields["arms"]["hybrid"].update(dim=3),
    "columns beside that are more than there are": lambda fields: fields["arms"]["hybrid"].update(
        query_beside={"file": "content.npy", "at": 0, "centre": None}
    ),
    "columns beside in no place": lambda fields: fields["arms"]["hybrid"].update(
        candidates_beside={"file": "content.npy", "at": "first", "centre": None}
    ),
    "columns beside in no file": lambda fields: fields["arms"]["hybrid"].update(
        candidates_beside={"file": None, "at": 0, "centre": None}
    ),
    "facts that are no numbers": lambda fields: fields["arms"]["hybrid"].update(facts={"a": "b"}),
    "an effort that is no number": lambda fields: fields["arms"]["hybrid"].update(search_k="many"),
    "cells that are not there": lambda fields: fields["arms"]["hybrid"].update(probes=4),
    "an index of other vectors": lambda fields: fields["arms"]["hybrid"]["index"].update(dim=7),
    "more products": lambda fields: fields["counts"].update(n_items=61),
    "fewer than no products": lambda fields: fields["counts"].update(n_items=-60),
    "no arm for shoppers": lambda fields: fields["arms"].pop("als"),
    "no shop": lambda fields: fields.pop("shop"),
    "a shop without a name": lambda fields: fields["shop"].update(name=None),
    "attributes of no kind": lambda fields: fields["shop"].update(attributes={"colour": "secret"}),
    "steps that took no time": lambda fields: fields.update(steps=[{"name": 1}]),
}


@pytest.mark.parametrize("what", LIES)
def test_a_manifest_that_lies_is_refused_in_a_sentence(what: str, releases: Workspace) -> None:
    forge(releases.releases / "r0002", LIES[what])
    with pytest.raises((ReleaseError, IndexFileError)) as refusal:
        Recommender.open(releases, "r0002")
    assert "Release 2" in str(refusal.value)
    assert Recommender.open(releases).release_id == "r0001"


@pytest.mark.parametrize("text", ["[" * 200_000, '{"seed": ' + "9" * 6000 + "}", '{"seed": NaN}', '"text"', "null"])
def test_a_manifest_that_no_writer_writes_is_refused(text: str, releases: Workspace) -> None:
    (releases.releases / "r0002" / "manifest.json").write_text(text)
    with pytest.raises(ReleaseError, match=r"manifest\.json"):
        verify_release(releases, "r0002")
    assert Recommender.open(releases).release_id == "r0001"


def test_a_description_of_gigabytes_is_not_read(releases: Workspace) -> None:
    with (releases.releases / "r0002" / "manifest.json").open("wb") as stream:
        stream.truncate(8 << 30)
    with pytest.raises(ReleaseError, match="more than"):
        verify_release(releases, "r0002")


@pytest.mark.parametrize("name", ["metrics.json", "training.json", "maps.parquet"])
def test_what_is_read_later_is_refused_in_a_sentence_too(name: str, releases: Workspace) -> None:
    directory = releases.releases / "r0002"
    (directory / name).write_text(json.dumps(deeply_nested(500)))
    forge(directory)
    opened = Recommender.open(releases, "r0002")
    read = {
        "metrics.json": lambda: opened.metrics,
        "training.json": lambda: opened.plan,
        "maps.parquet": lambda: opened.maps,
    }
    with pytest.raises(ReleaseError, match=name.replace(".", r"\.")):
        read[name]()


def test_an_index_whose_nodes_lead_nowhere_never_reaches_annoy(tmp_path: Path) -> None:
    """Annoy follows every number in its file: a forged one ends the process, or never ends."""
    vectors = np.random.default_rng(0).normal(size=(300, 6)).astype(np.float32)
    built = build_index(vectors, tmp_path / "good.ann", trees=5, seed=1)
    nodes = np.fromfile(tmp_path / "good.ann", dtype="<i4").reshape(-1, 9)
    split = int(np.flatnonzero(nodes[:, 0] > 8)[0])
    leaf = next(place for place in range(300, len(nodes)) if 1 < nodes[place, 0] <= 8)
    lies = {"itself": (split, 1, split), "far away": (split, 2, 10**8), "before the first": (split, 1, -5),
            "no such item": (leaf, 1, 300), "a list of millions": (leaf, 0, -7), "an item of many": (3, 0, 50)}  # fmt: skip
    AnnIndex.open(tmp_path / "good.ann", built)
    for name, (node, place, value) in lies.items():
        forged = nodes.copy()
        forged[node, place] = value
        file = tmp_path / f"{name}.ann"
        forged.tofile(file)
        facts = IndexInfo(6, "angular", 300, 5, file.stat().st_size, checked_sha256(file))
        with pytest.raises(IndexFileError, match="leads nowhere"):
            AnnIndex.open(file, facts)
