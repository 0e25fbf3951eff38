from __future__ import annotations

from typing import Any

import pytest

from engine.core.settings import AuthSettings
from ui.app.fair_shares.client import address_group, client_of


def scope(client: str = "10.0.0.7", **headers: str) -> dict[str, Any]:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"client": (client, 1234), "headers": sent}


def test_browsers_of_one_address_are_told_apart_by_whose_they_are():
    ada, bob = (client_of(scope(cookie=f"other=1; longtail_curator={name}")) for name in ("Ada", "Bob"))
    assert ada.address == bob.address
    assert ada.person != bob.person
    assert client_of(scope(cookie="longtail_curator=Ada")) == ada


@pytest.mark.parametrize("cookie", ["", "other=1", "longtail_curator", "\x00=;;;=", "a[]=1; longtail_curator"])
def test_who_has_not_said_who_they_are_is_nobody(cookie):
    assert client_of(scope(cookie=cookie)).person == ""


def test_a_forwarded_address_is_believed_of_our_own_proxies_alone():
    forwarded = scope(x_forwarded_for="1.1.1.1, 2.2.2.2")
    assert client_of(forwarded).address == "10.0.0.7"
    assert client_of(forwarded, AuthSettings(proxies=("10.0.9.9",))).address == "10.0.0.7"
    assert client_of(forwarded, AuthSettings(proxies=("10.0.0.0/24",))).address == "2.2.2.2"


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("", "10.1.2.3"),
        ("10.1.2.4, 10.1.2.3", "10.1.2.3"),
        ("1.1.1.1, 2.2.2.2, 10.1.2.4", "2.2.2.2"),
        ("2.2.2.2:50123", "2.2.2.2"),
        ("[2001:db8:1:2::5]:443", "2001:db8:1:2::/64"),
    ],
    ids=["none", "proxies-alone", "a-chain", "port", "ipv6-port"],
)
def test_behind_a_network_of_proxies_the_client_is_the_last_that_is_none_of_them(forwarded, address):
    asked = scope("10.1.2.3", x_forwarded_for=forwarded)
    assert client_of(asked, AuthSettings(proxies=("10.1.2.0/24",))).address == address


def test_people_whom_a_proxy_signed_in_have_shares_of_their_own_and_nobody_else_can_name_them():
    auth = AuthSettings.model_validate({"header": "X-User", "header_secret": "only the proxy knows this"})
    told = {"x_longtail_secret": "only the proxy knows this", "x_forwarded_for": "2.2.2.2"}
    ada, bob, again = (client_of(scope(x_user=name, **told), auth) for name in ("ada", "bob", "ada"))
    assert ada.address == bob.address == "2.2.2.2"
    assert ada.person != bob.person
    assert again == ada
    stranger = client_of(scope(x_user="ada", x_forwarded_for="2.2.2.2"), auth)
    assert (stranger.address, stranger.person) == ("10.0.0.7", "")


def test_an_ipv6_customer_is_one_address_whatever_they_choose():
    assert address_group("2001:db8:1:2::5") == address_group("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert address_group("2001:db8:1:3::5") != address_group("2001:db8:1:2::5")
    assert address_group("::ffff:10.0.0.7") == "10.0.0.7"
    assert address_group("testclient") == "testclient"
