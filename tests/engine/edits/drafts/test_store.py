"""Drafts: kept whole, edited by one at a time, served beside the catalogue, taken in by training under the same id."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from engine.catalogue.images import store_image
from engine.catalogue.product import Product
from engine.catalogue.snapshot import read_shop, write_snapshot
from engine.core.errors import InputError, NotFoundError
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.edits.apply_to_catalogue import Applied, apply_to_catalogue
from engine.edits.changes.store import ChangeStore
from engine.edits.drafts import store as draft_store
from engine.edits.drafts.served import DraftBuffer, drafts_in_cache, vectors_of_drafts
from engine.edits.drafts.store import DraftStore, NewDraft
from engine.recommend.inbound import inbound_of
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import neighbours_of_unseen, vectors_of_unseen
from tests.support.clocks import set_clock
from tests.support.tiny_release import build_tiny_release

ON_BOTH_DATABASES = True
REPOSITORY = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A release whose text and attribute encoders and whose predictor are real."""
    settings = Settings.model_validate({"image": {"kind": "none"}})
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("drafts") / "shop"), 72, settings=settings)


@pytest.fixture
def store(built, url, open_database) -> DraftStore:
    return DraftStore(open_database(url), built.workspace)


@pytest.fixture
def facade(built) -> Recommender:
    return Recommender.open(built.workspace)


def nobody(_item_id: str) -> bool:
    return False


def test_a_draft_comes_back_as_it_was_saved_in_another_process_too(built, store, url, open_database):
    product = Product(title="Żółta <b>sukienka</b> 👗", price=49.9, attributes={"colour": "navy"})
    (made,) = store.save([NewDraft(product)], "Ada", nobody)
    again = DraftStore(open_database(url), built.workspace).get(made)
    assert (again.product, again.state, again.created_by, again.version) == (product, "draft", "Ada", 1)


def test_several_are_saved_together_or_not_at_all(store):
    with pytest.raises(InputError, match="already"):
        store.save(
            [NewDraft(Product(title="a"), product_id="x"), NewDraft(Product(title="b"), product_id="x")], "Ada", nobody
        )
    assert store.all() == []


def test_an_id_of_the_catalogue_is_refused_and_one_of_a_discarded_draft_is_free(store, facade):
    with pytest.raises(InputError, match="'f1-02' is a product of the catalogue"):
        store.save([NewDraft(Product(title="a"), product_id="f1-02")], "Ada", facade.__contains__)
    store.save([NewDraft(Product(title="a"), product_id="x1")], "Ada", nobody)
    store.discard("x1")
    store.save([NewDraft(Product(title="b"), product_id="x1")], "Ada", nobody)
    assert store.get("x1").title == "b"


@pytest.mark.parametrize(
    ("new", "sentence"),
    [
        (NewDraft(Product()), "Nothing is said"),
        (NewDraft(Product(title="a"), ("0" * 64,)), "is not stored"),
        (NewDraft(Product(title="a"), product_id="a\nb"), "cannot be an id"),
        (NewDraft(Product(title="a"), product_id="x" * 201), "cannot be an id"),
    ],
)
def test_what_cannot_be_a_draft_is_refused_with_a_sentence(store, new, sentence):
    with pytest.raises(InputError, match=sentence):
        store.save([new], "Ada", nobody)


def test_the_second_of_two_who_edit_at_once_is_told(store):
    (made,) = store.save([NewDraft(Product(title="a"))], "Ada", nobody)
    store.edit(made, 1, Product(title="b"), ())
    with pytest.raises(InputError, match="Someone else edited"):
        store.edit(made, 1, Product(title="c"), ())
    assert store.get(made).title == "b"


@pytest.mark.parametrize("days", [-1, 1])
def test_an_edit_is_noticed_after_the_clock_was_set(store, monkeypatch, days):
    made = store.save([NewDraft(Product(title=title)) for title in "ab"], "Ada", nobody, approve=True)
    set_clock(monkeypatch, draft_store, days)
    stamps = [store.stamp()]
    store.edit(made[0], 1, Product(title="c"), ())
    stamps.append(store.stamp())
    store.withdraw(made[1])
    stamps.append(store.stamp())
    store.approve(made[1])
    stamps.append(store.stamp())
    store.discard(made[1])
    store.save([NewDraft(Product(title="d"), product_id=made[1])], "Ada", nobody, approve=True)
    stamps.append(store.stamp())
    assert len(set(stamps)) == len(stamps)


