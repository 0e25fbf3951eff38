"""Pictures read in the background: counted beforehand, kept when files are added, stopped at once, failures told."""

from __future__ import annotations

import hashlib
import io
import threading
import time
import zipfile

import pytest

from engine.core.errors import ImageError
from engine.edits.collections import picture_reading as reading
from engine.edits.collections.picture_reading import PictureFile, PictureReading

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0"


class Store:
    """Keeps what it is given; may be slow, refuse names, or fail."""

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.seconds, self.names, self.fails = seconds, [], None

    def __call__(self, data: bytes, name: str) -> str:
        time.sleep(self.seconds)
        if self.fails:
            raise self.fails
        if "bad" in name:
            raise ImageError("it is damaged.", file=name)
        self.names.append(name)
        return hashlib.sha256(data).hexdigest()


def loose(name: str, data: bytes = b"x", key: str = "") -> PictureFile:
    return PictureFile(key or name, name, lambda: data)


def packed(*names: str, archive: str = "all.zip") -> PictureFile:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name in names:
            made.writestr(name, PNG + name.encode() if name.endswith("png") else b"no picture")
    return PictureFile(archive, archive, stream.getvalue)


def test_loose_pictures_and_those_of_zips_are_read_and_what_is_none_is_told():
    read = PictureReading(Store())
    read.want([loose("a.jpg"), loose("bad.jpg"), packed("b/c.png", "note.txt"), loose("broken.zip", b"no zip")])
    assert read.wait(5)
    assert sorted(read.pictures) == ["a.jpg", "b/c.png"]
    assert [name for name, _ in read.skipped] == ["bad.jpg", "note.txt", "broken.zip"]
    assert (read.progress.done, read.progress.total) == (5, 5)


def test_how_many_there_are_is_known_before_they_are_read():
    read = PictureReading(Store(seconds=0.05))
    read.want([packed(*(f"{number}.png" for number in range(40))), loose("a.jpg")])
    assert not read.wait(0.3)
    assert read.progress.total == 41
    assert 0 < read.progress.done < 41
    read.stop()


def test_files_that_come_later_cost_nothing_of_what_was_read():
    store = Store()
    read = PictureReading(store)
    read.want([loose("a.jpg")])
    assert read.wait(5)
    read.want([loose("a.jpg"), loose("b.jpg", b"y")])
    assert read.progress.done >= 1
    assert read.wait(5)
    assert store.names == ["a.jpg", "b.jpg"]
    read.want([loose("b.jpg", b"y")])
    assert read.wait(5)
    assert list(read.pictures) == ["b.jpg"]


def test_asking_again_while_it_reads_starts_nothing_anew():
    store = Store(seconds=0.02)
    files = [packed(*(f"{number}.png" for number in range(20)))]
    read = PictureReading(store)
    for _ in range(10):
        read.want(files)
        read.wait(0.01)
    while not read.wait(0.1):
        read.want(files)
    assert sorted(store.names) == sorted(f"{number}.png" for number in range(20))


def test_stopping_ends_with_the_picture_in_hand():
    store = Store(seconds=0.05)
    read = PictureReading(store)
    read.want([packed(*(f"{number}.png" for number in range(200)))])
    read.wait(0.2)
    read.stop()
    assert read.wait(1)
    assert len(store.names) < 20
    read.want([loose("a.jpg")])
    assert "a.jpg" not in read.pictures


def test_when_nobody_looks_it_stops_and_when_somebody_does_it_goes_on(monkeypatch):
    monkeypatch.setattr(reading, "_UNSEEN_SECONDS", 0.1)
    store = Store(seconds=0.05)
    read = PictureReading(store)
    read.want([packed(*(f"{number}.png" for number in range(12)))])
    time.sleep(0.5)
    assert len(store.names) < 8
    while not read.wait(0.05):
        continue
    assert sorted(store.names) == sorted(f"{number}.png" for number in range(12))


def test_a_full_disk_is_told_to_whoever_waits_and_the_next_try_goes_on():
    store = Store()
    store.fails = OSError("no space left")
    read = PictureReading(store)
    read.want([loose("a.jpg")])
    with pytest.raises(OSError, match="no space"):
        read.wait(5)
    store.fails = None
    read.want([loose("a.jpg")])
    assert read.wait(5)
    assert list(read.pictures) == ["a.jpg"]


def test_of_two_pictures_with_one_name_the_first_is_used_and_the_other_told():
    read = PictureReading(Store())
    read.want([loose("a.jpg", b"one", "1"), loose("a.jpg", b"two", "2"), loose("a.jpg", b"one", "3")])
    assert read.wait(5)
    assert read.pictures == {"a.jpg": hashlib.sha256(b"one").hexdigest()}
    ((name, why),) = read.skipped
    assert name == "a.jpg"
    assert "another picture has this name" in why


def test_files_that_come_and_go_from_many_threads_are_all_read():
    store = Store()
    read = PictureReading(store)
    files = [loose(f"{number}.jpg", str(number).encode()) for number in range(60)]
    threads = [threading.Thread(target=read.want, args=(files[: number + 1],)) for number in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    read.want(files)
    while not read.wait(1):
        continue
    assert len(read.pictures) == 60
