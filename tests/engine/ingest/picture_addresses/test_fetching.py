from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from engine.catalogue.images import MAX_BYTES
from engine.core.progress import silent
from engine.ingest.picture_addresses import fetching
from engine.ingest.picture_addresses.fetching import Fetched, PictureFetch, fetch_pictures
from tests.support.picture_server import Handler, Server, in_turn, picture, send, status

HOW = PictureFetch(allow_hosts=("127.0.0.1",), seconds=1.5, stall_seconds=0.4)


def fetch(folder: Path, addresses: Sequence[str | Sequence[str]], how: PictureFetch = HOW) -> Fetched:
    return fetch_pictures(folder, [[each] if isinstance(each, str) else each for each in addresses], how, silent)


def failure(folder: Path, address: str, how: PictureFetch = HOW) -> str:
    fetched = fetch(folder, [address], how)
    assert fetched.files == [None]
    ((failed, reason),) = fetched.failures[0]
    assert failed == address
    return reason


def test_pictures_are_fetched_once_each(server: Server, tmp_path: Path) -> None:
    server.answers |= {"/1.png": send(picture(1)), "/2.png": send(picture(2), "application/octet-stream")}
    one, two = server.address("/1.png"), server.address("/2.png?width=800")
    fetched = fetch(tmp_path, [one, two, one, []])
    assert [file and file.read_bytes() for file in fetched.files] == [picture(1), picture(2), picture(1), None]
    assert fetched.failures == [[], [], [], []]
    assert (fetched.asked, fetched.changed, server.asked["/1.png"]) == (2, 2, 1)
    assert server.headers["/1.png"]["User-Agent"].startswith("Longtail/")


def test_of_several_addresses_the_first_that_works_is_used(server: Server, tmp_path: Path) -> None:
    server.answers |= {"/b.png": send(picture(2)), "/c.png": send(picture(3))}
    addresses = [server.address(path) for path in ("/a.png", "/b.png", "/c.png")]
    fetched = fetch(tmp_path, [addresses, addresses[2:]])
    assert [file and file.read_bytes() for file in fetched.files] == [picture(2), picture(3)]
    assert fetched.addresses == addresses[1:]


def test_a_second_run_asks_only_for_what_changed(server: Server, tmp_path: Path) -> None:
    def by_etag(handler: Handler) -> None:
        current = handler.headers.get("If-None-Match") == '"one"'
        (status(304) if current else send(picture(1), ETag='"one"'))(handler)

    def by_time(handler: Handler) -> None:
        current = handler.headers.get("If-Modified-Since") == "Thu, 01 Jan 2026 00:00:00 GMT"
        (status(304) if current else send(picture(2), Last_Modified="Thu, 01 Jan 2026 00:00:00 GMT"))(handler)

    changed = in_turn(send(picture(3), ETag='"old"'), send(picture(4), ETag='"new"'))
    server.answers |= {"/e.png": by_etag, "/t.png": by_time, "/c.png": changed}
    addresses = [server.address(path) for path in ("/e.png", "/t.png", "/c.png")]
    first = fetch(tmp_path, addresses)
    assert (first.changed, first.unchanged) == (3, 0)
    for _ in range(2):
        again = fetch(tmp_path, addresses)
        assert [file and file.read_bytes() for file in again.files] == [picture(1), picture(2), picture(4)]
    assert (again.changed, again.unchanged) == (1, 2)


def test_pictures_that_nothing_names_any_more_are_removed(server: Server, tmp_path: Path) -> None:
    server.answers |= {"/1.png": send(picture(1)), "/2.png": send(picture(2))}
    fetch(tmp_path, [server.address("/1.png"), server.address("/2.png")])
    fetched = fetch(tmp_path, [server.address("/2.png")])
    assert list(tmp_path.rglob("*.picture")) == fetched.files
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2


def test_pictures_of_others_stay_where_that_was_asked_for(server: Server, tmp_path: Path) -> None:
    server.answers |= {"/1.png": send(picture(1)), "/2.png": send(picture(2))}
    fetch(tmp_path, [server.address("/1.png")])
    fetch(tmp_path, [server.address("/2.png")], replace(HOW, keep_others=True))
    assert len(list(tmp_path.rglob("*.picture"))) == 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (status(404), "there is no such picture"),
        (status(403), "the server forbids it"),
        (send(b"<html>", "text/html"), "the server sent text/html"),
        (send(b"<svg/>", "image/svg+xml"), "the server sent image/svg"),
        (send(b"<html>", "image/png"), "what the server sent as image/png is no JPEG, PNG"),
        (send(picture(), Content_Encoding="gzip"), "packed"),
        (status(302), "does not say where"),
        (status(302, Location="file:///etc/passwd"), "leads to 'file:///etc/passwd'"),
        (status(302, Location="http://user:word@127.0.0.1/"), "leads to"),
        (status(302, Location="http://10.0.0.1/x.png"), "10.0.0.1 is not on the public internet"),
        (status(302, Location="http://[::ffff:127.0.0.1]/x.png"), "is not on the public internet"),
        (status(302, Location="/x.png"), "it leads in a circle"),
    ],
)
def test_what_a_server_does_wrong_is_said(server: Server, tmp_path: Path, answer: object, reason: str) -> None:
    server.answers["/x.png"] = answer  # type: ignore[assignment]
    assert reason in failure(tmp_path, server.address("/x.png"))
    assert server.asked["/x.png"] == 1


