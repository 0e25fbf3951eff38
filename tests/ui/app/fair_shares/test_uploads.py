"""Files sent to a real dashboard: taken from open tabs that asked for them, within bounds, and dropped with the tab."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.support import free_port, serve_dashboard, wait_for
from tests.support.tab import Tab

MB = 1024 * 1024


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Its port; a tab may hold 6 MB here and those of an address 6, all 12."""
    folder: Path = tmp_path_factory.mktemp("uploads")
    limits = {"UPLOAD_TAB_MB": "6", "UPLOAD_ALL_MB": "12", "UPLOAD_FILES": "4", "UPLOAD_KEPT_SECONDS": "0.5"}
    more = {f"LONGTAIL_LIMITS__{name}": value for name, value in limits.items()}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in more.items():
            patch.setenv(name, value)
        port = free_port()
        with serve_dashboard(folder, port, folder / "log"):
            wait_for(f"http://127.0.0.1:{port}")
            yield port


@pytest.fixture
def tab(dashboard: int) -> Iterator[Tab]:
    with Tab(dashboard) as tab:
        yield tab


def until_taken(tab: Tab, address: str, megabytes: int) -> None:
    deadline = time.monotonic() + 20
    while tab.upload(address, bytes(megabytes * MB))[0] != 204:
        assert time.monotonic() < deadline, "a closed tab still holds its files"
        time.sleep(0.8)


def test_an_open_tab_that_asked_may_send_and_nobody_else(tab, dashboard):
    (address,) = tab.upload_addresses()
    invented = address.rpartition("/")[0] + "/12345678-1234-4234-8234-123456789012"
    gone = address.replace(tab.session, "12345678-1234-4234-8234-123456789012")
    with Tab(dashboard, name="Eve") as other:
        borrowed = address.replace(tab.session, other.session)
        assert [tab.upload(one, b"x")[0] for one in (address, invented, gone, borrowed)] == [204, 403, 403, 403]
    _, sentence = tab.upload(invented, b"x")
    assert "choose the file again" in sentence
    assert tab.upload(address, b"", method="DELETE")[0] == 204


def test_a_person_holds_so_much_and_what_is_removed_makes_room(tab):
    first, second, third, *_ = tab.upload_addresses(4)
    assert tab.upload(first, bytes(4 * MB))[0] == 204
    status, sentence = tab.upload(second, bytes(3 * MB))
    assert status == 413
    assert "6 MB" in sentence
    assert tab.upload(first, b"", method="DELETE")[0] == 204
    assert tab.upload(second, bytes(3 * MB))[0] == 204
    assert tab.upload(third, bytes(3 * MB - 1000))[0] == 204


def test_a_tab_holds_so_many_files(tab):
    addresses = tab.upload_addresses(9)
    assert len(addresses) == 9, "a browser sends nothing where an address is missing"
    assert [tab.upload(one, b"x")[0] for one in addresses] == [204] * 4 + [413] * 5
    status, sentence = tab.upload(tab.upload_addresses()[0], b"x")
    assert status == 413
    assert "at most 4 files" in sentence


def test_all_tabs_together_hold_so_much_and_a_closed_one_gives_it_back(dashboard):
    with Tab(dashboard) as one, Tab(dashboard, name="Bo", source="127.0.0.2") as two:
        until_taken(one, one.upload_addresses()[0], 4)  # once the files of earlier tabs are gone
        with Tab(dashboard) as again, Tab(dashboard, name="Cy", source="127.0.0.3") as three:
            assert again.upload(again.upload_addresses()[0], bytes(3 * MB))[0] == 413, "Ada's tabs count together"
            assert two.upload(two.upload_addresses()[0], bytes(5 * MB))[0] == 204
            (address,) = three.upload_addresses()
            status, sentence = three.upload(address, bytes(4 * MB))
            assert status == 429
            assert "a few minutes" in sentence
            one.close()
            until_taken(three, address, 4)


def test_an_address_with_invented_names_leaves_room_for_others(dashboard):
    source = "127.0.0.4"
    with Tab(dashboard, name="Eve1", source=source) as one, Tab(dashboard, name="Eve2", source=source) as two:
        until_taken(one, one.upload_addresses()[0], 4)
        assert two.upload(two.upload_addresses()[0], bytes(3 * MB))[0] == 429


def test_a_file_that_does_not_say_its_size_is_counted_as_it_comes(tab):
    (address,) = tab.upload_addresses()
    connection = http.client.HTTPConnection("127.0.0.1", tab.port, timeout=20)
    connection.putrequest("PUT", address)
    for name, value in {
        "Cookie": f"_streamlit_xsrf={tab._xsrf}",
        "X-Xsrftoken": tab._xsrf,
        "Content-Type": "multipart/form-data; boundary=b",
        "Transfer-Encoding": "chunked",
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    connection.send(b"%x\r\n%s\r\n" % (len(head), head))
    sent = 0
    try:
        for _ in range(200):
            connection.send(b"%x\r\n%s\r\n" % (MB // 4, bytes(MB // 4)))
            sent += 1
        assert connection.getresponse().status == 413
    except ConnectionError:
        pass  # cut off while it was sending
    finally:
        connection.close()
    assert sent < 200