def test_a_discarded_draft_can_not_be_approved(store):
    (made,) = store.save([NewDraft(Product(title="a"))], "Ada", nobody)
    store.discard(made)
    with pytest.raises(NotFoundError):
        store.approve(made)
    assert store.all() == []


def test_an_approved_draft_stands_among_the_neighbours_of_its_like_and_gets_its_own(built, store, facade):
    (made,) = store.save([NewDraft(facade.product("f1-02"))], "Ada", nobody)
    before = store.stamp()
    assert DraftBuffer(facade, built.workspace, ()).merged(
        "f1-03", facade.neighbours("f1-03"), 10
    ) == facade.neighbours("f1-03")
    store.approve(made)
    assert store.stamp() != before
    buffer = DraftBuffer(facade, built.workspace, tuple(store.all(("approved",))))
    lists = {item: buffer.merged(item, facade.neighbours(item, "hybrid", 72), 72) for item in ("f1-03", "f3-03")}
    places = {item: next(one.rank for one in found if one.item_id == made) for item, found in lists.items()}
    assert places["f1-03"] < places["f3-03"]  # beside its own family, not another one
    assert [one.rank for one in lists["f1-03"]] == list(range(1, 73))
    own = buffer.neighbours_of_draft(made)
    assert [one.item_id for one in own] == [
        one.item_id for one in neighbours_of_unseen(facade, built.workspace, store.get(made).product)
    ]


def test_a_draft_stands_where_a_product_without_interactions_stands(built, facade):
    """A catalogue product nobody clicked, described again, has the score beside others that the release gives it."""
    cold = np.flatnonzero(facade.items["interaction_count"].to_numpy() == 0)
    row = int(cold[-1])
    sides = vectors_of_unseen(facade, built.workspace, [facade.product(row)]).sides["hybrid"]
    search = facade.arm("hybrid")
    np.testing.assert_allclose(sides.candidates[0], search.candidates[row], atol=1e-4)
    np.testing.assert_allclose(sides.query[0], search.query[row], atol=1e-4)


def test_the_preview_names_the_lists_on_which_the_draft_then_stands(built, store, facade):
    twin = replace(facade.product("f1-02"), image=None)
    inbound = inbound_of(facade, vectors_of_unseen(facade, built.workspace, [twin]), 60)
    store.save([NewDraft(twin, product_id="twin")], "Ada", nobody, approve=True)
    buffer = DraftBuffer(facade, built.workspace, tuple(store.all(("approved",))))
    found = {
        item: next(
            (
                one.rank
                for one in buffer.merged(item, facade.neighbours(item, "hybrid", 60), 60)
                if one.item_id == "twin"
            ),
            0,
        )
        for item in facade.items["item_id"]
    }
    named = {one.item_id: one.rank for one in inbound}
    assert named.keys() == {item for item, rank in found.items() if rank}
    assert all(abs(rank - found[item]) <= 1 for item, rank in named.items())  # two products may tie
    assert inbound


def test_an_export_has_the_drafts_where_the_lists_have_them_and_their_own_lists(built, store, facade):
    twin = replace(facade.product("f1-02"), image=None)
    store.save([NewDraft(twin, product_id="twin")], "Ada", nobody, approve=True)
    buffer = DraftBuffer(facade, built.workspace, tuple(store.all(("approved",))))
    plain = facade.neighbours_all("hybrid", 60)
    table = buffer.merged_table(plain, 60)
    assert table.dtypes.to_dict() == plain.dtypes.to_dict()
    for item in ("f1-03", "f3-03"):
        expected = [one.item_id for one in buffer.merged(item, facade.neighbours(item, "hybrid", 60), 60)]
        assert table.loc[table["item_id"] == item, "neighbour_id"].tolist() == expected
    own = table.loc[table["item_id"] == "twin", "neighbour_id"].tolist()
    assert own == [one.item_id for one in buffer.neighbours_of_draft("twin", 60)]
    assert "twin" in set(table["neighbour_id"])
    assert DraftBuffer(facade, built.workspace, ()).merged_table(plain, 60) is plain


