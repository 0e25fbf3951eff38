from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.core.workspace import Workspace
from ui.review import tokens
from ui.review.tokens import ReviewToken, TokenError, read_token, sign_token

ADA = ReviewToken("Ada", "r0001")


@pytest.fixture
def shop(workspace) -> Workspace:
    workspace.root.mkdir(parents=True, exist_ok=True)
    return workspace


def test_a_token_is_good_in_the_browser_that_bears_the_name(shop):
    assert read_token(shop, sign_token(shop, ADA), "Ada") == ADA


@pytest.mark.parametrize("name", ["Bo", None, "ada"])
def test_a_token_is_no_good_under_another_name(shop, name):
    with pytest.raises(TokenError, match="Someone else is judging in this browser now, not Ada"):
        read_token(shop, sign_token(shop, ADA), name)


@pytest.mark.parametrize("text", [None, 7, "", "nonsense", "e30.x.y"])
def test_what_is_no_token_is_refused(shop, text):
    with pytest.raises(TokenError, match="reload"):
        read_token(shop, text, "Ada")


def test_a_token_that_was_changed_or_made_by_another_shop_is_refused(shop, tmp_path):
    text = sign_token(shop, ADA)
    with pytest.raises(TokenError):
        read_token(shop, "A" + text[1:], "Ada")
    other = Workspace(tmp_path / "other")
    other.root.mkdir()
    with pytest.raises(TokenError):
        read_token(other, text, "Ada")


def test_a_token_runs_out(shop, monkeypatch):
    text = sign_token(shop, ADA)
    monkeypatch.setattr(tokens, "LIFETIME_SECONDS", -1)
    with pytest.raises(TokenError, match="a long time"):
        read_token(shop, text, "Ada")


def test_the_key_is_made_once_and_is_for_its_owner_alone(shop):
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: read_token(shop, sign_token(shop, ADA), "Ada"), range(8)))
    assert len(set(made)) == 1
    assert stat.S_IMODE((shop.root / tokens.KEY_FILE).stat().st_mode) == 0o600
    assert [file.name for file in shop.root.glob("review.key*")] == ["review.key"]
