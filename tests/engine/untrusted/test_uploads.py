from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from engine.core.errors import ImageError
from engine.core.workspace import Workspace
from engine.untrusted import bounded
from engine.untrusted.bounded import BoundedChildren
from engine.untrusted.uploads import picture_children, store_upload


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
    ("data", "message"), [(b"", "empty"), (b"<svg/>", "not a JPEG, PNG, WebP, GIF"), (png()[:-20], "damaged")]
)
def test_a_bad_upload_is_refused_by_its_name(workspace: Workspace, data: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=rf"dress\.png: .*{message}"):
        store_upload(workspace, data, name="dress.png")
    assert not workspace.root.exists()


def test_a_child_that_dies_is_an_error_and_not_the_end(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    killed = tmp_path / "python"
    killed.write_text("#!/bin/sh\nkill -SEGV $$\n")
    killed.chmod(0o755)
    monkeypatch.setattr(bounded.sys, "executable", str(killed))
    with pytest.raises(ImageError, match="cannot be decoded within bounds"):
        store_upload(workspace, png(), name="dress.png")


def test_a_child_that_never_ends_is_stopped(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    endless = tmp_path / "python"
    endless.write_text("#!/bin/sh\nexec sleep 60\n")
    endless.chmod(0o755)
    monkeypatch.setattr(bounded.sys, "executable", str(endless))
    monkeypatch.setattr(bounded, "_START_SECONDS", 0.2)
    with pytest.raises(ImageError, match="took too long"):
        store_upload(workspace, png(), name="dress.png")


def test_one_child_serves_many_pictures(workspace: Workspace) -> None:
    with picture_children() as children:
        digests = {store_upload(workspace, png(side), name="dress.png", children=children) for side in range(10, 20)}
        with pytest.raises(ImageError, match="not a JPEG"):
            store_upload(workspace, b"<svg/>", name="dress.gif", children=children)
        again = store_upload(workspace, png(30), name="dress.png", children=children)
        assert children.use.breaches == 0
        assert 0 < children.use.peak_bytes <= bounded.MEMORY_BYTES
    assert len(digests | {again}) == 11
    assert all(workspace.image_file(digest).is_file() for digest in digests)


def test_a_picture_that_takes_too_long_ends_its_child_and_the_next_gets_a_new_one(workspace: Workspace) -> None:
    buffer = io.BytesIO()
    Image.effect_noise((6_000, 6_000), 90).save(buffer, "PNG", compress_level=1)
    with BoundedChildren("engine.untrusted.uploads", seconds=0.001) as children:
        with pytest.raises(bounded.BreachError, match="took too long"):
            children.ask({}, buffer.getvalue())
        answer, _ = children.ask({}, png(), seconds=60.0)
    assert "picture_bytes" in answer
    assert children.use.breaches == 1


def test_a_picture_that_needs_more_than_the_memory_is_refused_in_words(workspace: Workspace) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8_000, 6_000)).save(buffer, "WEBP", lossless=True, quality=0, method=0)
    with pytest.raises(ImageError, match=r"Save it smaller|Export it again"), picture_children() as children:
        store_upload(workspace, buffer.getvalue(), name="huge.webp", children=children)
    assert not workspace.root.exists()


def test_what_a_camera_hid_in_a_picture_is_not_stored(workspace: Workspace) -> None:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "A secret camera"
    Image.new("RGB", (80, 20), "teal").save(buffer, "JPEG", exif=exif, comment=b"a secret note")
    digest = store_upload(workspace, buffer.getvalue(), name="dress.jpg")
    stored = workspace.image_file(digest).read_bytes()
    assert b"secret" not in stored
    with Image.open(workspace.image_file(digest)) as picture:
        assert picture.size == (20, 80)
        assert dict(picture.getexif()) == {}