def test_training_takes_approved_drafts_in_under_their_ids_once(url, tmp_path, open_database):
    workspace = build_tiny_release(Workspace(tmp_path / "shop"), 60).workspace
    store = DraftStore(open_database(url), workspace)
    picture = tmp_path / "p.png"
    Image.new("RGB", (40, 50), "navy").save(picture)
    image = store_image(workspace, picture.read_bytes(), name="p.png")
    store.save([NewDraft(Product(title="Navy dress", price=20.0), (image,), "navy-1")], "Ada", nobody, approve=True)
    store.save([NewDraft(Product(title="Not yet"), product_id="later")], "Ada", nobody)
    before = read_shop(workspace)
    changes = ChangeStore(open_database(url), workspace)
    assert apply_to_catalogue(workspace, store, changes) == Applied(["navy-1"], [])
    after = read_shop(workspace)
    assert set(after.items["item_id"]) - set(before.items["item_id"]) == {"navy-1"}
    row = after.items.set_index("item_id").loc["navy-1"]
    assert (row["title"], row["price"], row["image"]) == ("Navy dress", 20.0, image)
    assert after.attribute_kinds == before.attribute_kinds
    assert apply_to_catalogue(workspace, store, changes) == Applied([], [])


def test_a_change_is_taken_in_until_the_shops_files_say_something_new(url, tmp_path, open_database):
    workspace = build_tiny_release(Workspace(tmp_path / "shop"), 60).workspace
    database = open_database(url)
    store, changes = DraftStore(database, workspace), ChangeStore(database, workspace)
    facade = Recommender.open(workspace)
    now = facade.product("f1-02")
    wanted = now.with_fields({"title": "Other", "price": 9.0, "attribute:occasions": ("office",)})
    changes.save("f1-02", now, wanted, "Ada", 0)
    assert apply_to_catalogue(workspace, store, changes) == Applied([], ["f1-02"])
    row = read_shop(workspace).items.set_index("item_id").loc["f1-02"]
    assert (row["title"], row["price"], row["occasions"]) == ("Other", 9.0, ["office"])
    assert apply_to_catalogue(workspace, store, changes) == Applied([], [])
    # The shop's files come again: the title is new there, the price is what it was.
    shop = read_shop(workspace)
    items = shop.items.copy()
    items.loc[items["item_id"] == "f1-02", ["title", "price"]] = "Theirs", now.price
    events = pd.read_parquet(workspace.current_snapshot() / "interactions.parquet")
    write_snapshot(workspace, items, events, {"attributes": shop.attribute_kinds}, {})
    assert apply_to_catalogue(workspace, store, changes) == Applied([], ["f1-02"])
    row = read_shop(workspace).items.set_index("item_id").loc["f1-02"]
    assert (row["title"], row["price"]) == ("Theirs", 9.0)


def test_what_a_new_catalogue_has_no_column_for_does_not_stop_a_training(url, tmp_path, open_database):
    workspace = build_tiny_release(Workspace(tmp_path / "shop"), 60).workspace
    database = open_database(url)
    store = DraftStore(database, workspace)
    store.save(
        [
            NewDraft(Product(title="Navy", attributes={"fabric": "silk", "colour": "navy"}), product_id="both"),
            NewDraft(Product(attributes={"fabric": "silk"}), product_id="nothing"),
        ],
        "Ada", nobody, approve=True,
    )  # fmt: skip
    assert apply_to_catalogue(workspace, store, ChangeStore(database, workspace)).added == ["both"]
    assert read_shop(workspace).items.set_index("item_id").loc["both", "colour"] == "navy"


