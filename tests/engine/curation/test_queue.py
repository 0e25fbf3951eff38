"""The review queue: leases, second opinions, repetitions, and that what is recorded is what chance did."""

from __future__ import annotations

import multiprocessing
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import select

from engine.core.errors import InputError
from engine.core.workspace import Workspace
from engine.curation import decisions, leases, queue
from engine.curation.campaigns import Campaign, Plan, campaign, close_campaign, create_campaign, everyday_campaign
from engine.curation.judgements import JudgementStore
from engine.curation.leases import AHEAD, FIRST_LEASE_SECONDS, LEASE_SECONDS, MOST_HELD, SHARE
from engine.curation.pools import Pool
from engine.curation.queue import REPEAT_AFTER
from engine.curation.votes import Vote
from engine.recommend.recommender import Recommender
from engine.store import CampaignAnchorRow, CardRow, Database
from tests.support.tiny_release import build_tiny_release

NOW = datetime(2026, 5, 1, tzinfo=UTC).timestamp()
DAY = 24 * 3600


@pytest.fixture(scope="module")
def facade(tmp_path_factory) -> Recommender:
    return Recommender.open(build_tiny_release(Workspace(tmp_path_factory.mktemp("queue")), 72).workspace)


@pytest.fixture(params=["url", pytest.param("postgres_url", marks=pytest.mark.postgres)])
def any_store(request, open_store) -> JudgementStore:
    return open_store(request.getfixturevalue(request.param))


def pool_of(anchor: str) -> Pool:
    """Fourteen neighbours: ten of one arm, ten of another, six of both."""
    ranks = {f"{anchor}-{number:02}": {} for number in range(14)}
    for rank, neighbour in enumerate(sorted(ranks)[:10], start=1):
        ranks[neighbour].setdefault("r0001", {})["als"] = rank
    for rank, neighbour in enumerate(sorted(ranks)[4:], start=1):
        ranks[neighbour].setdefault("r0001", {})["hybrid"] = rank
    return Pool(ranks, {"r0001": {"als": 10, "hybrid": 10}})


class Desk:
    """A campaign at which people draw and judge; time stands still unless a test moves it."""

    def __init__(self, store: JudgementStore, chosen: Campaign, seed: int = 0) -> None:
        self.store, self.campaign, self.now, self.rng = store, chosen, NOW, np.random.default_rng(seed)
        self.pool = pool_of

    def draw(self, rater: str, want: int = 1, size: int = 10, have: list[str] | None = None) -> list[queue.Card]:
        with self.store.database.transaction() as session:
            return queue.draw(
                session, self.campaign, rater, want, self.pool, now=self.now, rng=self.rng, size=size, have=have or ()
            )

    def judge(self, card: queue.Card, rater: str, verdict: str = "relevant") -> list[Vote]:
        votes = [
            Vote(client_id=str(uuid.uuid4()), neighbour_id=neighbour, verdict=verdict, implied=True)
            for neighbour in card.neighbour_ids
        ]
        with self.store.database.transaction() as session:
            decisions.judge(session, card.id, rater, votes, now=self.now, seconds=2.5)
        self.now += 1
        return votes

    def undo(self, card: queue.Card, rater: str) -> None:
        with self.store.database.transaction() as session:
            decisions.undo(session, card.id, rater, str(uuid.uuid4()), now=self.now)

    def skip(self, card: queue.Card, rater: str) -> None:
        with self.store.database.transaction() as session:
            decisions.skip(session, card.id, rater, now=self.now)

    def hoard(self, rater: str, times: int = 10) -> list[queue.Card]:
        """Ask for ten cards again and again, as if none had been lost."""
        got: list[queue.Card] = []
        for _ in range(times):
            got += self.draw(rater, 10, have=[card.id for card in got])
        return got

    def left(self) -> int:
        with self.store.database.reading() as session:
            rows = session.scalars(select(CampaignAnchorRow).where(CampaignAnchorRow.campaign_id == self.campaign.id))
            return sum(not row.done for row in rows)

    def row(self, card: queue.Card) -> CardRow:
        with self.store.database.reading() as session:
            return session.get_one(CardRow, card.id)


