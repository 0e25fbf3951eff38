"""Texts of strangers in a real browser: on every page they are shown as they stand, and nothing else comes of them."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.support.payload_exports import dangers, exports
from tests.support.payload_shop import PayloadShop, build_payload_shop
from tests.support.payload_tour import be, tour
from tests.support.payload_walk import PayloadWatch
from tests.support.payloads import HOST, digest, payloads, shown_as

pytestmark = [pytest.mark.browser, pytest.mark.flaky(reruns=1)]  # Streamlit 1.67 may lose an upload (see `at_rest`)
EVIL = f"**zq000** <b>x</b> [y](https://{HOST})"


@pytest.fixture  # a tour judges, uploads and publishes: each attempt has its own
def shop(tmp_path_factory) -> PayloadShop:
    return build_payload_shop(tmp_path_factory.mktemp("strangers") / "workspace", digest())


def test_nothing_but_text_comes_of_what_strangers_wrote_on_any_page(
    shop: PayloadShop, start_server, context: BrowserContext, page: Page
):
    watch = PayloadWatch(str(start_server(shop.workspace.root)), shop.payloads)
    watch.follow(context)
    be(context, watch.address, shop.payloads[0])
    tour(page, watch, shop, (3, 16), thorough=False)
    assert watch.rendered == []
    assert watch.foreign == []
    words = {word for _, _, word in watch.shown}
    assert len(words) == len(shop.payloads)
    assert len(watch.shown) > 30 * len(shop.payloads)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<p>a <strong>zq000</strong> &lt;b&gt;x&lt;/b&gt; y</p>", "zq000 as 'zq000'"),
        (f"<a href='https://{HOST}'>{EVIL.replace('<', '&lt;')}</a>", "A href="),
        (f"<em>{EVIL.replace('<', '&lt;')}</em>", "in <em>"),
        (f"<img src='https://{HOST}/x.png'>", "IMG src="),
        ("<script>window.zqRan=1</script>", "a script ran"),
        ("<b onclick='zq000'>x</b>", "B onclick="),
        ("<div id=host></div><script>host.attachShadow({mode: 'open'}).innerHTML = '<i>zq000</i>'</script>", "in <i>"),
        ("<script>alert('zq000')</script>", "a dialog opened: zq000"),
    ],
)  # fmt: skip
def test_what_is_rendered_is_noticed(context: BrowserContext, page: Page, body: str, said: str):
    watch = PayloadWatch("http://localhost:1", [EVIL])
    watch.follow(context)
    page.set_content(f"<!doctype html><html><body>{body}</body></html>")
    watch.look(page, "planted")
    assert [one for one in watch.rendered if said in one]
    assert bool(watch.foreign) == ("<img" in body)


def test_what_is_shown_as_text_is_not_in_the_way(context: BrowserContext, page: Page):
    watch = PayloadWatch("http://localhost:1", [EVIL])
    watch.follow(context)
    page.set_content(
        f"<!doctype html><html><body><p><b>Brand:</b> {EVIL.replace('<', '&lt;')}, and more</p></body></html>"
    )
    assert watch.look(page, "planted") == 1
    assert (watch.rendered, watch.foreign) == ([], [])
    assert watch.shown == {("planted", "p", "zq000")}


def test_no_file_that_is_handed_out_holds_more_than_text(shop: PayloadShop):
    found = {name: dangers(name, content) for name, content in exports(shop)}
    assert [danger for _, some in found.values() for danger in some] == []
    assert sum(checked for checked, _ in found.values()) > 5_000


@pytest.mark.parametrize("cell", ["=1+1", " =1+1", "x;=1+1", "\t+a", "＝1", "\u200b@x"])
def test_a_formula_in_a_file_is_noticed(cell: str):
    assert dangers("a.csv", f'a,b\r\n1,"{cell}"\r\n'.encode())[1]


def test_payloads_are_many_and_each_is_known_by_its_word():
    made = payloads(400)
    assert len(set(made)) == 400
    assert all(f"zq{number:03d}" in shown_as(payload) for number, payload in enumerate(made))