def test_approved_drafts_are_served_without_the_readers_once_they_were_placed(built, store, facade, url):
    title = f"Striped maxi dress in navy, {url.partition(':')[0]}"  # vectors are kept by what they were made of
    product = Product(title=title, attributes={"colour": "navy"})
    store.save([NewDraft(product, product_id="navy-9")], "Ada", nobody, approve=True)
    drafts = store.all(("approved",))
    assert drafts_in_cache(facade, built.workspace, drafts) == []
    told: list[float] = []
    (arrays,) = vectors_of_drafts(facade, built.workspace, drafts, lambda step, done, message="": told.append(done))
    assert arrays is not None
    assert told[-1] == 1.0
    assert drafts_in_cache(facade, built.workspace, drafts) == drafts
    code = (
        "import sys\nfrom pathlib import Path\nfrom engine.store import Database\n"
        "from engine.edits.drafts.served import DraftBuffer\nfrom engine.edits.drafts.store import DraftStore\n"
        "from engine.recommend.recommender import Recommender\nfrom engine.core.workspace import Workspace\n"
        "workspace = Workspace(Path(sys.argv[1]))\nfacade = Recommender.open(workspace)\n"
        "drafts = DraftStore(Database(sys.argv[2]), workspace).all(('approved',))\n"
        "buffer = DraftBuffer(facade, workspace, tuple(drafts))\n"
        "print(buffer.merged('f1-03', facade.neighbours('f1-03', 'hybrid', 72), 72) and 'torch' not in sys.modules)\n"
    )
    command = [sys.executable, "-c", code, str(built.workspace.root), url]
    said = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=True).stdout
    assert said.strip() == "True"


def test_a_draft_that_cannot_be_read_does_not_stop_the_others(built, store, facade):
    new = [
        NewDraft(Product(title="Navy"), product_id="good"),
        NewDraft(Product(attributes={"length_cm": "long"}), product_id="bad"),
    ]
    store.save(new, "Ada", nobody, approve=True)
    drafts = sorted(store.all(("approved",)), key=lambda draft: draft.id)
    assert [arrays is None for arrays in vectors_of_drafts(facade, built.workspace, drafts)] == [True, False]
    buffer = DraftBuffer(facade, built.workspace, tuple(drafts))
    assert "good" in [one.item_id for one in buffer.merged("f1-03", facade.neighbours("f1-03", "hybrid", 72), 73)]
    assert buffer.neighbours_of_draft("bad") == []


SAVER = """
import sys
from engine.edits.changes.store import ChangeStore
from engine.edits.drafts.store import DraftStore, NewDraft
from engine.catalogue.images import store_image
from engine.catalogue.product import Product
from engine.core.workspace import Workspace
from engine.store import Database
import io
from pathlib import Path
from PIL import Image
workspace = Workspace(Path(sys.argv[1]))
store = DraftStore(Database(sys.argv[2]), workspace)
number = 0
while True:
    number += 1
    data = io.BytesIO()
    Image.new("RGB", (60, 70), (number % 256, number // 256 % 256, int(sys.argv[3]) % 256)).save(data, "PNG")
    image = store_image(workspace, data.getvalue(), name="p.png")
    (made,) = store.save([NewDraft(Product(title=f"Dress {number}"), (image,))], "Ada", lambda _id: False)
    print("saved", made, image, flush=True)
    store.approve(made)
    print("approved", made, image, flush=True)
"""


def test_a_server_that_is_killed_loses_nothing_it_confirmed(built, url, open_database):
    store = DraftStore(open_database(url), built.workspace)
    rng = np.random.default_rng(0)
    confirmed: dict[str, tuple[str, str]] = {}
    for life in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", SAVER, str(built.workspace.root), url, str(life)],
            stdout=subprocess.PIPE, text=True, cwd=REPOSITORY,
        )  # fmt: skip
        lines = []
        assert process.stdout is not None
        lines.append(process.stdout.readline())
        time.sleep(float(rng.random()) * 0.3)
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
        process.stdout.close()
        process.wait()
        for line in lines:
            if line.endswith("\n"):
                state, made, image = line.split()
                confirmed[made] = state, image
    assert len(confirmed) >= 4
    for made, (state, image) in confirmed.items():
        draft = store.get(made)
        assert draft.pictures == (image,)
        assert draft.state == "approved" or state == "saved"
        with Image.open(built.workspace.image_file(image)) as picture:
            picture.load()