def desk(store: JudgementStore, facade: Recommender, **plan) -> Desk:
    made = create_campaign(
        store.database, facade, Plan(**{"name": "Spring", "second_share": 0.0, "repeat_share": 0.0} | plan),
        now=datetime.fromtimestamp(NOW, UTC),
    )  # fmt: skip
    return Desk(store, campaign(store.database, made))


def test_nobody_gets_what_somebody_else_holds_until_the_lease_ends(any_store, facade):
    spring = desk(any_store, facade)
    held = {card.anchor_id for card in spring.draw("Ann", 5)}
    assert len(held) == 5
    assert not held & {card.anchor_id for card in spring.draw("Bo", 5)}
    spring.now += LEASE_SECONDS + 1
    assert {card.anchor_id for card in spring.draw("Cy", 5)} == held


def test_nobody_holds_more_than_their_share_and_lost_cards_come_back(any_store, facade):
    spring = desk(any_store, facade)
    greedy = spring.hoard("Ann")
    share = spring.left() // SHARE
    assert AHEAD < share < MOST_HELD
    assert len({card.anchor_id for card in greedy}) == share
    assert spring.draw("Bo", 5), "others still find products"
    have = list(dict.fromkeys(card.id for card in greedy))
    assert spring.draw("Ann", 10, have=have) == [], "her browser has all that she may hold"
    again = spring.draw("Ann", 3, have=have[3:])
    assert {card.id for card in again} == set(have[:3])
    for card in again:
        spring.judge(card, "Ann")
    fresh = spring.draw("Ann", 1, have=have)
    assert len(fresh) == 1
    assert fresh[0].id not in have


def test_a_large_campaign_gives_nobody_more_than_anybody_can_use(any_store, facade):
    spring = desk(any_store, facade, target=10_000)
    with any_store.database.transaction() as session:
        model = session.scalars(select(CampaignAnchorRow)).first()
        assert model is not None
        values = {column.name: getattr(model, column.name) for column in CampaignAnchorRow.__table__.columns}
        session.add_all(
            CampaignAnchorRow(**values | {"anchor_id": f"more {number}", "position": 1000 + number})
            for number in range(200)
        )
    assert len({card.anchor_id for card in spring.hoard("Ann")}) == MOST_HELD


def test_one_person_who_asks_without_end_leaves_cards_for_six_others(store, facade):
    spring = desk(store, facade)
    spring.hoard("Eve", 144)
    assert [len(spring.draw(f"Honest {number}", 6)) for number in range(6)] == [6] * 6


def test_cards_of_every_campaign_count_and_the_oldest_of_others_are_given_back(any_store, facade):
    desks = [desk(any_store, facade, name=f"Campaign {number}") for number in range(4)]
    for number, one in enumerate(desks):
        one.rng = np.random.default_rng(number)
    first, *_, last = desks
    early = first.draw("Ann", 10)
    for another in desks[1:]:
        another.now += 1
        assert len(another.draw("Ann", 10)) == 10
    assert [first.row(card).lease_until > 0 for card in early] == [False] * 10
    assert {card.anchor_id for card in first.draw("Bo", 10)} == {card.anchor_id for card in early}
    first.judge(early[0], "Ann")  # what she had begun is stored all the same
    with any_store.database.reading() as session:
        assert len(leases.held(session, "Ann", last.now)) <= MOST_HELD


def test_cards_of_who_never_answers_come_back_soon_and_those_of_who_does_stay(any_store, facade):
    spring = desk(any_store, facade)
    silent, working = spring.draw("Eve", 3), spring.draw("Ann", 3)
    spring.judge(working[0], "Ann")
    have = [card.id for card in working[1:]]
    spring.draw("Ann", 1, have=have)
    spring.now += FIRST_LEASE_SECONDS + 1
    free = {card.anchor_id for card in spring.draw("Bo", 10)}
    assert {card.anchor_id for card in silent} <= free
    assert not {card.anchor_id for card in working} & free