def test_a_redirect_to_a_host_that_is_not_allowed_is_refused_though_it_is_the_same_machine(
    server: Server, tmp_path: Path
) -> None:
    server.answers |= {"/x.png": status(302, Location=server.address("/y.png", "localhost")), "/y.png": send(picture())}
    assert "--allow-host localhost" in failure(tmp_path, server.address("/x.png"))
    assert server.asked["/y.png"] == 0
    allowed = PictureFetch(allow_hosts=("127.0.0.1", "localhost"))
    assert fetch(tmp_path, [server.address("/x.png")], allowed).files != [None]


def test_redirects_are_followed_but_not_without_end(server: Server, tmp_path: Path) -> None:
    server.answers |= {f"/{step}": status(301, Location=f"/{step + 1}") for step in range(9)}
    server.answers |= {"/3": send(picture(3))}
    assert fetch(tmp_path, [server.address("/0")]).files != [None]
    server.answers["/3"] = status(308, Location="/4")
    assert "leads on more than 5 times" in failure(tmp_path, server.address("/0"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::1]", "0"])
def test_this_machine_is_not_asked_unless_it_is_allowed_by_name(server: Server, tmp_path: Path, host: str) -> None:
    server.answers["/x.png"] = send(picture())
    reason = failure(tmp_path, server.address("/x.png", host), PictureFetch())
    assert "only 80 and 443 are asked" in reason
    assert "not on the public internet" in failure(tmp_path, f"http://{host}/x.png", PictureFetch())
    assert not server.asked


@pytest.mark.parametrize(
    "wrong", ["ftp://127.0.0.1/x.png", "http://a:b@127.0.0.1/x.png", "http://127.0.0.1:99999/", "http:///x"]
)
def test_addresses_that_cannot_be_asked_are_refused(tmp_path: Path, wrong: str) -> None:
    assert failure(tmp_path, wrong)


def test_a_server_that_stalls_or_drips_does_not_hold_up_the_run(server: Server, tmp_path: Path) -> None:
    def stalls(handler: Handler) -> None:
        server.ended.wait(20)

    def drips(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 100000\r\n\r\n")
        while not server.ended.wait(0.1):
            handler.wfile.write(b"x")

    def drips_headers(handler: Handler) -> None:
        while not server.ended.wait(0.1):
            handler.wfile.write(b"X-Header: x\r\n")

    server.answers |= {"/stalls": stalls, "/drips": drips, "/headers": drips_headers, "/good": send(picture())}
    began = time.monotonic()
    fetched = fetch(tmp_path, [server.address(path) for path in ("/stalls", "/drips", "/headers", "/good")])
    assert time.monotonic() - began < 8
    assert [file is not None for file in fetched.files] == [False, False, False, True]
    assert "takes too long" in fetched.failures[0][0][1]


def test_a_server_that_is_busy_is_asked_again_when_it_wants(server: Server, tmp_path: Path) -> None:
    server.answers |= {
        "/429": in_turn(status(429, Retry_After="1"), send(picture(1))),
        "/503": in_turn(status(503), status(503), send(picture(2))),
    }
    began = time.monotonic()
    fetched = fetch(tmp_path, [server.address("/429"), server.address("/503")])
    assert [file and file.read_bytes() for file in fetched.files] == [picture(1), picture(2)]
    assert time.monotonic() - began >= 1
    assert (server.asked["/429"], server.asked["/503"]) == (2, 3)


def test_a_server_that_wants_a_long_pause_is_left_alone(server: Server, tmp_path: Path) -> None:
    server.answers["/x"] = status(429, Retry_After="3600")
    assert "asked in 3,600 s again" in failure(tmp_path, server.address("/x"))
    assert server.asked["/x"] == 1


def test_a_server_that_dies_is_asked_again_and_then_given_up(server: Server, tmp_path: Path) -> None:
    def dies(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 5000\r\n\r\n" + picture())
        handler.close_connection = True

    server.answers |= {"/dies": dies, "/recovers": in_turn(dies, send(picture(7)))}
    how = PictureFetch(allow_hosts=("127.0.0.1",), attempts=2)
    fetched = fetch(tmp_path, [server.address("/dies"), server.address("/recovers")], how)
    assert "broke off" in fetched.failures[0][0][1]
    assert fetched.files[1] is not None
    assert fetched.files[1].read_bytes() == picture(7)
    assert server.asked["/dies"] == 2


def test_endless_and_large_answers_are_cut_short(server: Server, tmp_path: Path) -> None:
    def endless(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nConnection: close\r\n\r\n")
        while not server.ended.is_set():
            handler.wfile.write(bytes(1 << 20))

    server.answers |= {"/endless": endless, "/large": send(b"", Content_Length=str(MAX_BYTES + 1))}
    how = PictureFetch(allow_hosts=("127.0.0.1",))
    fetched = fetch(tmp_path, [server.address("/endless"), server.address("/large")], how)
    assert all("larger than 21 MB" in failures[0][1] for failures in fetched.failures)


def test_a_host_that_does_not_answer_is_given_up_for_all_its_pictures(tmp_path: Path, server: Server) -> None:
    server.server_close()
    began = time.monotonic()
    fetched = fetch(tmp_path, [server.address(f"/{number}") for number in range(500)])
    assert time.monotonic() - began < 8
    reasons = [failures[0][1] for failures in fetched.failures]
    assert sum("does not answer, so it was not asked" in reason for reason in reasons) > 450


def test_no_host_is_asked_for_more_than_a_few_pictures_at_a_time(server: Server, tmp_path: Path) -> None:
    def slow(handler: Handler) -> None:
        time.sleep(0.05)
        send(picture())(handler)

    server.answers |= {f"/{number}": slow for number in range(24)}
    how = PictureFetch(allow_hosts=("127.0.0.1",), connections=8, per_host=3)
    assert None not in fetch(tmp_path, [server.address(f"/{number}") for number in range(24)], how).files
    assert server.busiest == 3


def test_what_cannot_be_asked_for_now_is_that_of_the_last_run(server: Server, tmp_path: Path) -> None:
    server.answers["/x"] = in_turn(send(picture(5)), status(500))
    fetch(tmp_path, [server.address("/x")])
    again = fetch(tmp_path, [server.address("/x")], PictureFetch(allow_hosts=("127.0.0.1",), attempts=1))
    assert again.files[0] is not None
    assert again.files[0].read_bytes() == picture(5)
    assert again.from_before == 1


def test_what_is_gone_is_not_used_any_more(server: Server, tmp_path: Path) -> None:
    server.answers["/x"] = in_turn(send(picture(5)), status(404))
    fetch(tmp_path, [server.address("/x")])
    assert "no such picture" in failure(tmp_path, server.address("/x"))
    assert not list(tmp_path.rglob("*.picture"))


def test_an_interrupted_run_goes_on_where_it_was(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_TELL_SECONDS", 0.05)
    server.answers |= {f"/{number}": send(picture(number)) for number in range(30)}
    addresses = [server.address(f"/{number}") for number in range(30)]

    def interrupt(step: str, done: float, message: str = "") -> None:
        if sum(server.asked.values()) >= 5:
            raise KeyboardInterrupt

    server.answers["/9"] = lambda handler: time.sleep(1.2)
    with pytest.raises(KeyboardInterrupt):
        fetch_pictures(tmp_path, [[address] for address in addresses], HOW, interrupt)
    time.sleep(0.2)
    got = [path for path in tmp_path.rglob("*.json") if path.name != "unfinished.json"]
    assert len(got) >= 4
    server.answers["/9"] = send(picture(9))
    before = dict(server.asked)
    fetched = fetch(tmp_path, addresses)
    assert [file and file.read_bytes() for file in fetched.files] == [picture(number) for number in range(30)]
    assert sum(server.asked.values()) - sum(before.values()) == 30 - len(got)
    assert not (tmp_path / "unfinished.json").exists()


def test_a_picture_that_was_cut_off_on_disk_is_fetched_again(server: Server, tmp_path: Path) -> None:
    server.answers["/x"] = send(picture(5), ETag='"x"')
    (file,) = fetch(tmp_path, [server.address("/x")]).files
    assert file is not None
    file.write_bytes(picture(5)[:10])
    fetch(tmp_path, [server.address("/x")])
    assert file.read_bytes() == picture(5)


def test_a_run_ends_at_its_most_bytes_and_the_next_goes_on(server: Server, tmp_path: Path) -> None:
    server.answers |= {f"/{number}": send(picture(number)) for number in range(6)}
    addresses = [server.address(f"/{number}") for number in range(6)]
    how = PictureFetch(allow_hosts=("127.0.0.1",), connections=1, most_bytes=len(picture(5)) * 5 // 2)
    fetched = fetch(tmp_path, addresses, how)
    assert sum(file is not None for file in fetched.files) == 3
    assert "Run it again to go on" in fetched.failures[5][0][1]
    assert sum(file is not None for file in fetch(tmp_path, addresses, how).files) == 6


def test_progress_is_told_at_least_every_second_or_so(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_TELL_SECONDS", 0.1)
    server.answers["/x"] = lambda handler: (time.sleep(0.35), send(picture())(handler))[0]
    told: list[tuple[float, str]] = []
    fetch_pictures(tmp_path, [[server.address("/x")]], HOW, lambda step, done, message="": told.append((done, message)))
    assert len(told) >= 3
    assert told[0] == (0.0, "0 of 1 addresses, 0 MB")
