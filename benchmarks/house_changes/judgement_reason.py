"""A judgement can have the new reason, and is stored and read with it."""

import tempfile
import uuid

from engine.curation.judgements import JudgementStore
from engine.curation.votes import Judgement, Reason, Source, Verdict
from engine.store import Database

with tempfile.TemporaryDirectory() as folder:
    database = Database(f"sqlite:///{folder}/longtail.db")
    store = JudgementStore(database)
    store.add(
        [
            Judgement(
                client_id=str(uuid.uuid4()),
                neighbour_id="n",
                verdict=Verdict.IRRELEVANT,
                implied=False,
                reason=Reason("wrong_size"),
                anchor_id="a",
                rater="Ann",
                source=Source.REVIEW,
                release_id="r0001",
                anchor_count=3,
                ranks={"hybrid": 1},
            )
        ]
    )
    assert store.current()["reason"].tolist() == ["wrong_size"]
    assert Reason("wrong_size").words == "wrong size"
    database.close()
