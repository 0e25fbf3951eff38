"""What judging found, to take away: TREC qrels, and an evidence pack from which anybody can work the rates out again."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd

from engine.core.exports import CSV
from engine.core.workspace import Workspace
from engine.curation.campaigns import Campaign, progress
from engine.curation.judgements import JudgementStore
from engine.curation.rates.overall import overall_rates, sizes_of
from engine.curation.rates.sampling import cards_of, drawn
from engine.curation.rates.shop_rates import campaign_rates
from engine.curation.votes import SURE, Verdict

__all__ = ["evidence_pack", "qrels"]

SCRIPT = Path(__file__).resolve().parent / "redraw.py"
README = """What is in this folder
judgements.csv  every vote in force on the campaign's cards, with the chances its pair and its product were drawn with; a
                product that was chosen, not drawn, stands for itself and has the chance 1
cards.csv       the sampling record: every card judged, by whom, how its product came to be on it
appearances.csv which list of which release held each judged pair, at what rank, and how long the list was; products a
                release learned from are left out, for they may not score it
rates.csv       the published rates
overall.csv     the share of every list over all ranges, weighted by how many products of the shop each range holds
campaign.json   the campaign, the seed, and the SHA-256 of the releases' manifests
redraw.py       works both out again from the first three files and draws the chart

    pip install numpy pandas scipy altair
    python redraw.py
"""


def qrels(current: pd.DataFrame) -> str:
    """Judgements as TREC qrels: a line `anchor 0 neighbour relevance` per pair, 1 relevant, 0 irrelevant by most votes.

    Blanks in ids are written %20. Pairs that are evenly split, or about which nobody was sure, are left out.
    """
    sure = current[current["verdict"].isin(SURE)]
    relevant = sure.assign(share=(sure["verdict"] == Verdict.RELEVANT).astype("float64"))
    pairs = relevant.groupby(["anchor_id", "neighbour_id"], as_index=False)["share"].mean()
    columns = (pairs[name].tolist() for name in ("anchor_id", "neighbour_id", "share"))
    lines = [
        f"{_word(anchor)} 0 {_word(neighbour)} {int(share > 0.5)}\n"
        for anchor, neighbour, share in zip(*columns, strict=True)
        if share != 0.5
    ]
    return "".join(lines)


def evidence_pack(store: JudgementStore, campaign: Campaign, workspace: Workspace, *, k: int, seed: int) -> bytes:
    """A zip with the judgements of a campaign, its sampling record, the published rates, and a script that redraws them."""
    rates = campaign_rates(store, campaign, workspace, drawn(store, campaign.id), k=k)
    cards = cards_of(store.database, campaign.id).drop(columns=["pairs", "lists"])
    groups = progress(store.database, campaign.id)
    overall = overall_rates(rates.table, sizes_of(groups))
    about: dict[str, Any] = {
        "name": campaign.name, "id": campaign.id, "release": campaign.release_id, "k": k, "seed": seed,
        "sampling": campaign.sampling, "target": campaign.target, "second_share": campaign.second_share,
        "sizes": {str(stratum): int(size) for stratum, size in zip(groups["stratum"], groups["size"], strict=True)},
        "repeat_share": campaign.repeat_share, "created_at": campaign.created_at.isoformat(),
        "manifests_sha256": {
            release: _hash(workspace.releases / release / "manifest.json")
            for release in (campaign.release_id, campaign.other_release_id)
            if release
        },
    }  # fmt: skip
    tables = {"judgements": rates.votes, "cards": cards, "appearances": rates.appearances, "rates": rates.strata}
    tables["overall"] = overall
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, table in tables.items():
            pack.writestr(f"{name}.csv", CSV.to_bytes(table))
        pack.writestr("campaign.json", json.dumps(about, indent=2, ensure_ascii=False))
        pack.writestr("redraw.py", SCRIPT.read_text("utf-8"))
        pack.writestr("README.txt", README)
    return file.getvalue()


def _word(text: str) -> str:
    return re.sub(r"\s", "%20", text)


def _hash(file: Path) -> str | None:
    """None where the release is gone."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None
