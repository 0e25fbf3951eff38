from __future__ import annotations

import stat
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from itsdangerous import URLSafeTimedSerializer

from engine.core.workspace import Workspace
from ui.review import tokens
from ui.review.tokens import ReviewToken, TokenError, read_token, sign_token

ADA = ReviewToken("Ada", "r0001")


@pytest.fixture
def shop(workspace) -> Workspace:
    workspace.root.mkdir(parents=True, exist_ok=True)
    return workspace


def test_a_token_is_good_for_the_person_it_was_made_for(shop):
    assert read_token(shop, sign_token(shop, ADA), "Ada") == ADA


@pytest.mark.parametrize("name", ["Bo", "", "ada"])
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


@pytest.mark.parametrize("content", [b"", b"\0", b"x" * 31], ids=["empty", "one-byte", "short"])
def test_a_key_that_is_too_short_signs_nothing(shop, content):
    file = shop.root / tokens.KEY_FILE
    file.write_bytes(content)
    file.chmod(0o644)
    forged = URLSafeTimedSerializer(content, salt=tokens.TOKEN_SALT).dumps({"rater": "Ada", "campaign": ""})
    with pytest.raises(TokenError):
        read_token(shop, forged, "Ada")
    assert read_token(shop, sign_token(shop, ADA), "Ada") == ADA
    assert len(file.read_bytes()) == 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in shop.root.glob("review.key*")] == ["review.key"]


def test_of_many_that_find_a_short_key_one_makes_a_new_one(shop):
    (shop.root / tokens.KEY_FILE).touch()
    with ThreadPoolExecutor(8) as threads:
        texts = list(threads.map(lambda _: sign_token(shop, ADA), range(8)))
    assert [read_token(shop, text, "Ada") for text in texts] == [ADA] * 8


def test_a_token_from_before_signing_out_is_no_good(shop):
    text, now = sign_token(shop, ADA), time.time()
    assert read_token(shop, text, "Ada", signed_out_at=now - 5) == ADA
    with pytest.raises(TokenError, match="signed out"):
        read_token(shop, text, "Ada", signed_out_at=now + 5)