def test_a_clock_that_is_set_back_locks_nothing(any_store, facade):
    spring = desk(any_store, facade, second_share=1.0)
    held = {card.anchor_id for card in spring.draw("Ann", 5)}
    judged = spring.draw("Bo", 1)[0]
    spring.judge(judged, "Bo")
    second = next(card for card in spring.draw("Cy", 9) if card.anchor_id == judged.anchor_id)
    spring.now -= DAY
    freed = {card.anchor_id for rater in ("Dee", "Eve") for card in spring.draw(rater, 9)}
    assert held | {second.anchor_id} <= freed
    assert not held & {card.anchor_id for card in spring.draw("Flo", 9)}, "what is leased by the new time is held"


def test_a_clock_that_is_a_little_behind_another_dashboards_frees_nothing(any_store, facade):
    spring = desk(any_store, facade)
    held = {card.anchor_id for card in spring.draw("Ann", 5)}
    spring.now -= 30
    assert not held & {card.anchor_id for card in spring.draw("Bo", 9)}


def test_a_clock_that_is_set_forward_ends_leases_and_what_was_judged_counts(any_store, facade):
    spring = desk(any_store, facade)
    mine = spring.draw("Ann")[0]
    spring.now += DAY
    theirs = next(card for card in spring.draw("Bo", 9) if card.anchor_id == mine.anchor_id)
    spring.now -= DAY
    votes = spring.judge(mine, "Ann") + spring.judge(theirs, "Bo")
    assert set(any_store.log()["client_id"]) == {vote.client_id for vote in votes}


def test_a_skipped_card_can_be_taken_back_after_the_clock_was_set_back(any_store, facade):
    spring = desk(any_store, facade)
    card = spring.draw("Ann")[0]
    spring.skip(card, "Ann")
    assert card.anchor_id in {other.anchor_id for other in spring.draw("Bo", 9)}
    spring.now -= DAY
    spring.undo(card, "Ann")
    assert spring.row(card).state == "leased"


def test_what_was_judged_last_does_not_come_back_at_once_because_the_clock_was_set(any_store, facade):
    spring = desk(any_store, facade, repeat_share=1.0)
    cards = []
    for number in range(REPEAT_AFTER + 1):
        cards += spring.draw("Ann")
        spring.judge(cards[-1], "Ann")
        if number == 0:
            spring.now -= DAY
    again = spring.draw("Ann")[0]
    assert spring.row(again).of == cards[0].id


def test_groups_of_the_count_are_filled_in_turn(any_store, facade):
    spring = desk(any_store, facade)
    strata = [spring.row(card).stratum for card in spring.draw("Ann", 2 * len(spring.campaign.strata))]
    assert strata == sorted(spring.campaign.strata) * 2


def test_what_is_judged_after_its_lease_is_kept_and_counts_as_a_second_opinion(store, facade):
    spring = desk(store, facade)
    (late,) = spring.draw("Ann")
    spring.now += LEASE_SECONDS + 1
    (taken,) = spring.draw("Bo")
    assert taken.anchor_id == late.anchor_id
    spring.judge(taken, "Bo")
    spring.judge(late, "Ann")
    current = store.current()
    assert set(current["rater"]) == {"Ann", "Bo"}
    assert set(current["card_id"]) == {late.id, taken.id}
    assert spring.draw("Cy")[0].anchor_id != late.anchor_id


def test_a_skipped_card_goes_to_somebody_else_and_not_back(store, facade):
    spring = desk(store, facade)
    (card,) = spring.draw("Ann")
    spring.skip(card, "Ann")
    assert card.anchor_id not in {one.anchor_id for one in spring.draw("Ann", 3)}
    assert card.anchor_id == spring.draw("Bo")[0].anchor_id


