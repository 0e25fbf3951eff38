"""A shop of strangers: payloads (tests/support/payloads.py) in every field that comes from outside, as far as a store takes them.

Product number n has payload n as its title, description, brand, category, attribute values and within its id, and payload n is the
name of an attribute, of whoever judged it, and of a draft. Fields that a shop has one of (its name, a release's notes, the message of a
failed run) hold all payloads, one after the other.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from engine.catalogue.interactions import read_interactions
from engine.catalogue.product import Product
from engine.catalogue.snapshot import read_shop, write_snapshot
from engine.core.settings import Settings
from engine.core.storage import atomic_write_json
from engine.core.workspace import Workspace
from engine.curation.campaigns import Plan, create_campaign
from engine.curation.judgements import JudgementStore
from engine.curation.votes import Source, Verdict, Vote, judgement_in_release
from engine.edits.changes.store import ChangeStore
from engine.edits.drafts.store import DraftStore, NewDraft
from engine.ingest.report import NOT_USED
from engine.jobs.recording import create_run, new_run_id, status_file
from engine.recommend.recommender import Recommender
from engine.release.contents import write_contents
from engine.release.publish import new_release_id, publish, write_release
from engine.store import Database
from tests.support.tiny_release import tiny_contents

__all__ = ["PayloadShop", "build_payload_shop", "storable", "together"]

FAMILIES, NAMED_ATTRIBUTES, LONGEST_NAME = 4, 40, 60


@dataclass(frozen=True)
class PayloadShop:
    """What was built; item number n of `item_ids` holds payload number n of `payloads`."""

    workspace: Workspace
    payloads: list[str]
    item_ids: list[str]
    draft_ids: list[str]
    campaign_ids: list[str]


def build_payload_shop(root: Path, payloads: list[str]) -> PayloadShop:
    """Build the shop, its release, and everything that people add to one."""
    workspace = Workspace(root)
    texts = [storable(payload) for payload in payloads]
    item_ids = _write_shop(workspace, texts)
    facade, database = Recommender.open(workspace, _publish_release(workspace, texts)), Database(workspace.database_url)
    _judge(database, facade, item_ids, texts)
    draft_ids = _draft(database, workspace, facade, texts)
    _change(database, workspace, facade, item_ids, texts)
    made = [
        create_campaign(database, facade, Plan(name, chosen=[item_ids[0]], how=name, guidelines=name, created_by=name))
        for name in dict.fromkeys(text[:80].strip() for text in texts)
        if name
    ]
    for text in (together(texts), *texts[:3]):
        _fail(workspace, text)
    return PayloadShop(workspace, texts, item_ids, draft_ids, made)


def together(texts: list[str]) -> str:
    """All payloads in one text."""
    return " ¦ ".join(texts)


def storable(payload: str) -> str:
    """As a store takes it: it may hold neither NUL nor half a character."""
    return "".join(char for char in payload if char != "\0" and not "\ud800" <= char <= "\udfff").strip()


def _write_shop(workspace: Workspace, texts: list[str]) -> list[str]:
    names = [text.strip()[:200] for text in texts][:NAMED_ATTRIBUTES]
    item_ids = [f"f{number % FAMILIES}-{number:03d} {text}" for number, text in enumerate(texts)]
    items = pd.DataFrame(
        {
            "item_id": item_ids, "title": texts, "description": texts, "brand": texts, "category": texts,
            "price": [10.0 + number for number in range(len(texts))], "image": None, "colour": texts,
            "occasions": [[text, texts[number - 1]] for number, text in enumerate(texts)],
        }
        | {name: [text if number % len(names) == place else None for number, text in enumerate(texts)] for place, name in enumerate(names)}
    )  # fmt: skip
    kinds = {"colour": "category", "occasions": "multi"} | dict.fromkeys(names, "text")
    rng = np.random.default_rng(0)
    events = [
        (f"s{number % FAMILIES}-{shopper:02d}", item_id, "view", 1_700_000_000 + int(rng.integers(0, 10**7)))
        for number, item_id in enumerate(item_ids)
        for shopper in rng.permutation(24)[: max(1, 20 - number // FAMILIES)]
    ]
    info = {
        "name": together(texts), "interaction_word": f"{texts[0]}s", "currency": texts[1], "attributes": kinds, "preset": None,
    }  # fmt: skip
    problems = [
        {"kind": "value", "message": text, "file": text, "row": 1, "field": text, "value": text} for text in texts[:30]
    ]
    report = {
        "files": [
            {
                "name": text, "kind": text, "columns": {text: NOT_USED}, "read": 5, "kept": 4, "rejected": 1, "notes": [text],
                "unused": [text], "recognised": text,
            }
            for text in texts[:30]
        ],
        "problems": problems, "problem_counts": {"value": len(problems)},
    }  # fmt: skip
    table = pd.DataFrame(events, columns=["user_id", "item_id", "event", "timestamp"])
    write_snapshot(workspace, items, table, info, report)
    return item_ids


def _publish_release(workspace: Workspace, texts: list[str]) -> str:
    """A release whose notes, decision and problems are payloads."""
    shop, settings = (
        read_shop(workspace),
        Settings.model_validate({"text": {"model": "none"}, "image": {"kind": "none"}}),
    )
    interactions = read_interactions(workspace, list(shop.items["item_id"]), settings.interactions)
    contents = replace(
        tiny_contents(shop, workspace, interactions, settings), notes=texts, decision=together(texts),
        steps=[{"name": text, "seconds": 1.0} for text in texts[:20]],
    )  # fmt: skip
    release_id = new_release_id(workspace)
    write_release(
        workspace,
        release_id,
        lambda folder: write_contents(contents, workspace, folder) | {"snapshot_id": shop.snapshot_id},
    )
    publish(workspace, release_id)
    return release_id


def _judge(database: Database, facade: Recommender, item_ids: list[str], texts: list[str]) -> None:
    """The person that is called payload n judged the list of product n, and ruled one out."""
    store = JudgementStore(database)
    made = []
    for item_id, rater in zip(item_ids, texts, strict=True):
        for place, one in enumerate(facade.neighbours(item_id, "hybrid", 10)[:2]):
            verdict = Verdict.IRRELEVANT if place else Verdict.RELEVANT
            vote = Vote(client_id=str(uuid.uuid4()), neighbour_id=one.item_id, verdict=verdict)
            made.append(
                judgement_in_release(
                    vote, facade, item_id, rater=rater[:LONGEST_NAME], source=Source.SIMILAR_ITEMS, k=10
                )
            )
    store.add(made)


def _draft(database: Database, workspace: Workspace, facade: Recommender, texts: list[str]) -> list[str]:
    """Drafts for all payloads; the first ones are shown in the shop."""
    store = DraftStore(database, workspace)
    new = [
        NewDraft(
            Product(title=text, description=text, brand=text, category=text, attributes={"colour": text}),
            product_id=f"d{number} {text}" if text.isprintable() else None,
        )
        for number, text in enumerate(texts)
    ]
    made = store.save(new, texts[0], facade.__contains__)
    for draft_id in made[:2]:
        store.approve(draft_id)
    return made


def _change(
    database: Database, workspace: Workspace, facade: Recommender, item_ids: list[str], texts: list[str]
) -> None:
    """Every fourth product was changed, by somebody that is called a payload."""
    store = ChangeStore(database, workspace)
    for item_id, text in list(zip(item_ids, texts, strict=True))[::4]:
        now = facade.product(item_id)
        store.save(item_id, now, replace(now, title=f"{text} changed"), text, 0)


def _fail(workspace: Workspace, message: str) -> None:
    """A training that failed with this message, and a step of this name."""
    run_id = new_run_id(workspace, "train")
    record = create_run(workspace, run_id, "train")
    ended = {"state": "failed", "ended_at": datetime.now(UTC).isoformat(timespec="seconds"), "message": message}
    step = {"name": message, "seconds": 1.0, "done": 0.5, "message": message}
    atomic_write_json(status_file(workspace, run_id), record | ended | {"steps": [step], "updated_at": time.time()})
