"""Signed tokens: what a page gives its component so that the browser may post to a route of ours.

Routes know no session. A token says who is judging what, is signed with a key of the workspace, and expires; a route
takes it only from the browser whose cookie bears the same name. Like the name itself it is no proof of identity: it
keeps other sites from posting, and one curator's unsent decisions from being stored under another's name.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import asdict, dataclass

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from engine.core.errors import LongtailError
from engine.core.workspace import Workspace

__all__ = ["ReviewToken", "TokenError", "read_token", "sign_token"]

LIFETIME_SECONDS = 12 * 3600
KEY_FILE = "review.key"
KEY_BYTES = 32
TOKEN_SALT = "longtail-review"


class TokenError(LongtailError):
    """A token that is missing, forged, expired, or somebody else's; a page that runs again signs a new one."""


@dataclass(frozen=True)
class ReviewToken:
    """Who may judge, and in which campaign (its id; empty for Everyday)."""

    rater: str
    campaign: str


def sign_token(workspace: Workspace, holder: ReviewToken) -> str:
    """The token as text for the browser."""
    return str(_serializer(workspace).dumps(asdict(holder)))


def read_token(workspace: Workspace, text: object, cookie_name: str | None) -> ReviewToken:
    """Who the token was made for; raises `TokenError` with a sentence.

    Parameters
    ----------
    cookie_name : the curator's name in the cookie of the browser that sends the token.
    """
    try:
        content = _serializer(workspace).loads(text if isinstance(text, str) else "", max_age=LIFETIME_SECONDS)
        holder = ReviewToken(**content)
    except SignatureExpired as exc:
        raise TokenError("This page has been open for a long time; it is renewing its access.") from exc
    except (BadSignature, TypeError) as exc:
        raise TokenError("This page is not allowed to store here; reload it.") from exc
    if holder.rater != cookie_name:
        raise TokenError(f"Someone else is judging in this browser now, not {holder.rater}; reload the page.")
    return holder


def _serializer(workspace: Workspace) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(_key(workspace), salt=TOKEN_SALT)


def _key(workspace: Workspace) -> bytes:
    """The workspace's own key, made when first needed: a server that was restarted takes the tokens signed before."""
    file = workspace.root / KEY_FILE
    if not file.is_file():
        draft = file.with_name(f"{KEY_FILE}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(KEY_BYTES))
            os.fsync(stream.fileno())
        try:
            os.link(draft, file)  # the first of two servers that start at once wins, whole
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return file.read_bytes()
