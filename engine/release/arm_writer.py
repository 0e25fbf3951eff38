"""Writing the arms of a release: their vectors, masks and indexes, and how each is to be searched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.arms.geometry import ArmVectors, has_direction
from engine.core.errors import IndexFileError
from engine.core.joined_rows import Table, products, some_rows
from engine.core.large_arrays import blocks
from engine.core.settings_groups import IndexKind
from engine.core.side_by_side import side_by_side
from engine.release.all_lists import SCORE_DECIMALS
from engine.release.ann import AnnIndex, IndexInfo, build_index, unit_table
from engine.release.arm_files import write_sides
from engine.release.arm_search import MASKS_FILE, MEASURED, RETRIEVED
from engine.release.cell_files import write_cell_maps
from engine.release.cell_making import make_cells
from engine.release.cells import CellMap

__all__ = ["ArmCells", "write_arms"]

RECALL_WANTED = 0.9995  # of the ten best, over the sample: at most one in two thousand may be missed
RECALL_NEEDED = 0.99  # below this at the greatest effort, the arm is searched exactly
RECALL_SAMPLE = 200
MAX_SEARCH_K = 32_000  # about 2 ms a query at 64 dimensions
FEWEST_PROBES, MOST_CELLS = 8, 4  # cells that are looked into: at least so many, at most one in so many
EXACT_UP_TO = 50_000  # candidates that are compared one and all
EXACT_NUMBERS = 2**24  # and only while their vectors hold at most so many numbers (64 MB, about 3 ms a query)


ArmCells = tuple[dict[str, Any], CellMap | None]
"""How an arm is searched, for the manifest, and its cells where these are looked into."""


def write_arms(
    directory: Path,
    arms: Mapping[str, ArmVectors],
    trees: int,
    seed: int,
    search_k: int = 2000,
    exact_up_to: int = EXACT_UP_TO,
    kind: IndexKind = "cells",
    earlier: Callable[[str], ArmCells | None] = lambda name: None,
) -> dict[str, dict[str, Any]]:
    """Write vectors, masks and indexes of every arm into a release that is being filled; its manifest's `arms`.

    A matrix that already lies in `directory` as a .npy file (`item_factors.npy`, `content.npy`, ...), up to the length of
    its rows, is referred to and not written again; an arm that searches with other vectors than it searches among
    refers to two files.

    Parameters
    ----------
    arms : query and candidates (n_items, d) float32; rows without direction are neither anchors nor candidates.
    trees, seed : of Annoy.
    search_k : the least number of nodes that a query through Annoy inspects; more where the measured recall asks for it.
    exact_up_to : arms with at most so many candidates are searched exactly.
    kind : how the others are searched.
    earlier : cells of an arm that were made of the same vectors, or None.

    Raises `IndexFileError` naming the arm whose vectors cannot be indexed.
    """
    entries: dict[str, dict[str, Any]] = {}
    masks: dict[str, NDArray[np.bool_]] = {}
    cells: dict[str, CellMap] = {}
    for name, arm in arms.items():
        query, candidates = _checked(name, arm)
        has_list, is_candidate = has_direction(query), has_direction(candidates)
        files, query, candidates = write_sides(directory, name, query, candidates)
        masks |= {f"{name}_has_list": has_list, f"{name}_is_candidate": is_candidate}
        entries[name] = {
            "dim": query.shape[1],
            "n_lists": int(has_list.sum()),
            "n_candidates": int(is_candidate.sum()),
            "facts": dict(arm.facts),
            **files,
            "index": None,
        }
        if is_candidate.any():
            entry, in_cells = earlier(name) or _write_index(
                directory / f"{name}.ann",
                some_rows(query, has_list),
                some_rows(candidates, is_candidate),
                trees,
                seed,
                search_k,
                exact_up_to,
                kind,
            )
            entries[name] |= entry
            cells |= {name: in_cells} if in_cells is not None else {}
    if cells:
        write_cell_maps(directory, cells)
    np.savez(directory / MASKS_FILE, allow_pickle=False, **masks)
    return entries


def _checked(name: str, arm: ArmVectors) -> tuple[Table, Table]:
    """Query and candidates as unit rows; `IndexFileError` naming the arm where they cannot be."""
    try:
        query = unit_table(arm.query)
        candidates = query if arm.candidates is arm.query else unit_table(arm.candidates)
    except IndexFileError as exc:
        raise IndexFileError(f"The arm {name!r} cannot be indexed. {exc}") from exc
    if query.shape != candidates.shape:
        raise IndexFileError(
            f"The arm {name!r}: query {query.shape} and candidates {candidates.shape} do not describe the same items."
        )
    return query, candidates


def _write_index(
    file: Path,
    queries: Table,
    candidates: Table,
    trees: int,
    seed: int,
    search_k: int,
    exact_up_to: int,
    kind: IndexKind,
) -> ArmCells:
    """Build an arm's index; what the manifest says of it and of how the arm is searched, and its cells where these are.

    A large arm that is searched by cells, or compared one and all, has no index of Annoy's: nothing would ask it.
    """
    how: dict[str, Any] = {"exact": True, "search_k": search_k, "probes": 0, "recall_at_10": 1.0}
    if len(candidates) <= exact_up_to and candidates.size <= EXACT_NUMBERS:
        return how | _annoy(candidates, file, trees, seed)[1], None
    wanted = min(RETRIEVED, len(candidates))
    if kind == "annoy":
        info, index = _annoy(candidates, file, trees, seed)
        annoy, least = AnnIndex.open(file, info), max(search_k, 10 * wanted)
        effort, recall = _measured_effort(
            lambda unit, nodes: annoy.query(unit, wanted, nodes)[0], least, MAX_SEARCH_K, queries, candidates, seed
        )
        how |= {"search_k": effort, "recall_at_10": recall, "exact": recall < RECALL_NEEDED}
        return how | index, None
    cells = make_cells(candidates, seed)
    most = max(1, len(cells.centres) // MOST_CELLS)
    probes, recall = _measured_effort(
        lambda unit, probes: cells.near(
            unit, MEASURED, probes, lambda positions: products(candidates, positions, unit)
        ),
        min(FEWEST_PROBES, most),
        most,
        queries,
        candidates,
        seed,
    )
    if recall < RECALL_NEEDED:
        return how | {"recall_at_10": recall}, None
    return how | {"exact": False, "probes": probes, "recall_at_10": recall}, cells


def _annoy(candidates: Table, file: Path, trees: int, seed: int) -> tuple[IndexInfo, dict[str, Any]]:
    """Build Annoy's index; what it is, and the same for the manifest."""
    info = build_index(candidates, file, trees, seed)
    return info, {"index": {"file": file.name, **info.to_dict()}}


