"""Campaigns: what is judged, and in which random order its products come onto cards.

**Order.** In every stratum (a bin of the interaction count) products stand in a random order that follows from their ids
alone (permanent random numbers, Ohlsson 1995). Cards are drawn in that order, so whatever was drawn when judging stops
is a simple random sample of the stratum, and a later release or campaign asks for much the same products again, whose
judgements it can use. Products that somebody chose are no random sample: a campaign of them says nothing of the shop.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sqlalchemy import Integer, func, insert, select, update
from sqlalchemy.orm import Session

from engine.access.audit import deed
from engine.access.roles import Action
from engine.core.errors import InputError, NotFoundError
from engine.curation.rates.irrelevance import bin_label, count_bins
from engine.store import CampaignAnchorRow, CampaignRow, Database

if TYPE_CHECKING:
    from engine.recommend.recommender import Recommender

__all__ = [
    "REPEAT_SHARE",
    "SECOND_SHARE",
    "TARGET",
    "Campaign",
    "Plan",
    "campaign",
    "campaigns",
    "close_campaign",
    "create_campaign",
    "everyday_campaign",
    "progress",
]

TARGET = 30  # products of a stratum that an interval needs
SECOND_SHARE, REPEAT_SHARE = 0.15, 0.05
MOST_PER_STRATUM = 2000  # more of one stratum are never judged
LOOKED_AT = 20
EVERYDAY = "Everyday"


@dataclass(frozen=True)
class Campaign:
    """A campaign as it is stored; `kind` is "everyday" (of every release, without end), "planned" or "chosen"."""

    id: str
    name: str
    kind: str
    release_id: str
    other_release_id: str | None
    arms: tuple[str, ...]
    strata: tuple[int, ...]
    target: int
    second_share: float
    repeat_share: float
    sampling: str
    guidelines: str | None
    created_by: str | None
    created_at: datetime
    deadline: datetime | None
    closed_at: datetime | None

    def is_open(self, now: datetime) -> bool:
        """Whether new cards are drawn."""
        return self.closed_at is None and (self.deadline is None or now <= self.deadline)


@dataclass(frozen=True)
class Plan:
    """What a campaign is to be.

    Parameters
    ----------
    arms : whose lists are judged; all of the release when empty.
    strata : numbers of the bins (`count_bins`); all when empty.
    target : products of each stratum.
    other_release_id : a second release whose lists are judged on the same cards.
    chosen : the products themselves; then strata and target are theirs.
    how : how they were chosen, in a few words.
    """

    name: str
    arms: Sequence[str] = ()
    strata: Sequence[int] = ()
    target: int = TARGET
    second_share: float = SECOND_SHARE
    repeat_share: float = REPEAT_SHARE
    other_release_id: str | None = None
    deadline: datetime | None = None
    guidelines: str | None = None
    created_by: str | None = None
    chosen: Sequence[str] = ()
    how: str = ""


def create_campaign(database: Database, recommender: Recommender, plan: Plan, *, now: datetime | None = None) -> str:
    """Store a campaign over the lists of a release and return its id; products the release learned from are not drawn.

    Raises `InputError` naming the field where nothing could ever be judged in it, or its name is taken.
    """
    now = now or datetime.now(UTC)
    _check(recommender, plan, now)
    order = _order(recommender, plan, len(recommender.items) if plan.chosen else plan.target)
    _check_lists(recommender, plan, order)
    with database.transaction() as session:
        taken = select(CampaignRow.id).where(CampaignRow.closed_at.is_(None), CampaignRow.name == plan.name.strip())
        if session.execute(taken).first() is not None:
            raise InputError(
                f"an open campaign is already called {plan.name.strip()!r}; choose another name", field="name"
            )
        action = Action.SEND_TO_REVIEW if plan.chosen else Action.RUN_CAMPAIGNS
        with deed(action, plan.name.strip(), session=session) as done:
            made = _stored(session, recommender, plan, order, "chosen" if plan.chosen else "planned", now)
            done.after = {"id": made, "products": len(order), "release": recommender.release_id}
        return made


def everyday_campaign(database: Database, recommender: Recommender) -> Campaign:
    """The standing campaign of a release, made when it is first asked for; that of another release ends then.

    It goes on where it was once its release is served again.
    """
    query = select(CampaignRow).where(CampaignRow.kind == "everyday", CampaignRow.release_id == recommender.release_id)
    with database.reading() as session:
        found = session.scalars(query).first()
        if found is not None and found.closed_at is None:
            return _from_row(found)
    with database.transaction() as session:
        found, now = session.scalars(query).first(), datetime.now(UTC)
        others = update(CampaignRow).where(CampaignRow.kind == "everyday", CampaignRow.closed_at.is_(None))
        session.execute(others.values(closed_at=now))
        if found is not None:
            found.closed_at = None
        else:
            plan = Plan(EVERYDAY)
            made = _stored(session, recommender, plan, _order(recommender, plan, MOST_PER_STRATUM), "everyday", now)
            found = session.get_one(CampaignRow, made)
        return _from_row(found)


def campaigns(database: Database) -> list[Campaign]:
    """All of them, the newest first."""
    with database.reading() as session:
        rows = session.scalars(select(CampaignRow).order_by(CampaignRow.created_at.desc(), CampaignRow.id))
        return [_from_row(row) for row in rows]


def campaign(database: Database, campaign_id: str) -> Campaign:
    """One of them; raises `NotFoundError`."""
    with database.reading() as session:
        row = session.get(CampaignRow, campaign_id)
        if row is None:
            raise NotFoundError("This campaign no longer exists; pick another one on the Review page.")
        return _from_row(row)


def close_campaign(database: Database, campaign_id: str, *, now: datetime | None = None) -> None:
    """Draw no more cards for it; those that people hold can still be judged. Closing it again changes nothing."""
    query = select(CampaignRow).where(CampaignRow.id == campaign_id, CampaignRow.closed_at.is_(None))
    with database.transaction() as session, deed(Action.RUN_CAMPAIGNS, campaign_id, session=session) as done:
        row = session.scalars(query).first()
        done.nothing_done = row is None
        if row is not None:
            row.closed_at = now or datetime.now(UTC)
            done.subject, done.before, done.after = row.name, "open", "ended"


def progress(database: Database, campaign_id: str) -> pd.DataFrame:
    """By stratum: stratum, done (products judged), target (products wanted), size (products there are)."""
    row = CampaignAnchorRow
    query = (
        select(
            row.stratum,
            func.sum((row.done & row.first_card.is_not(None)).cast(Integer)).label("done"),
            func.min(row.stratum_size).label("size"),
            func.min(CampaignRow.target).label("target"),
        )
        .join(CampaignRow, CampaignRow.id == row.campaign_id)
        .where(row.campaign_id == campaign_id)
        .group_by(row.stratum)
        .order_by(row.stratum)
    )
    with database.reading() as session:
        rows = [tuple(found) for found in session.execute(query)]
    table = pd.DataFrame.from_records(rows, columns=["stratum", "done", "size", "target"]).astype("int64")
    table["target"] = table[["target", "size"]].min(axis=1)
    return table[["stratum", "done", "target", "size"]]


def _check(recommender: Recommender, plan: Plan, now: datetime) -> None:
    if not plan.name.strip():
        raise InputError("give the campaign a name", field="name")
    if plan.target < 1:
        raise InputError("ask for at least one product from each group", field="target")
    for field in ("second_share", "repeat_share"):
        if not 0 <= getattr(plan, field) <= 1:
            raise InputError("a share lies between 0 and 1", field=field)
    if plan.deadline is not None and plan.deadline <= now:
        raise InputError("the deadline has already passed; choose a later one", field="deadline")
    if plan.other_release_id == recommender.release_id:
        raise InputError("compare two different releases, or judge one alone", field="other_release_id")
    unknown = [arm for arm in plan.arms if arm not in recommender.arms]
    if unknown:
        raise InputError(f"{recommender.manifest.label} has no list {unknown[0]!r}", field="arms")
    for item in plan.chosen:
        recommender.row(item)


def _order(recommender: Recommender, plan: Plan, most: int) -> pd.DataFrame:
    """The products in their order, `most` of each stratum: anchor_id, anchor_count, stratum, stratum_size, key, position."""
    counts = recommender.items["interaction_count"].to_numpy(dtype=np.int64)
    strata = np.asarray(count_bins(counts))
    if plan.chosen:
        rows = np.unique(recommender.rows_of(plan.chosen))
    else:
        learned = recommender.rows_of(sorted(recommender.trained_on))
        fresh = np.ones(len(counts), dtype=bool)
        fresh[learned[learned >= 0]] = False
        rows = np.flatnonzero(fresh)
    if plan.strata and not plan.chosen:
        empty = [number for number in plan.strata if not (strata[rows] == number).any()]
        if empty:
            raise InputError(
                f"no product of the shop has {bin_label(empty[0])} interactions; leave that group out", field="strata"
            )
        rows = rows[np.isin(strata[rows], plan.strata)]
    ids = recommender.items["item_id"].iloc[rows].tolist()
    keys = np.frombuffer(b"".join(hashlib.sha256(one.encode()).digest() for one in ids), dtype=">u8").reshape(-1, 4)
    order = np.lexsort((*keys.T[::-1], strata[rows]))
    ordered = strata[rows][order]
    position = 1 + np.arange(len(order)) - np.searchsorted(ordered, ordered)
    order, position = order[position <= most], position[position <= most]
    drawn = rows[order]
    return pd.DataFrame(
        {
            "anchor_id": pd.array([ids[place] for place in order], dtype="str"),
            "anchor_count": counts[drawn],
            "stratum": strata[drawn],
            "stratum_size": np.bincount(strata)[strata[drawn]],
            "key": [keys[place].tobytes() for place in order],
            "position": position,
        }
    )


def _check_lists(recommender: Recommender, plan: Plan, order: pd.DataFrame) -> None:
    """Every stratum has a product, among its first ones, for which one of the arms has a list."""
    for stratum in sorted(set(order["stratum"].tolist())):
        tried = order.loc[order["stratum"] == stratum, "anchor_id"].head(LOOKED_AT)
        if not any(recommender.neighbours(item, arm, 1) for item in tried for arm in plan.arms or recommender.arms):
            names = ", ".join(plan.arms)
            raise InputError(
                f"{names} shows nothing beside products with {bin_label(stratum)} interactions; "
                "leave that group out, or have another list judged as well",
                field="arms",
            )


def _stored(
    session: Session, recommender: Recommender, plan: Plan, order: pd.DataFrame, kind: str, now: datetime
) -> str:
    campaign_id = str(uuid.uuid4())
    sampling = {
        "everyday": "drawn at random, one product from each group in turn",
        "planned": f"drawn at random, {plan.target} products from each group",
        "chosen": f"chosen by {plan.created_by or 'someone'}: {plan.how or 'by hand'}",
    }[kind]
    target = int(order.groupby("stratum").size().max()) if kind == "chosen" else plan.target
    session.add(
        CampaignRow(
            id=campaign_id, name=plan.name.strip(), kind=kind, release_id=recommender.release_id,
            other_release_id=plan.other_release_id, arms=list(plan.arms or recommender.arms),
            strata=sorted({int(number) for number in order["stratum"]}), target=target,
            second_share=plan.second_share, repeat_share=plan.repeat_share, sampling=sampling,
            guidelines=plan.guidelines, created_by=plan.created_by, created_at=now, deadline=plan.deadline,
            closed_at=None,
        )
    )  # fmt: skip
    session.flush()
    fresh: dict[str, Any] = {
        "campaign_id": campaign_id, "taken_until": 0.0, "done": False, "first_card": None, "first_rater": None,
        "second_card": None, "second_until": 0.0, "second_done": False,
    }  # fmt: skip
    session.execute(
        insert(CampaignAnchorRow),
        [
            {
                **fresh, "anchor_id": str(anchor), "anchor_count": int(count), "stratum": int(stratum),
                "stratum_size": int(size), "position": int(position), "twice": _share(key) < plan.second_share,
            }
            for anchor, count, stratum, size, key, position in order.itertuples(index=False)
        ],
    )  # fmt: skip
    return campaign_id


def _share(key: bytes) -> float:
    """A number in [0, 1) that is independent of the order, which the beginning of the key decides."""
    return int.from_bytes(key[16:24]) / 2**64


def _from_row(row: CampaignRow) -> Campaign:
    values = {field.name: getattr(row, field.name) for field in fields(Campaign)}
    values["arms"], values["strata"] = tuple(row.arms), tuple(row.strata)
    return Campaign(**values)
