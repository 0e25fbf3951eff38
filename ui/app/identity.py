"""Who a request says it is from: the cookie of OpenID Connect, the header of a reverse proxy, or nobody.

Streamlit signs the cookie when `st.login` ends well, with the time, under `cookie_secret` of secrets.toml. A header is believed
from those alone who know the secret or come from the proxy's address. What is told apart here is told to Streamlit's sessions in a
header of our own, sealed with a key that this process alone knows, so that both go by one decision.
"""

from __future__ import annotations

import functools
import json
import secrets
import unicodedata
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from itsdangerous import BadData, URLSafeSerializer, URLSafeTimedSerializer
from starlette.requests import HTTPConnection
from streamlit.auth_util import get_cookie_with_chunks, get_origin_from_redirect_uri
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from engine.access.roles import Role
from engine.core.settings import AuthSettings
from ui.app.proxies import comes_from_proxy
from ui.app.sign_in_settings import Method, sign_in_method

__all__ = [
    "SEALED_HEADER",
    "SEALED_NAME",
    "UNKNOWN",
    "Identity",
    "Problem",
    "identify",
    "seal",
    "unseal",
    "usable_name",
]

SEALED_HEADER = "x-longtail-person"
SEALED_NAME = "longtail_person"
"""Where Streamlit's `st.user` has the header (server.trustedUserHeaders in .streamlit/config.toml)."""
UNKNOWN = "nobody"
"""What the header says where nobody has signed in; where nobody needs to, it is not there."""
LONGEST_NAME = 200
# Parts of a long cookie are signed one after the other, by whole seconds.
_SIGNED_TOGETHER_SECONDS = 2


class Problem(StrEnum):
    """Why somebody who signed in cannot be told by name."""

    NO_NAME = "no name"
    NOT_VERIFIED = "not verified"
    NOT_USABLE = "not usable"


@dataclass(frozen=True)
class Identity:
    """Who signed in.

    Attributes
    ----------
    name : as sign-in gives it; empty where there is a `problem`.
    groups : their groups or claims, as far as the settings give these a role.
    since : when they signed in, in seconds; None where the proxy vouches for them with every request.
    """

    name: str
    groups: tuple[str, ...]
    via: str
    since: float | None = None
    problem: Problem | None = None

    def claimed(self, auth: AuthSettings) -> Role | None:
        """The highest role that these groups and `auth.admins` give them, by the settings of this moment."""
        known = _roles_of_groups(auth)
        roles = {known[group] for group in self.groups if group in known}
        if self.name and self.name in {usable_name(one) for one in auth.admins}:
            roles.add(Role.ADMIN)
        return max(roles, key=list(Role).index, default=None)


def identify(scope: MutableMapping[str, Any], auth: AuthSettings) -> Identity | None:
    """Who an HTTP request or the opening of a WebSocket is from, by what signs people in here; None where nobody can be told.

    Raises `SettingsError` where sign-in is set up wrongly.
    """
    method = sign_in_method(auth)
    if method is Method.OIDC:
        return _from_cookies(HTTPConnection(scope).cookies, auth)
    if method is Method.PROXY:
        return _from_proxy(scope, auth)
    return None


def usable_name(given: object) -> str | None:
    """A name as sign-in gives it, ready to be compared; None where it cannot be told from another at a glance.

    Nothing is taken out or cut off, or two people could become one. Addresses are written in small letters.
    """
    if not isinstance(given, str) or not 0 < len(given) <= LONGEST_NAME or given != given.strip():
        return None
    name = unicodedata.normalize("NFC", given)
    if any(unicodedata.category(char)[0] in "CZ" and char != " " for char in name) or "  " in name:
        return None
    if not any(char.isalnum() for char in name):
        return None
    return name.lower() if "@" in name else name


def seal(identity: Identity) -> str:
    """The identity as text that only this process can have written; the same for the same identity."""
    return str(_seals().dumps(asdict(identity)))


