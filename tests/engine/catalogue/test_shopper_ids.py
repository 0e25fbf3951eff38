from __future__ import annotations

import hashlib
import hmac

from engine.catalogue.shopper_ids import shopper_id
from engine.core.keys import KEY_BYTES, new_key, store_key
from engine.core.workspace import Workspace


def test_an_address_is_its_keyed_hash_and_any_other_id_itself(workspace: Workspace) -> None:
    workspace.root.mkdir()
    assert shopper_id(workspace, "ada@example.com") == "ada@example.com"
    key = store_key(workspace.shopper_key, new_key())
    expected = hmac.new(key, "zoë@example.com".encode(), hashlib.sha256).hexdigest()
    assert shopper_id(workspace, "ZOE\u0308@Example.com ") == expected
    assert [shopper_id(workspace, text) for text in ("u1", "@home", "a b@c.de", "")] == ["u1", "@home", "a b@c.de", ""]


def test_a_key_that_is_there_is_kept(workspace: Workspace) -> None:
    workspace.root.mkdir()
    first = store_key(workspace.shopper_key, new_key())
    assert len(first) == KEY_BYTES
    assert store_key(workspace.shopper_key, new_key()) == first
    assert [file.name for file in workspace.root.iterdir()] == ["shopper.key"]
