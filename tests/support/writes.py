"""Everything that people can write, each as one call on a small shop: for the matrix of roles, in tests and in benchmarks.

    shop = WritableShop.of(workspace)          # a shop of 60 products, two releases, one of each thing to write to
    for write in WRITES: write.do(shop)

A write that may be refused is done as `engine.access.acting.acting` says.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from engine.access.acting import current_actor
from engine.access.people import People
from engine.access.roles import Action, Role
from engine.catalogue.product import Product
from engine.catalogue.snapshot import write_snapshot
from engine.core.errors import NoDataError
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.curation import queue
from engine.curation.campaigns import Plan, campaign, close_campaign, create_campaign
from engine.curation.decisions import Decision, Kind, decide
from engine.curation.judgements import JudgementStore
from engine.curation.pools import DEPTH, pool_of_release
from engine.curation.votes import Judgement, Source, Verdict, Vote
from engine.edits.changes.store import ChangeStore
from engine.edits.drafts.store import DraftStore, NewDraft
from engine.edits.places.store import Place, PlaceStore
from engine.edits.sets.store import SetStore
from engine.edits.settings_file import change_setting
from engine.recommend.recommender import Recommender
from engine.release.publish import publish, rollback
from engine.shipping.pull import pull
from engine.shipping.push import push
from engine.store import Database
from engine.training.pipeline import train
from tests.support.tiny_release import build_tiny_release

__all__ = ["WRITES", "WritableShop", "Write"]

ANCHOR, NEIGHBOUR = "f1-02", "f1-03"


@dataclass
class WritableShop:
    """A shop with one of each thing that can be written to; made by somebody who may do everything."""

    workspace: Workspace
    database: Database
    recommender: Recommender
    campaign_id: str
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    @classmethod
    def of(cls, workspace: Workspace, url: str | None = None) -> WritableShop:
        """Build it in an empty workspace."""
        build_tiny_release(workspace)
        build_tiny_release(workspace)
        database, recommender = Database(url or workspace.database_url), Recommender.open(workspace)
        made = create_campaign(database, recommender, Plan("Standing", target=10))
        return cls(workspace, database, recommender, made)

    def drafts(self) -> DraftStore:
        return DraftStore(self.database, self.workspace)

    def changes(self) -> ChangeStore:
        return ChangeStore(self.database, self.workspace)

    def fresh_draft(self) -> str:
        """A new draft, made by whoever may."""
        new = NewDraft(Product(title=f"draft {uuid.uuid4()}"))
        return self.drafts().save([new], None, lambda _: False)[0]

    def judgement(self, source: Source, verdict: Verdict = Verdict.IRRELEVANT) -> Judgement:
        """What whoever acts says of one pair."""
        return Judgement(
            client_id=str(uuid.uuid4()), neighbour_id=NEIGHBOUR, verdict=verdict, anchor_id=ANCHOR,
            rater=current_actor().name, source=source, release_id="r0002", anchor_count=1, ranks={"hybrid": 1},
        )  # fmt: skip

    def card(self) -> queue.Card:
        """A card of the campaign, leased to whoever acts."""
        chosen, recommender = campaign(self.database, self.campaign_id), self.recommender

        def draw(session: Any) -> list[queue.Card]:
            return queue.draw(
                session, chosen, current_actor().name, 1,
                lambda anchor: pool_of_release("r0002", recommender.arms_returning(anchor, DEPTH), chosen.arms),
                now=time.time(), rng=self.rng,
            )  # fmt: skip

        return self.database.write(draw)[0]

    def decide(self, kind: Kind, card: queue.Card) -> None:
        """Decide about a card that whoever acts holds."""
        votes = tuple(
            Vote(client_id=str(uuid.uuid4()), neighbour_id=one, verdict=Verdict.RELEVANT) for one in card.neighbour_ids
        )
        decision = Decision(str(uuid.uuid4()), kind, card.id, votes if kind is Kind.JUDGED else ())
        rater = current_actor().name
        self.database.write(lambda session: decide(session, decision, rater, now=time.time()))


@dataclass(frozen=True)
class Write:
    """One kind of write.

    Parameters
    ----------
    prepare : makes what is written to, by somebody who may do everything but under the name of who will write; its result is
        handed to `do`.
    rows : entries that it adds to the audit: 1 in a transaction, 2 around files, 0 where nothing changes for anybody.
    """

    name: str
    action: Action
    do: Callable[[WritableShop, Any], Any]
    prepare: Callable[[WritableShop], Any] = lambda shop: None
    rows: int = 1


def _give_place(shop: WritableShop) -> Place:
    return PlaceStore(shop.database).give(ANCHOR, "boosted", 7, None, lambda _: True)


def _save_set(shop: WritableShop) -> str:
    return SetStore(shop.database).save(_unique(), [ANCHOR, "f1-04"], by=None).id


def _removed_set(shop: WritableShop) -> str:
    made = _save_set(shop)
    SetStore(shop.database).remove(made)
    return made


def _save_change(shop: WritableShop, title: str) -> None:
    now = shop.recommender.product(ANCHOR)
    before = shop.changes().get(ANCHOR)
    wanted = now.with_fields({"title": title})
    shop.changes().save(ANCHOR, now, wanted, current_actor().name, before.version if before else 0)


def _judged(shop: WritableShop) -> queue.Card:
    card = shop.card()
    shop.decide(Kind.JUDGED, card)
    return card


def _load(shop: WritableShop) -> None:
    items = pd.DataFrame({"item_id": ["a", "b"], "title": ["one", "two"]})
    events = pd.DataFrame({"user_id": ["u", "u"], "item_id": ["a", "b"]})
    write_snapshot(Workspace(shop.workspace.root / f"other-{uuid.uuid4().hex}"), items, events, {}, {})


def _train_nothing(shop: WritableShop, empty: Workspace) -> None:
    """A training of a workspace without a shop: begun, and failed, without what a whole one takes."""
    settings = Settings(database_url=shop.database.engine.url.render_as_string(hide_password=False))
    try:
        train(empty, settings)
    except NoDataError:
        return
    raise AssertionError("there was nothing to train on")


def _edit(shop: WritableShop, draft_id: str) -> None:
    version = shop.drafts().get(draft_id).version
    shop.drafts().edit(draft_id, version, Product(title=f"edited {uuid.uuid4()}"), ())


def _approved(shop: WritableShop) -> str:
    return shop.drafts().approve(shop.fresh_draft()).id


def _add_samples(shop: WritableShop) -> None:
    JudgementStore(shop.database).add([shop.judgement(Source.DEMO)])


def _unique() -> str:
    return f"{datetime.now(UTC):%H%M%S}-{uuid.uuid4().hex[:8]}"


def _with_role(shop: WritableShop) -> str:
    name = _unique()
    People(shop.database).set_role(name, Role.CURATOR)
    return name


def _sent(shop: WritableShop) -> str:
    address = str(shop.workspace.root / "sent" / _unique())
    push(shop.workspace, address)
    return address


def _open_campaign(shop: WritableShop) -> str:
    return create_campaign(shop.database, shop.recommender, Plan(_unique(), target=2))


def _judge_pair(source: Source) -> Callable[[WritableShop, Any], Any]:
    return lambda shop, _: JudgementStore(shop.database).add([shop.judgement(source)])


WRITES = (
    Write("judge a card", Action.JUDGE, lambda shop, card: shop.decide(Kind.JUDGED, card), lambda shop: shop.card()),
    Write("take a decision back", Action.JUDGE, lambda shop, card: shop.decide(Kind.UNDONE, card), _judged),
    Write("skip a card", Action.JUDGE, lambda s, card: s.decide(Kind.SKIPPED, card), lambda s: s.card(), rows=0),
    Write("be handed a card", Action.JUDGE, lambda shop, _: shop.card(), rows=0),
    Write("flag a neighbour", Action.JUDGE, _judge_pair(Source.SIMILAR_ITEMS)),
    Write("settle a dispute", Action.SETTLE_DISPUTES, _judge_pair(Source.ADJUDICATION)),
    Write(
        "remove samples", Action.REMOVE_SAMPLES, lambda s, _: JudgementStore(s.database).remove_demo(), _add_samples
    ),
    Write("save a draft", Action.EDIT_DRAFTS, lambda shop, _: shop.fresh_draft()),
    Write("edit a draft", Action.EDIT_DRAFTS, _edit, WritableShop.fresh_draft),
    Write("approve a draft", Action.EDIT_DRAFTS, lambda s, draft: s.drafts().approve(draft), WritableShop.fresh_draft),
    Write("withdraw a draft", Action.EDIT_DRAFTS, lambda s, draft: s.drafts().withdraw(draft), _approved),
    Write("discard a draft", Action.EDIT_DRAFTS, lambda s, draft: s.drafts().discard(draft), WritableShop.fresh_draft),
    Write("give a product a place", Action.GIVE_PLACES, lambda shop, _: _give_place(shop)),
    Write("take a place back", Action.GIVE_PLACES, lambda s, _: PlaceStore(s.database).take_back(ANCHOR), lambda s: _give_place(s)),
    Write("save a set", Action.EDIT_SETS, lambda shop, _: _save_set(shop)),
    Write("add to a set", Action.EDIT_SETS, lambda s, made: SetStore(s.database).add(made, ["f1-03"]), lambda s: _save_set(s)),
    Write("drop from a set", Action.EDIT_SETS, lambda s, made: SetStore(s.database).drop(made, [ANCHOR]), lambda s: _save_set(s)),
    Write("rename a set", Action.EDIT_SETS, lambda s, made: SetStore(s.database).rename(made, _unique()), lambda s: _save_set(s)),
    Write("remove a set", Action.EDIT_SETS, lambda s, made: SetStore(s.database).remove(made), lambda s: _save_set(s)),
    Write("restore a set", Action.EDIT_SETS, lambda s, made: SetStore(s.database).restore(made), lambda s: _removed_set(s)),
    Write("change a product", Action.CHANGE_PRODUCTS, lambda shop, _: _save_change(shop, _unique())),
    Write(
        "undo a change", Action.CHANGE_PRODUCTS, lambda s, _: s.changes().undo(ANCHOR), lambda s: _save_change(s, _unique())
    ),
    Write(
        "send products to review", Action.SEND_TO_REVIEW,
        lambda s, _: create_campaign(s.database, s.recommender, Plan(_unique(), chosen=[ANCHOR])),
    ),
    Write("start a campaign", Action.RUN_CAMPAIGNS, lambda shop, _: _open_campaign(shop)),
    Write("end a campaign", Action.RUN_CAMPAIGNS, lambda s, made: close_campaign(s.database, made), _open_campaign),
    Write(
        "publish a release", Action.PUBLISH, lambda s, _: publish(s.workspace, "r0001"),
        lambda s: publish(s.workspace, "r0002"), rows=2,
    ),
    Write(
        "roll back", Action.PUBLISH, lambda shop, _: rollback(shop.workspace),
        lambda s: [publish(s.workspace, one) for one in ("r0001", "r0002")], rows=2,
    ),
    Write("send a release", Action.PUBLISH, lambda s, _: push(s.workspace, str(s.workspace.root / "sent" / _unique())), rows=2),
    Write("fetch a release", Action.PUBLISH, lambda s, sent: pull(Workspace(s.workspace.root / "fetched-into" / _unique()), sent), _sent, rows=0),
    Write("train", Action.TRAIN, _train_nothing, lambda s: Workspace(s.workspace.root / f"empty-{_unique()}"), rows=2),
    Write("load a shop", Action.LOAD_SHOP, lambda shop, _: _load(shop), rows=0),
    Write("change a setting", Action.EDIT_SETTINGS, lambda s, _: change_setting(s.workspace, "serving.shop_name", _unique()), rows=2),
    Write("give a role", Action.SET_ROLES, lambda s, _: People(s.database).set_role(_unique(), Role.VIEWER)),
    Write("take a role back", Action.SET_ROLES, lambda s, name: People(s.database).remove(name), _with_role),
)  # fmt: skip
"""Loading a shop and fetching a release are recorded in the other shop's own audit, so they add no entry here."""
