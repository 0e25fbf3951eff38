"""What each role may do: the one table that pages, routes, commands and the engine itself ask.

Roles ascend: whoever has one may do all that those before it may.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

__all__ = ["NEEDED", "Action", "Role", "may"]


class Role(StrEnum):
    """What a person is here, the least first."""

    VIEWER = "viewer"
    CURATOR = "curator"
    MERCHANDISER = "merchandiser"
    LEAD = "lead"
    ADMIN = "admin"

    def covers(self, other: Role) -> bool:
        """Whether this role may do all that the other may."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)


class Action(StrEnum):
    """Everything a person can do; the value is what stands in the audit.

    `words` end the sentence "Only ... may".
    """

    words: str

    def __new__(cls, value: str, words: str) -> Action:
        """A member whose value is its name in the audit, with its words."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.words = words
        return member

    BROWSE = "browse", "look at the shop"
    JUDGE = "judge", "judge neighbours"
    EDIT_DRAFTS = "edit drafts", "add and edit new products"
    GIVE_PLACES = "give places", "give products a place on lists"
    EDIT_SETS = "edit sets", "keep sets of products"
    CHANGE_PRODUCTS = "change products", "change products"
    SEND_TO_REVIEW = "send to review", "send products to review"
    RUN_CAMPAIGNS = "run campaigns", "start and end campaigns"
    SETTLE_DISPUTES = "settle disputes", "settle disputes"
    SEE_RATERS = "see raters", "see how consistent people are"
    SEE_AUDIT = "see audit", "see who did what"
    SEE_STATUS = "see status", "see how the server is doing"
    TRAIN = "train", "train and stop a training"
    PUBLISH = "publish", "choose which release is served"
    REMOVE_SAMPLES = "remove samples", "remove sample judgements"
    LOAD_SHOP = "load shop", "load another shop"
    EDIT_SETTINGS = "edit settings", "change settings"
    SET_ROLES = "set roles", "say who may do what"
    BACK_UP = "back up", "back up the workspace"
    RESTORE = "restore", "restore a backup"


NEEDED: Mapping[Action, Role] = MappingProxyType(
    {
        Action.BROWSE: Role.VIEWER,
        Action.JUDGE: Role.CURATOR,
        Action.EDIT_DRAFTS: Role.MERCHANDISER,
        Action.GIVE_PLACES: Role.MERCHANDISER,
        Action.EDIT_SETS: Role.MERCHANDISER,
        Action.CHANGE_PRODUCTS: Role.MERCHANDISER,
        Action.SEND_TO_REVIEW: Role.MERCHANDISER,
        Action.RUN_CAMPAIGNS: Role.LEAD,
        Action.SETTLE_DISPUTES: Role.LEAD,
        Action.SEE_RATERS: Role.LEAD,
        Action.SEE_AUDIT: Role.LEAD,
        Action.SEE_STATUS: Role.LEAD,
        Action.TRAIN: Role.LEAD,
        Action.PUBLISH: Role.LEAD,
        Action.REMOVE_SAMPLES: Role.LEAD,
        Action.LOAD_SHOP: Role.ADMIN,
        Action.EDIT_SETTINGS: Role.ADMIN,
        Action.SET_ROLES: Role.ADMIN,
        Action.BACK_UP: Role.ADMIN,
        Action.RESTORE: Role.ADMIN,
    }
)
"""The least role that may do each."""


def may(role: Role, action: Action) -> bool:
    """Whether somebody of this role may do this."""
    return role.covers(NEEDED[action])
