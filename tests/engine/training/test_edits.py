"""A training takes drafts and changes into the catalogue, whoever starts it."""

from __future__ import annotations

from engine.catalogue.product import Product
from engine.catalogue.snapshot import read_shop
from engine.core.workspace import Workspace
from engine.edits.apply_to_catalogue import Applied
from engine.edits.changes.store import ChangeStore
from engine.edits.drafts.store import DraftStore, NewDraft
from engine.recommend.recommender import Recommender
from engine.store import Database
from engine.training.edits import apply_edits
from engine.training.pipeline import train
from tests.engine.training.test_pipeline import unmeasured
from tests.support.tiny_release import build_tiny_shop


def test_a_python_caller_gets_what_people_added_and_changed(workspace: Workspace) -> None:
    build_tiny_shop(workspace)
    database = Database(workspace.database_url)
    drafts = DraftStore(database, workspace)
    drafts.save([NewDraft(Product(title="Navy dress"), product_id="navy-1")], "Ada", lambda _: False, approve=True)
    drafts.save([NewDraft(Product(title="Not yet"), product_id="later")], "Ada", lambda _: False)
    shop = read_shop(workspace)
    now = Product.of_row(shop.items.iloc[0], shop.attribute_kinds)
    item_id = str(shop.items["item_id"].iloc[0])
    ChangeStore(database, workspace).save(item_id, now, now.with_fields({"title": "Other"}), "Ada", 0)

    kept = train(workspace, unmeasured(), publish=False)
    assert kept.applied == Applied(["navy-1"], [item_id])
    assert drafts.get("navy-1").state == "approved"  # what is served does not have it yet
    published = train(workspace, unmeasured())
    assert published.applied == Applied([], [])
    assert (drafts.get("navy-1").state, drafts.get("later").state) == ("taken_in", "draft")
    served = Recommender.open(workspace)
    assert "navy-1" in served
    assert served.items.loc[served.row(item_id), "title"] == "Other"
    database.close()


def test_a_workspace_without_a_database_gets_none(workspace: Workspace) -> None:
    build_tiny_shop(workspace)
    assert apply_edits(workspace, unmeasured()) == Applied([], [])
    assert not workspace.judgements_file.exists()
