"""How much judging goes on: a few counts that are cheap enough to be asked for every few seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select

from engine.store import CampaignAnchorRow, CampaignRow, Database, JudgementRow

__all__ = ["Activity", "activity", "newest_judgement"]


@dataclass(frozen=True)
class Activity:
    """`judgements` were ever stored; of the products of open campaigns `waiting` are undecided, and people hold `leases` of those."""

    judgements: int
    waiting: int
    leases: int


def activity(database: Database, now: float) -> Activity:
    """The counts at `now` (epoch seconds). Reads the undecided products of open campaigns and the end of the log."""
    anchor = CampaignAnchorRow
    leases = case((anchor.taken_until > now, 1), else_=0) + case((anchor.second_until > now, 1), else_=0)
    undecided = (
        select(func.count(), func.coalesce(func.sum(leases), 0))
        .join(CampaignRow, CampaignRow.id == anchor.campaign_id)
        .where(anchor.done.is_(False), CampaignRow.closed_at.is_(None))
    )
    with database.reading() as session:
        waiting, held = session.execute(undecided).one()
        last = session.scalar(select(func.max(JudgementRow.id)))
    return Activity(int(last or 0), int(waiting), int(held))


def newest_judgement(database: Database) -> datetime | None:
    """When the last judgement was stored, UTC; None where there is none."""
    with database.reading() as session:
        return session.scalar(select(JudgementRow.created_at).order_by(JudgementRow.id.desc()).limit(1))
