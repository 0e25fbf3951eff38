"""Secrets taken out of texts before anybody reads them: passwords in URLs of any form, and in `password=` pairs."""

from __future__ import annotations

import re

__all__ = ["redact"]

HIDDEN = "***"
# A password may hold @, : and /, so the last @ before a blank or a quote ends what stands before the host. Bounds keep the
# time linear in the length of the text, whatever a stranger wrote.
_USER = re.compile(r"(?<![\w+.-])(?P<scheme>[\w+.-]++://)(?P<who>[^\s\"'<>]{0,4096})@")
_PAIR = re.compile(
    r"(?P<name>\b\w*(?:password|passwd|passphrase|pwd|secret|token|sslkey|account_key|access_key|api_?key|signature|credential)\w{0,100}+)"
    r"(?P<equals>['\"]?\s*[=:]\s*)(?P<value>'[^']*'|\"[^\"]*\"|[^\s&;,'\"]+)",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(?P<how>Bearer|Basic)\s+[\w+/=.~-]{8,}", re.IGNORECASE)


def redact(text: str) -> str:
    """The text with `***` for every password that a URL, a query or a pair such as `password=...` holds, and for tokens in headers."""
    return _SCHEME.sub(rf"\g<how> {HIDDEN}", _PAIR.sub(rf"\g<name>\g<equals>{HIDDEN}", _USER.sub(_user, text)))


def _user(match: re.Match[str]) -> str:
    user, colon, _ = match["who"].partition(":")
    return f"{match['scheme']}{user}{f':{HIDDEN}' if colon else ''}@"
