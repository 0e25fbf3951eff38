from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from engine.core.errors import ImageError
from engine.core.progress import silent
from engine.core.workspace import Workspace
from engine.ingest.pictures import archive as archives
from engine.ingest.pictures import move_pictures, store_pictures, storing
from engine.ingest.report import FileReport, ProblemLog


def picture(shade: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 20), (shade, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def digest(shade: int) -> str:
    return hashlib.sha256(picture(shade)).hexdigest()


def folder(root: Path, names: dict[str, bytes]) -> Path:
    for name, data in names.items():
        path = root / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root / "pictures"


def archive(root: Path, names: dict[str, bytes]) -> Path:
    path = root / "pictures.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in names.items():
            opened.writestr(name, data)
    return path


def store(
    workspace: Workspace, source: Path, items: dict[str, str | None]
) -> tuple[list[str | None], FileReport, ProblemLog]:
    table = pd.DataFrame({"item_id": list(items), "image": pd.Series(list(items.values()), dtype=object)})
    staging = Workspace(workspace.root / "staging")
    problems = ProblemLog()
    rows = pd.Series(range(1, len(items) + 1))
    hashes, report = store_pictures(workspace, staging, source, table, rows, "items.csv", problems, silent)
    move_pictures(staging, workspace)
    return [None if value != value else value for value in hashes], report, problems


@pytest.mark.parametrize("pack", [folder, archive])
def test_pictures_are_found_by_column_then_by_id(workspace: Workspace, tmp_path: Path, pack: object) -> None:
    source = pack(  # type: ignore[operator]
        tmp_path, {"deep/One.PNG": picture(1), "two.png": picture(2), "0123.png": picture(3), "other.png": picture(4)}
    )
    items = {"a": "deep/one.png", "b": "elsewhere/two.png", "0123": None, "d": "one", "e": None}
    hashes, report, problems = store(workspace, source, items)
    assert hashes == [digest(1), digest(2), digest(3), digest(1), None]
    assert all(workspace.thumbnail_file(image).is_file() for image in hashes if image)
    assert (report.read, report.kept, report.rejected) == (4, 3, 0)
    assert report.notes == ["1 pictures belong to no product and were not read"]
    (problem,) = problems.shown
    assert (problem.kind, problem.row, problem.value) == ("missing_picture", 5, "e")


def test_hm_folders_are_matched_by_article(workspace: Workspace, tmp_path: Path) -> None:
    source = folder(tmp_path, {"010/0108775015.jpg": picture(1), "011/0110065001.jpg": picture(2)})
    assert store(workspace, source, {"0108775015": None, "0110065001": None})[0] == [digest(1), digest(2)]


def test_what_cannot_be_decoded_is_reported_with_row_and_name(workspace: Workspace, tmp_path: Path) -> None:
    source = folder(tmp_path, {"a.png": b"not a picture", "b.png": picture(), "c.jpg": b""})
    hashes, report, problems = store(workspace, source, {"a": None, "b": None, "c": None})
    assert hashes == [None, digest(0), None]
    assert (report.kept, report.rejected) == (1, 2)
    assert [(problem.row, problem.kind) for problem in problems.shown] == [
        (1, "unreadable_picture"),
        (3, "unreadable_picture"),
    ]
    assert problems.shown[0].message.startswith(
        "a.png: this is not a JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC picture"
    )


def test_many_pictures_are_stored_by_two_processes(workspace: Workspace, tmp_path: Path) -> None:
    shades = range(storing._CHUNK + 6)
    source = archive(tmp_path, {f"{shade}.png": picture(shade) for shade in shades})
    hashes, report, problems = store(workspace, source, {str(shade): None for shade in shades})
    assert hashes == [digest(shade) for shade in shades]
    assert (report.kept, problems.counts) == (len(shades), {})


@pytest.mark.parametrize(
    ("name", "attributes", "reason"),
    [
        ("../a.png", 0, "leads out of the zip"),
        ("/etc/a.png", 0, "leads out of the zip"),
        ("C:/a.png", 0, "leads out of the zip"),
        ("..\\a.png", 0, "leads out of the zip"),
        ("a.png", (stat.S_IFLNK | 0o777) << 16, "a link or a special file"),
    ],
)
def test_members_that_lead_elsewhere_are_refused(
    workspace: Workspace, tmp_path: Path, name: str, attributes: int, reason: str
) -> None:
    path = tmp_path / "pictures.zip"
    with zipfile.ZipFile(path, "w") as opened:
        member = zipfile.ZipInfo(name)
        member.external_attr = attributes
        opened.writestr(member, picture())
    hashes, _, problems = store(workspace, path, {"a": None})
    assert hashes == [None]
    assert reason in problems.shown[0].message
    assert problems.shown[0].file == "pictures.zip"
    assert not list(tmp_path.rglob("*.png"))


def test_links_in_a_folder_are_not_followed(workspace: Workspace, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(picture())
    source = folder(tmp_path, {"b.png": picture(1)})
    (source / "a.png").symlink_to(secret)
    assert store(workspace, source, {"a": None, "b": None})[0] == [None, digest(1)]


def test_a_member_packed_too_tightly_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    source = archive(tmp_path, {"a.png": b"\x89PNG\r\n\x1a\n" + bytes(5_000_000)})
    hashes, _, problems = store(workspace, source, {"a": None})
    assert hashes == [None]
    assert "packed more than 100 times" in problems.shown[0].message


def test_a_member_larger_than_a_picture_may_be_is_refused(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_BYTES", 50)
    _, _, problems = store(workspace, archive(tmp_path, {"a.png": picture()}), {"a": None})
    assert "larger than" in problems.shown[0].message


@pytest.mark.parametrize(
    ("cap", "value", "message"), [("MAX_MEMBERS", 1, "too many"), ("MAX_TOTAL", 10, "unpacks to more than")]
)
def test_a_zip_over_its_caps_is_refused_whole(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cap: str, value: int, message: str
) -> None:
    monkeypatch.setattr(archives, cap, value)
    with pytest.raises(ImageError, match=rf"pictures\.zip: .*{message}"):
        store(workspace, archive(tmp_path, {"a.png": picture(1), "b.png": picture(2)}), {"a": None})


def test_a_member_whose_bytes_are_damaged_is_reported(workspace: Workspace, tmp_path: Path) -> None:
    source = tmp_path / "pictures.zip"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_STORED) as opened:
        opened.writestr("a.png", picture())
    data = bytearray(source.read_bytes())
    data[60] ^= 0xFF
    source.write_bytes(data)
    hashes, _, problems = store(workspace, source, {"a": None})
    assert hashes == [None]
    assert "damaged" in problems.shown[0].message


def test_what_is_no_zip_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "pictures.zip"
    path.write_bytes(picture())
    with pytest.raises(ImageError, match="not a zip"):
        store(workspace, path, {"a": None})
    with pytest.raises(ImageError, match="no such folder or zip"):
        store(workspace, tmp_path / "nowhere", {"a": None})


def test_a_zip_inside_a_zip_is_not_opened(workspace: Workspace, tmp_path: Path) -> None:
    inner = archive(tmp_path, {"a.png": picture()}).read_bytes()
    hashes, _, problems = store(workspace, archive(tmp_path, {"inner.zip": inner, "a.png": inner}), {"a": None})
    assert hashes == [None]
    assert "not a JPEG, PNG, WebP" in problems.shown[0].message


def test_what_fits_several_is_reported_with_what_it_fits(workspace: Workspace, tmp_path: Path) -> None:
    source = folder(tmp_path, {"x/main.png": picture(1), "y/main.png": picture(2), "z/hat.png": picture(3)})
    items = {"a": "main.png", "b": "red/hat.png", "c": "blue/hat.png"}
    hashes, _, problems = store(workspace, source, items)
    assert hashes == [None] * 3
    assert [(each.kind, each.row, each.value) for each in problems.shown] == [
        ("ambiguous_picture", row, name) for row, name in enumerate(items.values(), start=1)
    ]
    assert "main.png would fit 2 pictures (x/main.png, y/main.png)" in problems.shown[0].message
    assert "z/hat.png would fit 2 products (b, c)" in problems.shown[1].message


def test_other_names_of_products_are_used(workspace: Workspace, tmp_path: Path) -> None:
    source = folder(tmp_path, {"woo-1.png": picture(1)})
    table = pd.DataFrame({"item_id": ["44"]})
    staging = Workspace(workspace.root / "staging")
    found = store_pictures(
        workspace, staging, source, table, None, "items.csv", ProblemLog(), silent, {"44": ["woo-1"]}
    )
    assert found[0].tolist() == [digest(1)]


def test_files_are_pictures_by_their_content_where_their_ending_says_nothing(
    workspace: Workspace, tmp_path: Path
) -> None:
    names = {"1": picture(1), "2.v2": picture(2), "3.txt": b"no picture", ".4": picture(4), "5.jfif": picture(5)}
    for source in (folder(tmp_path, names), archive(tmp_path, names)):
        hashes, report, _ = store(workspace, source, {"1": None, "2.v2": None, "3": None, "4": None, "5": None})
        assert hashes == [digest(1), digest(2), None, None, digest(5)]
        assert report.read == 3


def test_names_in_a_zip_without_a_word_on_their_encoding_are_read(workspace: Workspace, tmp_path: Path) -> None:
    path = archive(tmp_path, {"Caf__.png": picture(1)})
    # As a Mac packs it: UTF-8, and no flag that says so.
    path.write_bytes(path.read_bytes().replace(b"Caf__.png", "Café.png".encode()))
    assert store(workspace, path, {"Café": None})[0] == [digest(1)]
