"""The judgement store: what people said about pairs of products, never overwritten, never lost.

A judgement is a raw vote of one rater about one pair (anchor, neighbour), with the arms and ranks at which the release
of that moment returned the pair. A change of mind, or taking a flag back, is a new row that supersedes the older one.
Every judgement carries an id made where it was given, so that sending it twice stores it once. `add` returns only when
the rows are on the disk.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from sqlalchemy import Select, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from engine.access.audit import Deed, deed
from engine.access.roles import Action
from engine.core.errors import NotAllowedError, StoreError
from engine.curation.votes import Judgement, Source, Verdict
from engine.store import AppearanceRow, Database, JudgementRow

__all__ = ["JudgementStore", "add_within", "check_own", "said", "said_before"]

ATTEMPTS = 3
IDS_PER_QUERY = 500
MOST_RECORDED = 100  # judgements that the audit keeps word by word
CONTENT = (
    "client_id",
    "anchor_id",
    "neighbour_id",
    "verdict",
    "implied",
    "rater",
    "source",
    "release_id",
    "anchor_count",
    "reason",
    "card_id",
)
COLUMNS = ("id", *CONTENT, "created_at")
DTYPES = {
    "id": "int64",
    "last_id": "int64",
    "judgement_id": "int64",
    "implied": "bool",
    "anchor_count": "int64",
    "rank": "int64",
    "created_at": "datetime64[us, UTC]",
}

logger = logging.getLogger(__name__)


class JudgementStore:
    """The judgements in a database. Every method raises `StoreError` where the database refuses."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(self, judgements: Iterable[Judgement]) -> int:
        """Store what is not stored yet and return how many rows that made; all of them or, on an error, none.

        Raises `NotAllowedError` where who acts may not judge (or settle disputes), or judges in somebody else's name.

        When this returns the rows are on the disk. A `client_id` that is stored already is left as it is; `StoreError`
        if it is stored with other content.
        """
        batch = list(judgements)
        if not batch:
            return 0
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self.database.transaction() as session:
                    return _add_recorded(session, batch)
            except StoreError as exc:
                # Another process stored one of these ids after we looked: look again.
                if attempt == ATTEMPTS or not isinstance(exc.__cause__, IntegrityError):
                    raise
        raise AssertionError("the last attempt returns or raises")

    def last_id(self) -> int:
        """The number of the newest row, 0 where there is none: what was worked out from the log holds until it changes."""
        with self.database.reading() as session:
            return int(session.execute(select(func.max(JudgementRow.id))).scalar() or 0)

    def anchors_since(self, row: int) -> list[str]:
        """Products about which anything was added after the row of this number."""
        with self.database.reading() as session:
            return list(session.scalars(select(JudgementRow.anchor_id).where(JudgementRow.id > row).distinct()))

    def current(self, *anchor_ids: str) -> pd.DataFrame:
        """The votes in force: the latest row of each rater on each pair, withdrawn ones left out; oldest first.

        Columns: id, client_id, anchor_id, neighbour_id, verdict, implied, rater, source, release_id, anchor_count,
        reason, card_id, created_at (UTC). With `anchor_ids`, those about the neighbours of these products.
        """
        newest = (
            select(func.max(JudgementRow.id))
            .where(JudgementRow.source != Source.REPEAT)
            .group_by(JudgementRow.anchor_id, JudgementRow.neighbour_id, JudgementRow.rater)
        )
        if anchor_ids:
            newest = newest.where(JudgementRow.anchor_id.in_(anchor_ids))
        wanted = JudgementRow.id.in_(newest), JudgementRow.verdict != Verdict.WITHDRAWN
        return self._frame(select(*_columns()).where(*wanted).order_by(JudgementRow.id))

    def appearances(self, anchor_id: str | None = None) -> pd.DataFrame:
        """In which lists judged pairs appeared: one row per release, pair and arm, with columns
        release_id, anchor_id, neighbour_id, arm, rank, last_id (the newest judgement that recorded it).
        """
        appearance = (
            JudgementRow.release_id,
            JudgementRow.anchor_id,
            JudgementRow.neighbour_id,
            AppearanceRow.arm,
        )
        query = (
            select(*appearance, func.min(AppearanceRow.rank).label("rank"), func.max(JudgementRow.id).label("last_id"))
            .join(JudgementRow, JudgementRow.id == AppearanceRow.judgement_id)
            .group_by(*appearance)
            .order_by(*appearance)
        )
        if anchor_id is not None:
            query = query.where(JudgementRow.anchor_id == anchor_id)
        return self._frame(query)

    def log(self) -> pd.DataFrame:
        """Every row ever stored, oldest first: the columns of `current`, and `seen`: arms and ranks as text ("als 1, hybrid 4")."""
        with self.database.reading() as session:
            rows = _read(session, select(*_columns()).order_by(JudgementRow.id))
            appearances = _read(
                session,
                select(AppearanceRow.judgement_id, AppearanceRow.arm, AppearanceRow.rank).order_by(
                    AppearanceRow.judgement_id, AppearanceRow.arm
                ),
            )
        ranks = appearances["arm"] + " " + appearances["rank"].astype("str")
        text = ranks.groupby(appearances["judgement_id"]).agg(", ".join)
        rows["seen"] = rows["id"].map(text).fillna("").astype("str")
        return rows

    def has_demo(self) -> bool:
        """Whether sample judgements are among the rows."""
        query = select(JudgementRow.id).where(JudgementRow.source == Source.DEMO).limit(1)
        with self.database.reading() as session:
            return session.execute(query).first() is not None

    def remove_demo(self) -> int:
        """Delete the sample judgements, the only rows that are ever deleted, and return how many there were."""
        with self.database.transaction() as session:
            ids = select(JudgementRow.id).where(JudgementRow.source == Source.DEMO)
            # Said outright rather than left to the foreign key: a database may be opened without its cascades.
            session.execute(delete(AppearanceRow).where(AppearanceRow.judgement_id.in_(ids)))
            query = delete(JudgementRow).where(JudgementRow.source == Source.DEMO).returning(JudgementRow.id)
            with deed(Action.REMOVE_SAMPLES, "sample judgements", session=session) as done:
                removed = len(session.scalars(query).all())
                done.before, done.nothing_done = removed, not removed
        logger.warning("removed %d sample judgements from %s", removed, self.database.name)
        return removed

    def _frame(self, query: Select) -> pd.DataFrame:
        with self.database.reading() as session:
            return _read(session, query)


