"""Pictures read in the background: counted beforehand, kept when files are added, stopped at once, failures told."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from types import SimpleNamespace

import pytest
from PIL import Image

from engine.core.errors import ImageError
from engine.edits.collections import picture_reading as reading
from engine.edits.collections.picture_reading import PictureFile, PictureReading

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0"
LONG = 60.0


class Store:
    """Keeps what it is given; may refuse names, fail, or take no more than `allow` permits."""

    def __init__(self, allowed: int | None = None) -> None:
        self.names, self.fails = [], None
        self.permits = None if allowed is None else threading.Semaphore(allowed)
        self.asked = threading.Condition()
        self.asked_for = 0

    def allow(self, count: int) -> None:
        self.permits.release(count)

    def until_asked_for(self, count: int) -> None:
        """Wait until so many pictures were brought; the last one may still be in hand."""
        with self.asked:
            assert self.asked.wait_for(lambda: self.asked_for >= count, LONG)

    def __call__(self, data: bytes, name: str) -> str:
        with self.asked:
            self.asked_for += 1
            self.asked.notify_all()
        if self.permits is not None:
            assert self.permits.acquire(timeout=LONG)
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
    assert read.wait(LONG)
    assert sorted(read.pictures) == ["a.jpg", "b/c.png"]
    assert [name for name, _ in read.skipped] == ["bad.jpg", "note.txt", "broken.zip"]
    assert (read.progress.done, read.progress.total) == (5, 5)


def test_pictures_that_lack_their_end_are_used_and_named():
    stream = io.BytesIO()
    Image.effect_noise((30, 40), 60).save(stream, "JPEG")
    whole = stream.getvalue()
    read = PictureReading(Store())
    read.want([loose("whole.jpg", whole), loose("cut.jpg", whole[:-20]), loose("bad.jpg", whole[:-20])])
    assert read.wait(LONG)
    assert sorted(read.pictures) == ["cut.jpg", "whole.jpg"]
    assert read.cut == ["cut.jpg"]


def test_how_many_there_are_is_known_before_they_are_read():
    store = Store(allowed=5)
    read = PictureReading(store)
    read.want([packed(*(f"{number}.png" for number in range(40))), loose("a.jpg")])
    store.until_asked_for(6)
    assert not read.wait(0)
    assert (read.progress.done, read.progress.total) == (5, 41)
    read.stop()
    store.allow(40)


def test_files_that_come_later_cost_nothing_of_what_was_read():
    store = Store()
    read = PictureReading(store)
    read.want([loose("a.jpg")])
    assert read.wait(LONG)
    read.want([loose("a.jpg"), loose("b.jpg", b"y")])
    assert read.progress.done >= 1
    assert read.wait(LONG)
    assert store.names == ["a.jpg", "b.jpg"]
    read.want([loose("b.jpg", b"y")])
    assert read.wait(LONG)
    assert list(read.pictures) == ["b.jpg"]


def test_asking_again_while_it_reads_starts_nothing_anew():
    store = Store(allowed=0)
    files = [packed(*(f"{number}.png" for number in range(20)))]
    read = PictureReading(store)
    for _ in range(10):
        read.want(files)
        store.allow(1)
        read.wait(0.01)
    store.allow(20)
    while not read.wait(0.1):
        read.want(files)
    assert sorted(store.names) == sorted(f"{number}.png" for number in range(20))


def test_stopping_ends_with_the_picture_in_hand():
    store = Store(allowed=3)
    read = PictureReading(store)
    read.want([packed(*(f"{number}.png" for number in range(200)))])
    store.until_asked_for(4)
    read.stop()
    store.allow(200)
    assert read.wait(LONG)
    assert len(store.names) == 4
    read.want([loose("a.jpg")])
    assert "a.jpg" not in read.pictures


def test_when_nobody_looks_it_stops_and_when_somebody_does_it_goes_on(monkeypatch):
    now = 0.0
    monkeypatch.setattr(reading, "time", SimpleNamespace(monotonic=lambda: now))
    store = Store(allowed=3)
    read = PictureReading(store)
    names = [f"{number}.png" for number in range(12)]
    read.want([packed(*names)])
    store.until_asked_for(4)
    now = reading._UNSEEN_SECONDS + 1
    store.allow(200)
    assert read._quiet.wait(LONG)
    assert len(store.names) == 4
    while not read.wait(LONG):
        continue
    assert sorted(store.names) == sorted(names)


def test_a_full_disk_is_told_to_whoever_waits_and_the_next_try_goes_on():
    store = Store()
    store.fails = OSError("no space left")
    read = PictureReading(store)
    read.want([loose("a.jpg")])
    with pytest.raises(OSError, match="no space"):
        read.wait(LONG)
    store.fails = None
    read.want([loose("a.jpg")])
    assert read.wait(LONG)
    assert list(read.pictures) == ["a.jpg"]


def test_of_two_pictures_with_one_name_the_first_is_used_and_the_other_told():
    read = PictureReading(Store())
    read.want([loose("a.jpg", b"one", "1"), loose("a.jpg", b"two", "2"), loose("a.jpg", b"one", "3")])
    assert read.wait(LONG)
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
