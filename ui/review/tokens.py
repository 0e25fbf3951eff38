"""Signed tokens: what a page gives its component so that the browser may post to a route of ours.

Routes know no session. A token says who is judging what, is signed with a key of the workspace, and expires; a route
takes it only from the person it was made for, as the gate knows them (`ui.app.gate`), and not once they have signed out.
It keeps other sites from posting, and one curator's unsent decisions from being stored under another's name.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from engine.core.errors import LongtailError
from engine.core.keys import kept_key
from engine.core.workspace import Workspace

__all__ = ["ReviewToken", "TokenError", "read_token", "sign_token"]

LIFETIME_SECONDS = 12 * 3600
KEY_FILE = "review.key"
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


def read_token(workspace: Workspace, text: object, name: str, *, signed_out_at: float = 0.0) -> ReviewToken:
    """Who the token was made for; raises `TokenError` with a sentence.

    Parameters
    ----------
    name : of the person who sends the token.
    signed_out_at : when they last signed out, in seconds; tokens signed until then are no good.
    """
    try:
        content, signed_at = _serializer(workspace).loads(
            text if isinstance(text, str) else "", max_age=LIFETIME_SECONDS, return_timestamp=True
        )
        holder = ReviewToken(**content)
    except SignatureExpired as exc:
        raise TokenError("This page has been open for a long time; it is renewing its access.") from exc
    except (BadSignature, TypeError, UnicodeError) as exc:
        raise TokenError("This page is not allowed to store here; reload it.") from exc
    if holder.rater != name:
        raise TokenError(f"Someone else is judging in this browser now, not {holder.rater}; reload the page.")
    if signed_at.timestamp() <= signed_out_at:
        raise TokenError("You signed out since this page was opened; reload it.")
    return holder


def _serializer(workspace: Workspace) -> URLSafeTimedSerializer:
    # The workspace's own key, made when first needed: a server that was restarted takes the tokens signed before.
    return URLSafeTimedSerializer(kept_key(workspace.root / KEY_FILE), salt=TOKEN_SALT)
