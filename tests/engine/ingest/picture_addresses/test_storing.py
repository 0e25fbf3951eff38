from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from engine.catalogue.snapshot import read_shop
from engine.core.errors import InputError
from engine.core.workspace import Workspace
from engine.ingest.picture_addresses import PictureFetch
from engine.ingest.pipeline import ingest
from engine.ingest.report import IngestReport
from tests.support.picture_server import Server, picture, send

HOW = PictureFetch(allow_hosts=("127.0.0.1",))


def load(workspace: Workspace, folder: Path, cells: list[str], **options: object) -> IngestReport:
    rows = [f's{place},Hat {place},"{cell}"' for place, cell in enumerate(cells)]
    (folder / "items.csv").write_text("\n".join(["sku,title,image_url", *rows]) + "\n")
    events = [f"u{user},s{place}" for user in range(4) for place in range(len(cells))]
    (folder / "events.csv").write_text("\n".join(["user_id,sku", *events]) + "\n")
    return ingest(workspace, items=folder / "items.csv", interactions=folder / "events.csv", **options)  # type: ignore[arg-type]


def digest(shade: int) -> str:
    return hashlib.sha256(picture(shade)).hexdigest()


def images(workspace: Workspace) -> list[str | None]:
    return [None if value != value else value for value in read_shop(workspace).items["image"]]


def test_pictures_come_from_their_addresses_and_what_is_wrong_is_said_by_row(
    workspace: Workspace, tmp_path: Path, server: Server
) -> None:
    server.answers |= {"/1.png": send(picture(1)), "/2.png": send(picture(2)), "/cut.png": send(picture(3)[:-40])}
    cells = [
        server.address("/1.png"),
        f"{server.address('/gone.png')}, {server.address('/2.png')}",
        server.address("/gone.png"),
        server.address("/cut.png"),
        "",
    ]
    report = load(workspace, tmp_path, cells, fetch=HOW)
    assert images(workspace) == [digest(1), digest(2), None, None, None]
    assert all(workspace.thumbnail_file(image).is_file() for image in images(workspace) if image)
    told = [(problem.kind, problem.file, problem.row, problem.value) for problem in report.problems]
    assert told == [
        ("unfetched_picture", "items.csv", 3, cells[2]),
        ("unreadable_picture", "items.csv", 4, "s3"),
    ]
    assert "there is no such picture (status 404)" in report.problems[0].message
    assert report.problems[1].message.startswith(f"{cells[3]}: the picture is damaged")
    (pictures,) = [file for file in report.files if file.kind == "pictures"]
    assert (pictures.name, pictures.read, pictures.kept, pictures.rejected) == ("web addresses", 4, 2, 2)


def test_pictures_in_a_folder_come_first(workspace: Workspace, tmp_path: Path, server: Server) -> None:
    server.answers |= {"/1.png": send(picture(1)), "/2.png": send(picture(2))}
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "1.png").write_bytes(picture(9))
    cells = [server.address("/1.png"), server.address("/2.png"), ""]
    report = load(workspace, tmp_path, cells, images=tmp_path / "pictures", fetch=HOW)
    assert images(workspace) == [digest(9), digest(2), None]
    assert server.asked["/1.png"] == 0
    assert [(problem.kind, problem.row) for problem in report.problems] == [("missing_picture", 3)]


def test_nothing_is_fetched_unless_it_was_asked_for(workspace: Workspace, tmp_path: Path, server: Server) -> None:
    report = load(workspace, tmp_path, [server.address("/1.png")] * 3)
    assert not server.asked
    assert any("--fetch-pictures gets the 3 that are web addresses" in note for note in report.files[0].notes)


def test_strict_refuses_a_picture_that_cannot_be_had(workspace: Workspace, tmp_path: Path, server: Server) -> None:
    with pytest.raises(InputError, match="unfetched picture"):
        load(workspace, tmp_path, [server.address("/gone.png")] * 3, fetch=HOW, strict=True)
