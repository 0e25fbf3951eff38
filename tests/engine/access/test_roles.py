"""The table of what each role may do."""

from __future__ import annotations

from typing import get_args

import pytest

from engine.access.roles import NEEDED, Action, Role, may
from engine.core.settings_groups import RoleName

# Written out once more: a change of the table has to be meant.
ALLOWED = {
    Role.VIEWER: {Action.BROWSE},
    Role.CURATOR: {Action.JUDGE},
    Role.MERCHANDISER: {Action.EDIT_DRAFTS, Action.GIVE_PLACES, Action.EDIT_SETS, Action.CHANGE_PRODUCTS, Action.SEND_TO_REVIEW},
    Role.LEAD: {
        *(Action.RUN_CAMPAIGNS, Action.SETTLE_DISPUTES, Action.SEE_RATERS, Action.SEE_AUDIT, Action.SEE_STATUS),
        *(Action.TRAIN, Action.PUBLISH, Action.REMOVE_SAMPLES),
    },
    Role.ADMIN: {Action.LOAD_SHOP, Action.EDIT_SETTINGS, Action.SET_ROLES, Action.BACK_UP, Action.RESTORE},
}  # fmt: skip


@pytest.mark.parametrize("role", Role)
def test_a_role_may_do_what_is_its_own_and_all_that_lower_ones_may(role: Role) -> None:
    wanted = set().union(*(ALLOWED[one] for one in Role if role.covers(one)))
    assert {action for action in Action if may(role, action)} == wanted


def test_every_action_has_a_least_role() -> None:
    assert set(NEEDED) == set(Action)


def test_settings_know_the_same_roles() -> None:
    assert get_args(RoleName) == tuple(Role)
