from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from engine.core.errors import ArchiveError
from engine.untrusted.archives import ArchiveLimits, read_archive


def picture(colour: str = "teal") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(buffer, "JPEG")
    return buffer.getvalue()


def packed(*members: tuple[str | zipfile.ZipInfo, bytes]) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    buffer.seek(0)
    return buffer


def unpacked(source: io.BytesIO, limits: ArchiveLimits | None = None) -> tuple[list[str], dict[str, str]]:
    skipped: dict[str, str] = {}
    given = [path for path, _ in read_archive(source, on_skip=skipped.__setitem__, limits=limits)]
    return given, skipped


def test_pictures_come_out_with_their_paths_and_bytes(tmp_path: Path) -> None:
    file = tmp_path / "pictures.zip"
    file.write_bytes(packed(("a.jpg", picture("red")), ("b/c.jpg", picture("blue"))).getvalue())
    assert list(read_archive(file)) == [("a.jpg", picture("red")), ("b/c.jpg", picture("blue"))]


@pytest.mark.parametrize("path", ["../a.jpg", "/etc/a.jpg", "b/../../a.jpg", "C:/a.jpg", "a\nb.jpg"])
def test_a_path_that_leads_out_of_the_zip_is_skipped(path: str) -> None:
    given, skipped = unpacked(packed((path, picture()), ("good.jpg", picture())))
    assert given == ["good.jpg"]
    assert ["path" in reason for reason in skipped.values()] == [True]


def test_a_link_is_skipped() -> None:
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert unpacked(packed((link, b"/etc/passwd")))[1] == {
        "link.jpg": "it is a link or a special file. Pack the picture itself."
    }


def test_an_encrypted_member_is_skipped() -> None:
    data = bytearray(packed(("a.jpg", picture())).getvalue())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert "password" in unpacked(io.BytesIO(bytes(data)))[1]["a.jpg"]


def test_an_archive_within_the_zip_is_not_opened() -> None:
    inner = packed(("a.jpg", picture())).getvalue()
    assert "not opened" in unpacked(packed(("inner.jpg", inner)))[1]["inner.jpg"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_files_with_one_name_the_first_is_given() -> None:
    given, skipped = unpacked(packed(("a.jpg", picture("red")), ("A.jpg", picture("blue"))))
    assert given == ["a.jpg"]
    assert "only the first" in skipped["A.jpg"]


def test_what_a_mac_adds_is_passed_over_in_silence() -> None:
    source = packed(("__MACOSX/._a.jpg", b"x"), (".DS_Store", b"x"), ("b/._a.jpg", b"x"), ("a.jpg", picture()))
    assert unpacked(source) == (["a.jpg"], {})


def test_a_bomb_is_not_unpacked() -> None:
    assert "100 times" in unpacked(packed(("bomb.jpg", bytes(10_000_000))))[1]["bomb.jpg"]


def test_too_many_files_and_too_many_bytes_are_refused_before_any_is_read() -> None:
    source = packed(("a.jpg", picture()), ("b.jpg", picture()))
    with pytest.raises(ArchiveError, match="2 files are too many"):
        unpacked(source, ArchiveLimits(members=1))
    with pytest.raises(ArchiveError, match="unpacks to more"):
        unpacked(source, ArchiveLimits(total_bytes=100))


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06", b"no zip at all", packed(("a.jpg", picture())).getvalue()[:-40]])
def test_what_is_no_zip_or_is_cut_off_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(ArchiveError, match="Pack the pictures again"):
        unpacked(io.BytesIO(data))


def test_a_damaged_member_is_skipped_and_the_others_are_given() -> None:
    data = bytearray(packed(("a.jpg", picture("red")), ("b.jpg", picture("blue"))).getvalue())
    data[60] ^= 0xFF
    given, skipped = unpacked(io.BytesIO(bytes(data)))
    assert given == ["b.jpg"]
    assert "damaged" in skipped["a.jpg"]


def test_a_member_without_a_name_is_skipped() -> None:
    source = bytearray(packed(("a.jpg", picture()), ("b.jpg", picture("navy"))).getvalue())
    # The name's length in the list of members becomes 0, and its bytes a comment.
    entry = source.rfind(b"PK\x01\x02")
    source[entry + 28 : entry + 30], source[entry + 32 : entry + 34] = b"\0\0", b"\x05\0"
    taken, skipped = unpacked(io.BytesIO(bytes(source)))
    assert taken == ["a.jpg"]
    assert "no name" in skipped["a file without a name"]