def _measured_effort(
    near: Callable[[NDArray[np.float32], int], NDArray[np.int64]],
    least: int,
    most: int,
    queries: Table,
    units: Table,
    seed: int,
) -> tuple[int, float]:
    """How much a search has to look at, and the recall at ten with it, from a sample of the arm's own queries.

    Parameters
    ----------
    near : of a query (d,) and an effort, positions of candidates.
    least, most : efforts; doubled from one to the other, and half way back where that is enough.
    """
    k = min(MEASURED, len(units))
    sample = queries[np.random.default_rng(seed).permutation(len(queries))[:RECALL_SAMPLE]]
    # How similar the k-th best is: ties beyond it are as good, so they count as found.
    kth = _kth_best(sample, units, k) - 10.0**-SCORE_DECIMALS

    def recall_with(effort: int) -> float:
        def share(place: int) -> float:
            scores = products(units, near(sample[place], effort), sample[place])
            return min(k, int((scores >= kth[place]).sum())) / k

        shares = list(side_by_side(share, range(len(sample))))
        return float(np.mean(shares)) if shares else 1.0

    effort, before = least, least
    while (recall := recall_with(effort)) < RECALL_WANTED and effort < most:
        effort, before = min(2 * effort, most), effort
    between = (before + effort) // 2
    if before < between < effort and recall >= RECALL_WANTED and (less := recall_with(between)) >= RECALL_WANTED:
        effort, recall = between, less
    return effort, round(recall, 4)


def _kth_best(queries: NDArray[np.float32], units: Table, k: int) -> NDArray[np.float32]:
    """(q,) the k-th largest of each query's inner products with all units; these are gone through once."""

    def best_of(rows: slice) -> NDArray[np.float32]:
        scores = queries @ units[rows].T
        return np.partition(scores, -k, axis=1)[:, -k:] if scores.shape[1] > k else scores

    best = np.concatenate(list(side_by_side(best_of, blocks(len(units)))), axis=1)
    return np.asarray(np.partition(best, -k, axis=1)[:, -k])
