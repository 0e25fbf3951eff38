from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.errors import InputError
from engine.ingest.sources import FileForm, textfiles
from tests.support.staged_files import staged, written

GERMAN = "sku;name\n1;Café für Möbel\n2;Größe weiß\n"
FRENCH = "sku;name\n1;Chemise à manches longues\n2;crème brûlée 5 €\n"
CZECH = "sku;name\n1;Košile dětská\n2;Příbor žlutý\n"
POLISH = "sku;name\n1;Żółty kubek śliczny\n2;Żółta łyżka\n"
RUSSIAN = "sku;name\n1;Рубашка мужская\n2;Юбка жёлтая\n"
JAPANESE = "sku;name\n1;黄色いスカート\n2;子供用ベッド\n"


@pytest.mark.parametrize(
    ("text", "encoding", "title"),
    [
        (GERMAN, "utf-8", ""),
        (GERMAN, "utf-8-sig", ""),
        (GERMAN, "utf-16", "UTF-16"),
        (GERMAN, "utf-16-le", "UTF-16"),
        (GERMAN, "utf-16-be", "UTF-16"),
        (GERMAN, "cp1252", "Windows-1252"),
        (GERMAN, "cp850", "cp850"),
        (GERMAN, "mac_roman", "Mac Roman"),
        (FRENCH, "cp1252", "Windows-1252"),
        (CZECH, "cp1250", "Windows-1250"),
        (POLISH, "cp1250", "Windows-1250"),
        (CZECH, "iso8859_2", "Latin-2"),
        (RUSSIAN, "cp1251", "Windows-1251"),
        (RUSSIAN, "koi8_r", "koi8_r"),
        (JAPANESE, "shift_jis", "Shift JIS"),
    ],
)
def test_the_encoding_is_found_and_said(tmp_path: Path, text: str, encoding: str, title: str) -> None:
    source, rows, _ = staged(written(tmp_path, text, "items.csv", encoding))
    assert [row["name"] for row in rows] == [line.split(";")[1] for line in text.splitlines()[1:]]
    assert [note.split(", e.g.")[0] for note in source.notes] == ([f"read as {title}"] if title else [])


def test_the_note_shows_a_word_so_that_a_person_can_check_it(tmp_path: Path) -> None:
    source, _, _ = staged(written(tmp_path, "sku,name\n1,Red\n2,ein Café hier\n", "items.csv", "cp1252"))
    assert source.notes == ('read as Windows-1252, e.g. "Café"',)


def test_one_byte_at_the_end_of_a_long_file_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textfiles, "_CHUNK", 1_000)
    text = "sku,name\n" + "".join(f"{n},plain\n" for n in range(2_000)) + "x,Café\n"
    _, rows, _ = staged(written(tmp_path, text, "items.csv", "cp1252"))
    assert rows[-1]["name"] == "Café"


def test_a_first_look_samples_the_end_of_a_long_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textfiles, "_CHUNK", 1_000)
    text = "sku,name\n" + "".join(f"{n},plain\n" for n in range(2_000)) + "x,Café\n"
    source, _, _ = staged(written(tmp_path, text, "items.csv", "cp1252"), limit=5)
    assert source.notes[0].startswith("read as Windows-1252")


def test_a_declared_encoding_wins_over_the_bytes(tmp_path: Path) -> None:
    source, rows, _ = staged(written(tmp_path, GERMAN, "items.csv"), FileForm(encoding="latin-1"))
    assert rows[0]["name"] == "CafÃ© fÃ¼r MÃ¶bel"
    assert source.notes == ()


def test_damage_in_utf_8_is_not_hidden_by_another_encoding(tmp_path: Path) -> None:
    content = "sku,name\n1,Café\n2,Größe\n3,weiß\n".encode() + b"4,caf\xe9\n"
    with pytest.raises(InputError, match=r"row 4: byte \d+ \(0xe9, in line 5\) is not valid utf-8"):
        staged(written(tmp_path, content, "items.csv"))


def test_zero_bytes_in_utf_8_stay(tmp_path: Path) -> None:
    _, rows, _ = staged(written(tmp_path, "sku,name\n1,Plain\0Name of a product\n", "items.csv"))
    assert rows[0]["name"] == "Plain\0Name of a product"
