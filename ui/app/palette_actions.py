"""What the command palette offers to do: each leads to the page where it is done or confirmed, and does nothing by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.access.acting import Actor
from engine.access.roles import Action
from engine.release.publish import published_releases
from ui.app.navigation import FIRST_PAGE
from ui.app.resources import has_release, has_shop, workspace

__all__ = ["ASKED", "PaletteAction", "actions_for"]

ASKED = "ask"
"""The parameter of the Model page's address that names what it should ask about."""
When = Literal["shop", "release", "earlier release", "always"]


@dataclass(frozen=True)
class PaletteAction:
    """Something to do.

    Attributes
    ----------
    needs : what somebody must be allowed to do to be offered it. when : what there must be.
    also : other words that find it.
    act : what the palette does beside or instead of opening a page; "" for nothing.
    """

    label: str
    page: str
    needs: Action
    when: When = "release"
    query: Mapping[str, str] = field(default_factory=dict)
    also: str = ""
    act: Literal["", "keys", "tour"] = ""


_ACTIONS = (
    PaletteAction("Train again", "model", Action.TRAIN, "shop", {ASKED: "train"}, "retrain training run learn"),
    PaletteAction("Publish another release", "model", Action.PUBLISH, "release", {ASKED: "publish"}, "live serve"),
    PaletteAction(
        "Roll back to the release before", "model", Action.PUBLISH, "earlier release", {ASKED: "roll_back"}, "undo revert back"
    ),
    PaletteAction("Add a new product", "new_product", Action.EDIT_DRAFTS, also="upload draft picture"),
    PaletteAction(
        "Upload many products", "new_product", Action.EDIT_DRAFTS, query={"view": "collection"}, also="collection sheet excel csv import"
    ),
    PaletteAction("Start reviewing", "review", Action.JUDGE, also="judge review cards"),
    PaletteAction("Start a campaign", "campaigns", Action.RUN_CAMPAIGNS, also="review judge plan"),
    PaletteAction("Export judgements", "campaigns", Action.BROWSE, also="download csv evidence qrels"),
    PaletteAction("Export products", "sets", Action.BROWSE, also="download csv list"),
    PaletteAction("Make a report of what changed", "compare", Action.BROWSE, also="export download pdf picture before after"),
    PaletteAction("Load another shop", "data", Action.LOAD_SHOP, "always", also="upload files import catalogue"),
    PaletteAction("Take the tour", FIRST_PAGE, Action.BROWSE, also="help start introduction guide", act="tour"),
    PaletteAction("Show the keys of this page", "", Action.BROWSE, "always", also="keyboard map shortcuts help", act="keys"),
)  # fmt: skip


def actions_for(actor: Actor) -> list[PaletteAction]:
    """What somebody may do now, in the order in which it is offered."""
    there = {"always"}
    if has_shop():
        there.add("shop")
    if has_release():
        there.add("release")
        if len(set(published_releases(workspace()))) > 1:
            there.add("earlier release")
    return [one for one in _ACTIONS if actor.may(one.needs) and one.when in there]
