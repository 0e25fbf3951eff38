"""Who a request is from is taken from what was signed, whole, young and ours, and from nothing else."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import pytest
from pydantic import ValidationError

from engine.access.roles import Role
from engine.core.errors import SettingsError
from engine.core.settings import AuthSettings
from tests.support.sign_in import COOKIE_SECRET, HEADER_SECRET, cookie_header, cookies_of, use_oidc
from ui.app.identity import Identity, Problem, identify, seal, unseal, usable_name

ADA = {"email": "ada@example.com", "email_verified": True}
AUTH = AuthSettings()
# As many as some companies have, with names that cannot be packed.
MANY = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(300)]


@pytest.fixture
def oidc(monkeypatch: pytest.MonkeyPatch) -> None:
    use_oidc(monkeypatch)


def scope_of(headers: dict[str, str], client: str = "127.0.0.1") -> dict[str, Any]:
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "path": "/", "headers": pairs, "client": (client, 50_000)}


def identify_cookies(cookies: dict[str, str], auth: AuthSettings = AUTH) -> Identity | None:
    return identify(scope_of(cookie_header(cookies)), auth)


@pytest.mark.usefixtures("oidc")
def test_the_cookie_that_sign_in_left_says_who_it_is_and_since_when() -> None:
    found = identify_cookies(cookies_of(ADA))
    assert found is not None
    assert (found.name, found.groups, found.via) == ("ada@example.com", (), "sign-in")
    assert found.since is not None
    assert abs(found.since - time.time()) < 5


@pytest.mark.usefixtures("oidc")
def test_a_long_cookie_comes_in_parts() -> None:
    cookies = cookies_of({**ADA, "groups": MANY})
    assert len(cookies) > 2
    found = identify_cookies(cookies)
    assert found is not None
    assert found.name == "ada@example.com"
    last = max(cookies)
    assert identify_cookies({name: value for name, value in cookies.items() if name != last}) is None


@pytest.mark.usefixtures("oidc")
def test_parts_that_were_not_signed_together_are_no_cookie(monkeypatch: pytest.MonkeyPatch) -> None:
    claims = {**ADA, "groups": MANY}
    new = cookies_of(claims)
    with monkeypatch.context() as earlier:
        before = time.time() - 60
        earlier.setattr("itsdangerous.timed.time.time", lambda: before)
        old = cookies_of(claims)
    last = max(new)
    assert identify_cookies({**new, last: old[last]}) is None
    assert identify_cookies(old) is not None


@pytest.mark.usefixtures("oidc")
@pytest.mark.parametrize("at", [0, 5, 40, -1, -12, -30])
def test_a_cookie_that_was_changed_anywhere_is_nobodys(at: int) -> None:
    ((name, value),) = cookies_of(ADA).items()
    at = at % len(value)
    other = "A" if value[at] != "A" else "B"
    changed = value[:at] + other + value[at + 1 :]
    found = identify_cookies({name: changed})
    # The last character of base64 may hold bits that mean nothing; then nothing was changed.
    assert found is None or (at == len(value) - 1 and found.name == "ada@example.com")


@pytest.mark.usefixtures("oidc")
@pytest.mark.parametrize(
    "cookies",
    [
        {},
        {"_streamlit_user": ""},
        {"_streamlit_user": "e30.x.y"},
        {"_streamlit_user": "\\ud800"},
        {"longtail_curator": "ada%40example.com"},
        cookies_of(ADA, secret="another secret that is long enough"),
        cookies_of(ADA, secret=""),
        cookies_of(ADA, origin="http://evil.example.com"),
        cookies_of({**ADA, "is_logged_in": False}),
        cookies_of({**ADA, "is_logged_in": "yes"}),
    ],
    ids=["none", "empty", "nonsense", "surrogate", "a-name", "secret", "no-secret", "origin", "out", "not-quite-in"],
)
def test_no_other_cookie_says_anything(cookies: dict[str, str]) -> None:
    assert identify_cookies(cookies) is None


@pytest.mark.usefixtures("oidc")
def test_a_cookie_holds_for_as_long_as_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    cookies, now = cookies_of(ADA), time.time()
    for hours, holds in ((1.9, True), (2.1, False)):
        with monkeypatch.context() as later:
            later.setattr("itsdangerous.timed.time.time", lambda hours=hours: now + hours * 3600)
            assert (identify_cookies(cookies, AuthSettings(session_hours=2)) is not None) is holds


@pytest.mark.usefixtures("oidc")
@pytest.mark.parametrize(
    ("claims", "problem"),
    [
        ({"sub": "1"}, Problem.NO_NAME),
        ({"email": ""}, Problem.NO_NAME),
        ({"email": "ada@example.com", "email_verified": False}, Problem.NOT_VERIFIED),
        ({"email": "ada@example.com", "email_verified": "false"}, Problem.NOT_VERIFIED),
        ({"email": "ada@example.com", "email_verified": 0}, Problem.NOT_VERIFIED),
        ({"email": ["ada@example.com"]}, Problem.NOT_USABLE),
        ({"email": "x" * 201}, Problem.NOT_USABLE),
        ({"email": "ada@example.com\u200b"}, Problem.NOT_USABLE),
    ],
)
def test_who_cannot_be_told_by_name_is_not_let_in(claims: dict[str, Any], problem: Problem) -> None:
    found = identify_cookies(cookies_of(claims))
    assert found is not None
    assert (found.name, found.problem) == ("", problem)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("Ada@Example.COM", "ada@example.com"),
        ("Zoe\u0308", "Zoë"),
        (" Ada", None),
        ("Ada  Lovelace", None),
        ("Ada\u00a0Lovelace", None),
        ("Ada\u202e", None),
        ("Ada\n", None),
        ("…", None),
        (7, None),
        ("", None),
    ],
)
def test_a_name_is_taken_as_it_is_or_not_at_all(given: object, name: str | None) -> None:
    assert usable_name(given) == name


@pytest.mark.usefixtures("oidc")
@pytest.mark.parametrize(
    ("claims", "settings", "role"),
    [
        ({"groups": ["staff", "shop-leads"]}, {"role_claim": "groups", "roles": {"shop-leads": "lead"}}, Role.LEAD),
        (
            {"groups": ["a", "b"]},
            {"role_claim": "groups", "roles": {"a": "curator", "b": "merchandiser"}},
            Role.MERCHANDISER,
        ),
        ({"role": "curator"}, {"role_claim": "role"}, Role.CURATOR),
        ({"role": "curator"}, {"role_claim": "role", "roles": {"x": "lead"}}, None),
        ({"realm_access": {"roles": ["lead"]}}, {"role_claim": "realm_access.roles"}, Role.LEAD),
        ({"https://x.example/roles": ["lead"]}, {"role_claim": "https://x.example/roles"}, Role.LEAD),
        ({"groups": {"admin": True}}, {"role_claim": "groups"}, None),
        ({"groups": ["admin"]}, {}, None),
        ({"role": "curator"}, {"role_claim": "role", "admins": ["ADA@example.com"]}, Role.ADMIN),
    ],
)
def test_the_highest_role_of_claims_and_admins_counts(
    claims: dict[str, Any], settings: dict[str, Any], role: Role | None
) -> None:
    auth = AuthSettings(**settings)
    found = identify_cookies(cookies_of({**ADA, **claims}), auth)
    assert found is not None
    assert found.claimed(auth) is role
    assert (
        found.claimed(AuthSettings(roles={"another": "admin"})) is None
    )  # what is taken from the settings is gone at once


def test_a_proxy_names_the_person_and_their_groups() -> None:
    auth = AuthSettings(
        header="X-User", header_secret=HEADER_SECRET, groups_header="X-Groups", roles={"shop leads": "lead"}
    )
    sent = {"x-user": "Zoë", "x-groups": "staff, shop leads", "x-longtail-secret": HEADER_SECRET}
    assert identify(scope_of(sent), auth) == Identity("Zoë", ("shop leads",), "proxy")
    assert identify(scope_of({**sent, "x-longtail-secret": HEADER_SECRET[:-1]}), auth) is None
    assert identify(scope_of({**sent, "x-user": ""}), auth) is None
    unusable = identify(scope_of({**sent, "x-user": " Zoë"}), auth)
    assert unusable is not None
    assert unusable.problem is Problem.NOT_USABLE


def test_what_is_sealed_is_read_by_this_process_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for one in (Identity("ada", ("a", "b"), "sign-in", 1.5), Identity("", (), "proxy", None, Problem.NO_NAME)):
        assert unseal(seal(one)) == one
        assert seal(one) == seal(one)
    text = seal(Identity("ada", (), "proxy"))
    for forged in (None, 7, "", "x", text[:-1], "A" + text[1:]):
        assert unseal(forged) is None


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"cookie_secret": "short"}, "cookie_secret"),
        ({"cookie_secret": ""}, "cookie_secret"),
        ({"redirect_uri": "http://localhost:8501/"}, "redirect_uri"),
        ({"client_id": {}}, "provider"),
    ],
)
def test_sign_in_that_is_set_up_badly_lets_nobody_in(
    more: dict[str, Any], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_oidc(monkeypatch, **more)
    if what == "provider":
        monkeypatch.delitem(__import__("streamlit").secrets._secrets["auth"], "client_id")
    with pytest.raises(SettingsError, match=what):
        identify_cookies(cookies_of(ADA, secret=more.get("cookie_secret", COOKIE_SECRET)))


def test_one_way_to_sign_in_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"auth\.header_secret or auth\.proxies"):
        identify(scope_of({"x-user": "ada"}), AuthSettings(header="X-User"))
    use_oidc(monkeypatch)
    with pytest.raises(SettingsError, match="not both"):
        identify(scope_of({}), AuthSettings(header="X-User", header_secret=HEADER_SECRET))


@pytest.mark.parametrize(
    "settings",
    [{"proxies": ["10.0.0"]}, {"sign_out_url": "javascript:alert(1)"}, {"sign_out_url": "//evil.example.com"}],
)
def test_addresses_in_the_settings_are_checked(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AuthSettings(**settings)
