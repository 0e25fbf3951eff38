from __future__ import annotations

import socket

import pytest

from engine.ingest.picture_addresses import guard as guards
from engine.ingest.picture_addresses.failure import FetchError
from engine.ingest.picture_addresses.guard import AddressGuard, is_public


@pytest.mark.parametrize(
    "number",
    [
        *(
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
        ),
        *(
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1%eth0",
            "fc00::1",
        ),
        *(
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
        ),
    ],
)
def test_addresses_of_no_public_network_are_refused(number: str) -> None:
    assert not is_public(number)


@pytest.mark.parametrize(
    "number", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
)
def test_addresses_of_the_public_internet_may_be_asked(number: str) -> None:
    assert is_public(number)


def answers(monkeypatch: pytest.MonkeyPatch, *numbers: str) -> list[str]:
    asked: list[str] = []

    def look_up(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, 0)) for number in numbers]

    monkeypatch.setattr(guards.socket, "getaddrinfo", look_up)
    return asked


def test_a_host_with_even_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, "93.184.216.34", "10.0.0.1")
    with pytest.raises(FetchError, match=r"not on the public internet .* --allow-host shop\.example"):
        AddressGuard().numbers("shop.example")
    assert AddressGuard(["Shop.Example."]).numbers("shop.example") == ["93.184.216.34", "10.0.0.1"]


def test_a_host_that_means_something_else_later_is_still_what_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, "93.184.216.34")
    guard = AddressGuard()
    assert guard.numbers("rebinds.example") == ["93.184.216.34"]
    answers(monkeypatch, "127.0.0.1")
    assert guard.numbers("rebinds.example") == ["93.184.216.34"]
    monkeypatch.setattr(guards, "_REMEMBERED_SECONDS", -1.0)
    with pytest.raises(FetchError, match="not on the public internet"):
        guard.numbers("rebinds.example")
    assert asked == ["rebinds.example"]


def test_an_unknown_host_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch)
    with pytest.raises(FetchError, match=r"the host shop\.example is not known"):
        AddressGuard().numbers("shop.example")


def test_ports_are_those_of_the_web_unless_the_host_is_allowed() -> None:
    guard = AddressGuard(["mine.example"])
    assert guard.check("https://shop.example:443/x") == "shop.example"
    assert guard.check("http://mine.example:8080/x") == "mine.example"
    for address in ("http://shop.example:8080/", "http://shop.example:443/", "https://shop.example:22/"):
        with pytest.raises(FetchError, match="only 80 and 443"):
            guard.check(address)