def test_a_skip_of_an_old_lease_does_not_end_somebody_elses(store, facade):
    spring = desk(store, facade)
    (old,) = spring.draw("Ann")
    spring.now += LEASE_SECONDS + 1
    (new,) = spring.draw("Bo")
    assert new.anchor_id == old.anchor_id
    spring.skip(old, "Ann")
    assert new.anchor_id not in {one.anchor_id for one in spring.draw("Cy", 3)}


def test_a_skip_that_somebody_took_up_cannot_be_taken_back(store, facade):
    spring = desk(store, facade)
    (card,) = spring.draw("Ann")
    spring.skip(card, "Ann")
    spring.draw("Bo")
    with pytest.raises(InputError, match="someone else has taken"):
        spring.undo(card, "Ann")


def test_undo_withdraws_the_votes_and_leases_the_card_again(store, facade):
    spring = desk(store, facade)
    (card,) = spring.draw("Ann")
    spring.judge(card, "Ann")
    spring.undo(card, "Ann")
    assert store.current().empty
    assert len(store.log()) == 20
    assert card.anchor_id not in {one.anchor_id for one in spring.draw("Bo", 4)}
    spring.judge(card, "Ann", "irrelevant")
    assert set(store.current()["verdict"]) == {"irrelevant"}


def test_a_second_opinion_is_by_another_person_on_the_same_neighbours(store, facade):
    spring = desk(store, facade, second_share=1.0, strata=(0,))
    size = spring.draw("Nobody", 100)
    spring.now += LEASE_SECONDS + 1
    firsts = {card.anchor_id: card for card in spring.draw("Ann", 100)}
    assert len(firsts) == len(size)
    for card in firsts.values():
        spring.judge(card, "Ann")
    assert spring.draw("Ann", 5) == []  # nobody gives the second opinion on what was her own
    seconds = spring.draw("Bo", 100)
    assert {card.anchor_id for card in seconds} == set(firsts)
    assert spring.draw("Cy", 5) == []  # Bo has them
    for card in seconds:
        assert set(card.neighbour_ids) == set(firsts[card.anchor_id].neighbour_ids)
        row = spring.row(card)
        assert (row.kind, row.of) == ("second", firsts[card.anchor_id].id)
        assert row.pair_probability == spring.row(firsts[card.anchor_id]).pair_probability


def test_about_the_asked_share_is_judged_twice(store, facade):
    chosen = everyday_campaign(store.database, facade)
    with store.database.reading() as session:
        twice = list(session.scalars(select(CampaignAnchorRow.twice)))
    assert len(twice) == 72
    assert 4 <= sum(twice) <= 20  # 15 % of 72 are 11
    assert chosen.second_share == 0.15


def test_a_repetition_comes_to_the_same_person_later_and_is_no_vote_of_its_own(store, facade):
    spring = desk(store, facade, repeat_share=1.0)
    judged = []
    for _ in range(REPEAT_AFTER + 1):
        (card,) = spring.draw("Ann")
        assert spring.row(card).kind == "first"
        judged.append(card)
        spring.judge(card, "Ann")
    (again,) = spring.draw("Ann")
    assert spring.row(again).kind == "repeat"
    assert again.anchor_id == judged[0].anchor_id
    assert set(again.neighbour_ids) == set(judged[0].neighbour_ids)
    before = store.current()
    spring.judge(again, "Ann", "irrelevant")
    assert store.current().equals(before)
    log = store.log()
    assert (log["source"] == "repeat").sum() == 10
    assert spring.row(spring.draw("Bo")[0]).kind == "first"


def test_each_pair_is_as_likely_as_the_record_says(store, facade):
    spring = desk(store, facade, strata=(0,), target=1)
    counts: Counter[str] = Counter()
    rounds = 400
    for _ in range(rounds):
        (card,) = spring.draw("Ann", size=7)
        assert spring.row(card).pair_probability == 0.5
        counts.update(neighbour[-2:] for neighbour in card.neighbour_ids)
        spring.now += LEASE_SECONDS + 1
    # Each of 14 is drawn with chance 1/2; five standard deviations are 5 x sqrt(400 / 4) = 50.
    assert len(counts) == 14
    assert all(abs(count - rounds / 2) < 50 for count in counts.values())