def check_own(done: Deed, raters: Iterable[str]) -> None:
    """Raise `NotAllowedError` where a person judges in somebody else's name; commands and runs bring what others said."""
    others = set(raters) - {done.actor.name}
    if others and done.actor.via not in ("command", "run"):
        raise NotAllowedError(f"You are here as {done.actor.name} and cannot judge as {min(others)}. Reload the page.")


def said(judgements: Sequence[Judgement]) -> Any:
    """Judgements as the audit keeps them: neighbour -> verdict; of many at once only how many said what."""
    if len(judgements) > MOST_RECORDED:
        return dict(Counter(str(judgement.verdict) for judgement in judgements))
    return {judgement.neighbour_id: str(judgement.verdict) for judgement in judgements}


def said_before(session: Session, judgements: Sequence[Judgement]) -> Any:
    """What the same rater said of the same pairs until now, as `said`; None where nothing, and of many at once."""
    if not 0 < len(judgements) <= MOST_RECORDED:
        return None
    row, first = JudgementRow, judgements[0]
    query = (
        select(row.neighbour_id, row.verdict)
        .where(
            row.anchor_id == first.anchor_id, row.rater == first.rater, row.source != Source.REPEAT,
            row.neighbour_id.in_([one.neighbour_id for one in judgements]),
        )
        .order_by(row.id)
    )  # fmt: skip
    return {str(neighbour): verdict for neighbour, verdict in session.execute(query)} or None


def _add_recorded(session: Session, batch: Sequence[Judgement]) -> int:
    by_anchor: dict[str, list[Judgement]] = {}
    for judgement in batch:
        by_anchor.setdefault(judgement.anchor_id, []).append(judgement)
    groups = {"judgements": list(batch)} if len(batch) > MOST_RECORDED else by_anchor
    total = 0
    for subject, group in groups.items():
        settles = any(one.source == Source.ADJUDICATION for one in group)
        with deed(Action.SETTLE_DISPUTES if settles else Action.JUDGE, subject, session=session) as done:
            check_own(done, (one.rater for one in group))
            done.before, done.after = said_before(session, group), said(group)
            stored = add_within(session, group)
            done.nothing_done = not stored
            total += stored
    return total


def add_within(session: Session, judgements: Iterable[Judgement]) -> int:
    """`JudgementStore.add` as part of a larger transaction."""
    batch, now = list(judgements), datetime.now(UTC)
    known = _stored(session, [judgement.client_id for judgement in batch])
    rows = []
    for judgement in batch:
        row = _to_row(judgement, now)
        if judgement.client_id not in known:
            rows.append(row)
            known[judgement.client_id] = row
        elif _content(known[judgement.client_id]) != _content(row):
            raise StoreError(
                f"Judgement {judgement.client_id} about {judgement.anchor_id!r} and {judgement.neighbour_id!r} "
                "is stored with other content. Nothing was stored; a change of mind needs an id of its own."
            )
    session.add_all(rows)
    session.flush()
    return len(rows)


def _columns() -> list[Any]:
    return [getattr(JudgementRow, name) for name in COLUMNS]


def _read(session: Session, query: Select) -> pd.DataFrame:
    """A frame with the same dtypes whether or not there are rows."""
    result = session.execute(query)
    names = list(result.keys())
    frame = pd.DataFrame.from_records(result.fetchall(), columns=names)
    if "created_at" in frame:
        frame["created_at"] = pd.to_datetime(frame["created_at"], utc=True)
    return frame.astype({name: DTYPES.get(name, "str") for name in names})


def _stored(session: Session, client_ids: Sequence[str]) -> dict[str, JudgementRow]:
    found: dict[str, JudgementRow] = {}
    for start in range(0, len(client_ids), IDS_PER_QUERY):
        query = select(JudgementRow).where(JudgementRow.client_id.in_(client_ids[start : start + IDS_PER_QUERY]))
        found |= {row.client_id: row for row in session.scalars(query)}
    return found


def _to_row(judgement: Judgement, now: datetime) -> JudgementRow:
    values = {name: getattr(judgement, name) for name in CONTENT}
    # Plain text, not members of an enumeration: what a driver makes of those is its own affair.
    values |= {name: str(values[name]) for name in ("verdict", "source", "reason") if values[name] is not None}
    appearances = [AppearanceRow(arm=arm, rank=rank) for arm, rank in judgement.ranks.items()]
    return JudgementRow(**values, created_at=now, appearances=appearances)


def _content(row: JudgementRow) -> tuple[Any, ...]:
    """What makes two judgements the same; the order of arms does not matter."""
    return (*(getattr(row, name) for name in CONTENT), {one.arm: one.rank for one in row.appearances})