def unseal(text: object) -> Identity | None:
    """What `seal` was given; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        content = _seals().loads(text)
    except BadData:
        return None
    groups, problem = content.pop("groups"), content.pop("problem")
    return Identity(groups=tuple(groups), problem=problem and Problem(problem), **content)


@functools.cache
def _seals() -> URLSafeSerializer:
    return URLSafeSerializer(secrets.token_bytes(32), salt="longtail-person")


def _from_cookies(cookies: Mapping[str, str], auth: AuthSettings) -> Identity | None:
    """By the cookie that Streamlit sets once the provider has answered, if it is whole, ours, and young enough."""
    signed_at: list[float] = []

    def part(name: str) -> bytes | None:
        try:
            value, at = URLSafeTimedSerializer(get_cookie_secret(), salt=name).loads(
                cookies.get(name, ""), max_age=auth.session_hours * 3600, return_timestamp=True
            )
        except BadData:
            return None
        signed_at.append(at.timestamp())
        return value.encode() if isinstance(value, str) else None

    content = get_cookie_with_chunks(part, USER_COOKIE_NAME)
    # Parts of two cookies are no cookie.
    if content is None or max(signed_at) - min(signed_at) > _SIGNED_TOGETHER_SECONDS:
        return None
    try:
        claims = json.loads(content)
    except ValueError:
        return None
    if not isinstance(claims, dict) or claims.get("is_logged_in") is not True:
        return None
    if claims.get("origin") != get_origin_from_redirect_uri():
        return None
    return _of_claims(claims, auth, min(signed_at))


def _of_claims(claims: Mapping[str, Any], auth: AuthSettings, since: float) -> Identity:
    given = claims.get(auth.name_claim)
    name = usable_name(given)
    if given in (None, ""):
        return Identity("", (), Method.OIDC, since, Problem.NO_NAME)
    if auth.name_claim == "email" and not _verified(claims):
        return Identity("", (), Method.OIDC, since, Problem.NOT_VERIFIED)
    if name is None:
        return Identity("", (), Method.OIDC, since, Problem.NOT_USABLE)
    groups = _claim(claims, auth.role_claim) if auth.role_claim else None
    return Identity(name, _known(_texts(groups), auth), Method.OIDC, since)


def _verified(claims: Mapping[str, Any]) -> bool:
    """Whether nothing says that the address is not theirs: some providers do not say, some write it as text."""
    said = claims.get("email_verified")
    return said is None or said is True or (isinstance(said, str) and said.lower() == "true")


def _from_proxy(scope: MutableMapping[str, Any], auth: AuthSettings) -> Identity | None:
    """By the header of a proxy that may be believed; the header must be there once."""
    if auth.header is None or not comes_from_proxy(scope, auth):
        return None
    given = _header(scope, auth.header)
    if not given:
        return None
    name = usable_name(given)
    if name is None:
        return Identity("", (), Method.PROXY, problem=Problem.NOT_USABLE)
    groups = _header(scope, auth.groups_header) if auth.groups_header else None
    return Identity(name, _known((one.strip() for one in (groups or "").split(",")), auth), Method.PROXY)


def _header(scope: MutableMapping[str, Any], name: str) -> str | None:
    """The one value of a header; None where it is absent, there twice, or no UTF-8."""
    values = [value for key, value in scope["headers"] if key.lower() == name.lower().encode("latin-1")]
    if len(values) != 1:
        return None
    try:
        return bytes(values[0]).decode("utf-8")
    except UnicodeDecodeError:
        return None


def _claim(claims: Mapping[str, Any], path: str) -> Any:
    """A claim by its name, or by the way to it: `realm_access.roles`."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _known(groups: Iterable[str], auth: AuthSettings) -> tuple[str, ...]:
    return tuple(sorted(set(groups) & set(_roles_of_groups(auth))))


def _roles_of_groups(auth: AuthSettings) -> dict[str, Role]:
    """Group -> role; where the settings name no group, a group may be called like a role."""
    return {group: Role(role) for group, role in auth.roles.items()} or {str(role): role for role in Role}
