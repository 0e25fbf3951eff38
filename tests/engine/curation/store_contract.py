"""What every judgement store keeps to, whatever database is under it; each database's test file inherits it."""

from __future__ import annotations

import dataclasses
import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.core.errors import StoreError
from engine.curation.judgements import JudgementStore
from engine.curation.votes import Reason
from engine.store import Database


class StoreContract:
    """Subclasses give a `url` fixture: an empty database."""

    def test_a_judgement_comes_back_as_it_was_given(self, store, judge):
        judgement = judge(
            "a/1", "ñ ?", reason=Reason.WRONG_STYLE, ranks={"hybrid": 4, "als": 1}, implied=True, card_id="c1"
        )
        assert store.add([judgement]) == 1
        row = store.current().iloc[0]
        for field in dataclasses.fields(judgement):
            if field.name != "ranks":
                assert row[field.name] == getattr(judgement, field.name), field.name
        assert store.log()["seen"].tolist() == ["als 1, hybrid 4"]
        assert store.appearances()[
            ["release_id", "anchor_id", "neighbour_id", "arm", "rank", "last_id"]
        ].values.tolist() == [
            ["r1", "a/1", "ñ ?", "als", 1, 1],
            ["r1", "a/1", "ñ ?", "hybrid", 4, 1],
        ]

    def test_an_empty_store_gives_empty_tables_with_the_same_columns_and_types(self, store, judge):
        empty = store.current(), store.appearances(), store.log()
        store.add([judge(reason="wrong_kind")])
        for before, after in zip(empty, (store.current(), store.appearances(), store.log()), strict=True):
            assert len(before) == 0
            assert before.dtypes.to_dict() == after.dtypes.to_dict()

    def test_nothing_to_add_is_no_error(self, store):
        assert store.add([]) == 0

    def test_a_change_of_mind_is_a_new_row_that_supersedes(self, store, judge):
        store.add([judge(verdict="irrelevant")])
        store.add([judge(verdict="relevant")])
        assert store.current()["verdict"].tolist() == ["relevant"]
        assert store.log()["verdict"].tolist() == ["irrelevant", "relevant"]

    def test_the_later_of_two_votes_in_one_call_is_in_force(self, store, judge):
        store.add([judge(verdict="unsure"), judge(verdict="irrelevant")])
        assert store.current()["verdict"].tolist() == ["irrelevant"]

    def test_a_flag_taken_back_is_no_vote_but_stays_in_the_log(self, store, judge):
        store.add([judge(verdict="irrelevant")])
        store.add([judge(verdict="withdrawn")])
        assert len(store.current()) == 0
        assert store.log()["verdict"].tolist() == ["irrelevant", "withdrawn"]
        store.add([judge(verdict="irrelevant")])
        assert store.current()["verdict"].tolist() == ["irrelevant"]

    def test_one_raters_vote_leaves_another_raters_alone(self, store, judge):
        store.add([judge(rater="Ann"), judge(rater="Ben", verdict="relevant")])
        store.add([judge(rater="Ben", verdict="withdrawn")])
        assert store.current()["rater"].tolist() == ["Ann"]

    def test_the_pair_has_a_direction(self, store, judge):
        store.add([judge("a", "b"), judge("b", "a", verdict="relevant")])
        assert store.current("b")[["neighbour_id", "verdict"]].values.tolist() == [["a", "relevant"]]
        assert len(store.current()) == 2

    def test_the_same_id_twice_is_one_row(self, store, judge):
        judgement = judge(ranks={"als": 1, "hybrid": 2})
        again = dataclasses.replace(judgement, ranks={"hybrid": 2, "als": 1})
        assert store.add([judgement]) == 1
        assert store.add([again, judge("b", "c"), again]) == 1
        assert store.add([judge("d", "e"), *[judge("f", "g")] * 2]) == 2
        assert len(store.log()) == 4

    def test_a_resend_does_not_undo_a_later_change_of_mind(self, store, judge):
        first = judge(verdict="irrelevant")
        store.add([first])
        store.add([judge(verdict="relevant")])
        store.add([first])
        assert store.current()["verdict"].tolist() == ["relevant"]

    @pytest.mark.parametrize(
        "change",
        [{"verdict": "relevant"}, {"neighbour_id": "z"}, {"ranks": {"als": 2}}, {"ranks": {}}, {"reason": "duplicate"}],
    )
    def test_the_same_id_with_other_content_is_refused_and_nothing_of_the_batch_is_stored(self, store, judge, change):
        judgement = judge()
        store.add([judgement])
        with pytest.raises(StoreError, match=f"{judgement.client_id}.*other content"):
            store.add([judge("new", "pair"), dataclasses.replace(judgement, **change)])
        assert len(store.log()) == 1

    def test_the_same_id_with_other_content_is_refused_within_one_batch(self, store, judge):
        judgement = judge()
        with pytest.raises(StoreError, match="other content"):
            store.add([judgement, dataclasses.replace(judgement, verdict="relevant")])
        assert len(store.log()) == 0

    def test_more_ids_than_one_query_may_name_are_looked_up(self, store, judge):
        judgements = [judge("a", f"n{i}") for i in range(1200)]
        assert store.add(judgements) == 1200
        assert store.add(judgements) == 0
        assert store.current()["neighbour_id"].tolist() == [f"n{i}" for i in range(1200)]

    def test_sample_judgements_are_removed_alone_and_with_their_appearances(self, store, judge, caplog):
        store.add([judge("a", "b", source="demo", rater="Demo curator"), judge("a", "b", source="review")])
        assert store.has_demo()
        assert store.remove_demo() == 1
        assert not store.has_demo()
        assert store.log()["source"].tolist() == ["review"]
        assert len(store.appearances()) == 1
        assert "removed 1 sample judgements" in caplog.text
        assert store.remove_demo() == 0

    def test_a_removed_number_is_not_given_again(self, store, judge):
        store.add([judge(), judge(source="demo", rater="Demo curator")])
        store.remove_demo()
        store.add([judge("x", "y")])
        assert store.log()["id"].tolist() == [1, 3]

    def test_eight_threads_store_a_hundred_each(self, store, judge):
        start = threading.Barrier(8)

        def work(rater: int) -> None:
            start.wait()
            for i in range(100):
                assert store.add([judge("a", f"n{i}", rater=f"rater {rater}")]) == 1

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        assert store.log().groupby("rater").size().to_dict() == {f"rater {i}": 100 for i in range(8)}
        assert len(store.current()) == 800

    def test_eight_processes_that_open_at_once_store_a_hundred_each_and_share_a_resend(self, url, judge, open_store):
        shared = judge("shared", "pair")
        batches = [[shared, *[judge("a", f"n{i}", rater=f"rater {w}") for i in range(100)]] for w in range(8)]
        context = multiprocessing.get_context("fork")
        processes = [context.Process(target=_store_one_by_one, args=(url, batch)) for batch in batches]
        for process in processes:
            process.start()
        for process in processes:
            process.join(120)
        assert [process.exitcode for process in processes] == [0] * 8
        log = open_store(url).log()
        assert len(log) == 801
        assert (log["client_id"] == shared.client_id).sum() == 1

    def test_opening_again_finds_everything_where_it_was(self, url, judge, open_store):
        open_store(url).add([judge()])
        assert len(open_store(url).log()) == 1


def _store_one_by_one(url: str, batch: list) -> None:
    store = JudgementStore(Database(url))
    for judgement in batch:
        store.add([judgement])
    store.database.close()
