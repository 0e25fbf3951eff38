from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from engine.errors import ImageError
from engine.shop import uploads
from engine.shop.uploads import store_upload
from engine.workspace import Workspace


def png(side: int = 40) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), "teal").save(buffer, "PNG")
    return buffer.getvalue()


def test_an_uploaded_picture_is_stored(workspace: Workspace) -> None:
    digest = store_upload(workspace, png(), name="dress.png")
    assert digest == hashlib.sha256(png()).hexdigest()
    assert workspace.image_file(digest).is_file()
    assert workspace.thumbnail_file(digest).is_file()


def test_a_large_picture_fits_in_the_childs_memory(workspace: Workspace) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (4_000, 4_000)).save(buffer, "PNG", compress_level=1)
    digest = store_upload(workspace, buffer.getvalue(), name="huge.png")
    with Image.open(workspace.image_file(digest)) as stored:
        assert stored.size == (640, 640)


@pytest.mark.parametrize(
    ("data", "message"), [(b"", "empty"), (b"GIF89a", "not a JPEG, PNG or WebP"), (png()[:-20], "damaged")]
)
def test_a_bad_upload_is_refused_by_its_name(workspace: Workspace, data: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=rf"dress\.png: .*{message}"):
        store_upload(workspace, data, name="dress.png")
    assert not workspace.root.exists()


def test_a_child_that_dies_is_an_error_and_not_the_end(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    killed = tmp_path / "python"
    killed.write_text("#!/bin/sh\ncat > /dev/null\nkill -SEGV $$\n")
    killed.chmod(0o755)
    monkeypatch.setattr(uploads.sys, "executable", str(killed))
    with pytest.raises(ImageError, match="cannot be decoded within bounds"):
        store_upload(workspace, png(), name="dress.png")


def test_a_child_that_never_ends_is_stopped(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    endless = tmp_path / "python"
    endless.write_text("#!/bin/sh\nexec sleep 60\n")
    endless.chmod(0o755)
    monkeypatch.setattr(uploads.sys, "executable", str(endless))
    monkeypatch.setattr(uploads, "CPU_SECONDS", 0.2)
    with pytest.raises(ImageError, match="took too long"):
        store_upload(workspace, png(), name="dress.png")
