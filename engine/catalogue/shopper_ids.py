"""Ids of shoppers who are known by an e-mail address: its keyed hash, so that no file holds the address.

HMAC-SHA-256 (RFC 2104) of the address in small letters, with a key that the workspace makes once.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata

from engine.core.keys import read_key
from engine.core.workspace import Workspace

__all__ = ["EMAIL", "shopper_id"]

EMAIL = r"^[^@\s\p{C}]+@[^@\s\p{C}]+\.[^@\s\p{C}]+$"
"""An e-mail address, in RE2's syntax."""
_PLAIN_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def shopper_id(workspace: Workspace, text: str) -> str:
    """The id of the shopper whom a person calls `text`: of an e-mail address its hash, else the text itself."""
    named = unicodedata.normalize("NFC", text.strip())
    if not _PLAIN_EMAIL.fullmatch(named) or not workspace.shopper_key.is_file():
        return text
    return hmac.new(read_key(workspace.shopper_key), named.lower().encode(), hashlib.sha256).hexdigest()