def test_the_record_says_where_each_pair_stood_and_how_long_the_lists_were(store, facade):
    spring = desk(store, facade)
    (card,) = spring.draw("Ann")
    row = spring.row(card)
    assert row.lists == {"r0001": {"als": 10, "hybrid": 10}}
    assert dict(row.pairs) == {neighbour: pool_of(card.anchor_id).ranks[neighbour] for neighbour in card.neighbour_ids}
    spring.judge(card, "Ann")
    seen = store.appearances(card.anchor_id)
    for neighbour, group in seen.groupby("neighbour_id"):
        assert dict(zip(group["arm"], group["rank"], strict=True)) == dict(row.pairs)[neighbour]["r0001"]


def test_products_with_nothing_beside_them_are_passed_over(store, facade):
    spring = desk(store, facade, strata=(0,))
    nothing = {card.anchor_id for card in spring.draw("Ann", 2)}
    spring.now += LEASE_SECONDS + 1
    spring.pool = lambda anchor: Pool({}, {}) if anchor in nothing else pool_of(anchor)
    drawn = spring.draw("Bo", 2)
    assert len(drawn) == 2
    assert not nothing & {card.anchor_id for card in drawn}


def test_a_campaign_that_was_closed_or_is_past_its_deadline_gives_no_cards_and_takes_those_out_there(store, facade):
    spring = desk(store, facade, deadline=datetime.fromtimestamp(NOW, UTC) + timedelta(hours=1))
    first, second = spring.draw("Ann", 2)
    spring.now += 3601
    assert spring.draw("Bo") == []
    spring.judge(first, "Ann")
    close_campaign(store.database, spring.campaign.id)
    spring.campaign = campaign(store.database, spring.campaign.id)
    spring.now -= 3600
    assert spring.draw("Bo") == []
    spring.judge(second, "Ann")
    assert len(store.current()) == 20


@pytest.mark.parametrize("who", ["Bo", "Ann"])
def test_a_card_is_judged_by_whom_it_was_drawn_for_and_whole(store, facade, who):
    spring = desk(store, facade)
    (card,) = spring.draw("Ann")
    wrong = [Vote(client_id=str(uuid.uuid4()), neighbour_id="x", verdict="relevant")] if who == "Ann" else []
    with (
        pytest.raises(InputError, match="not about the products" if who == "Ann" else "assigned to someone else"),
        store.database.transaction() as session,
    ):
        decisions.judge(session, card.id, who, wrong, now=NOW)
    assert store.log().empty


def _drawer(url: str, campaign_id: str, rater: str, start, found) -> None:
    store = JudgementStore(Database(url))
    table = Desk(store, campaign(store.database, campaign_id), seed=int(rater[1:]))
    start.wait()
    found.put([card.anchor_id for _ in range(12) for card in table.draw(rater)])


@pytest.mark.parametrize("kind", ["url", pytest.param("postgres_url", marks=pytest.mark.postgres)])
def test_processes_that_draw_at_once_never_lease_one_product_twice(request, facade, kind):
    url = request.getfixturevalue(kind)
    store = JudgementStore(Database(url))
    spring = desk(store, facade)
    store.database.close()
    context = multiprocessing.get_context("fork")
    start, found = context.Barrier(4), context.Queue()
    processes = [
        context.Process(target=_drawer, args=(url, spring.campaign.id, f"P{number}", start, found))
        for number in range(4)
    ]
    for process in processes:
        process.start()
    drawn = [anchor for _ in processes for anchor in found.get(timeout=180)]
    for process in processes:
        process.join(30)
    assert len(drawn) == 48
    assert len(set(drawn)) == 48
