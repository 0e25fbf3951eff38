from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.errors import InputError
from engine.ingest.sources import ROW, FileForm, feeds
from tests.support.staged_files import staged, written

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0">
<channel><title>My shop</title><link>https://shop.example</link><description>x</description>
<item><g:id>A1</g:id><title>Red &amp; blue dress</title><description><![CDATA[<p>Soft</p>]]></description>
<g:image_link>https://x/1.jpg</g:image_link><g:price>9.90 EUR</g:price>
<g:additional_image_link>https://x/2.jpg</g:additional_image_link>
<g:additional_image_link>https://x/3.jpg</g:additional_image_link>
<g:shipping><g:country>DE</g:country><g:price>4 EUR</g:price></g:shipping></item>
<item><g:id>A2</g:id><title>Hat</title><g:price>5.00 EUR</g:price></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><title>Shop</title>
<entry><g:id>1</g:id><title>Dress</title><link href="https://x/1"/><g:title>Red dress</g:title></entry>
<entry><g:id>2</g:id><title>Hat</title><link href="https://x/2"/></entry></feed>"""
YML = """<yml_catalog date="2024-05-01"><shop><name>S</name>
<categories><category id="1">Dresses</category><category id="2">Hats</category><category id="3">More</category></categories>
<offers><offer id="7" available="true"><name>Dress</name><price currency="EUR">9</price><param name="Colour">red</param></offer>
<offer id="8" available="false"><name>Hat</name><price currency="EUR">5</price><param name="Size">M</param></offer></offers>
</shop></yml_catalog>"""


def test_a_google_feed_has_a_row_an_item(tmp_path: Path) -> None:
    source, rows, _ = staged(written(tmp_path, RSS, "feed.xml"))
    assert source.notes == ("the rows are the elements <item>",)
    assert rows[0] == {
        ROW: 1,
        "id": "A1",
        "title": "Red & blue dress",
        "description": "<p>Soft</p>",
        "image_link": "https://x/1.jpg",
        "price": "9.90 EUR",
        "additional_image_link": '["https://x/2.jpg","https://x/3.jpg"]',
        "shipping": '{"country":"DE","price":"4 EUR"}',
    }
    assert (rows[1]["id"], rows[1]["shipping"]) == ("A2", None)


def test_two_namespaces_with_one_name_are_two_columns(tmp_path: Path) -> None:
    _, rows, _ = staged(written(tmp_path, ATOM, "feed.atom"))
    assert rows[0] == {ROW: 1, "id": "1", "title": "Dress", "link": "https://x/1", "g:title": "Red dress"}


def test_attributes_and_named_values_are_columns(tmp_path: Path) -> None:
    _, rows, _ = staged(written(tmp_path, YML, "export.xml"))
    assert rows[0] == {
        **{ROW: 1, "id": "7", "available": "true", "name": "Dress", "price": "9", "price currency": "EUR"},
        **{"Colour": "red", "Size": None},
    }


def test_lists_and_pairs_in_nested_elements_lose_their_wrappers(tmp_path: Path) -> None:
    text = """<shop><product><id>1</id><images><image>a.jpg</image><image>b.jpg</image></images>
    <name><language id="1">Hat</language></name>
    <PARAM><PARAM_NAME>Colour</PARAM_NAME><VAL>red</VAL></PARAM><size><width>3</width><height>4</height></size></product>
    <product><id>2</id><images><image>c.jpg</image></images></product></shop>"""
    _, rows, _ = staged(written(tmp_path, text, "shop.xml"))
    assert rows[0] == {
        **{ROW: 1, "id": "1", "images": '["a.jpg","b.jpg"]', "name": "Hat", "Colour": "red"},
        **{"size": '{"width":"3","height":"4"}'},
    }
    assert rows[1]["images"] == "c.jpg"


def test_elements_that_hold_only_attributes_are_rows(tmp_path: Path) -> None:
    _, rows, _ = staged(written(tmp_path, '<posts><row Id="1" Title="a"/><row Id="2" Title="b"/></posts>', "Posts.xml"))
    assert [(row["Id"], row["Title"]) for row in rows] == [("1", "a"), ("2", "b")]


def test_a_feed_of_one_product_is_one_row(tmp_path: Path) -> None:
    text = "<products><product><sku>a</sku><title>Hat</title></product></products>"
    _, rows, _ = staged(written(tmp_path, text, "products.xml"))
    assert [(row["sku"], row["title"]) for row in rows] == [("a", "Hat")]


@pytest.mark.parametrize(
    ("head", "encoding", "declared"),
    [
        ('<?xml version="1.0" encoding="ISO-8859-1"?>', "latin-1", None),
        ('<?xml version="1.0" encoding="windows-1252"?>', "cp1252", None),
        ("", "cp1252", None),
        ("", "utf-16", None),
        ('<?xml version="1.0" encoding="UTF-8"?>', "cp1252", "cp1252"),
    ],
)
def test_encodings_of_xml(tmp_path: Path, head: str, encoding: str, declared: str | None) -> None:
    text = head + "<shop><p><id>1</id><name>Café für Möbel</name></p><p><id>2</id><name>Größe</name></p></shop>"
    _, rows, _ = staged(written(tmp_path, text, "shop.xml", encoding), FileForm(encoding=declared))
    assert [row["name"] for row in rows] == ["Café für Möbel", "Größe"]


BOMB = '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]><a><b><c>&y;</c></b><b><c>1</c></b></a>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><b><c>&x;</c></b><b><c>1</c></b></a>'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "declares entities"),
        (OUTSIDE, "declares entities"),
        (RSS[:-30], "the XML is broken in line 9"),
        ('<?xml version="1.0"?><a>only text</a>', "no elements in this XML look like rows"),
    ],
)
def test_xml_that_cannot_be_read_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        staged(written(tmp_path, text, "feed.xml"))
    assert caught.value.file == "feed.xml"


def test_elements_and_texts_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "_MOST_PARTS", 50)
    monkeypatch.setattr(feeds, "_MAX_TEXT", 100_000)
    deep = "<a><b><id>1</id></b><b>" + "<c>1</c>" * 100 + "</b></a>"
    with pytest.raises(InputError, match=r"row 2: this element <b> has more than 50 others"):
        staged(written(tmp_path, deep, "feed.xml"))
    long = "<a><b><id>1</id></b><b><id>" + "1" * 300_000 + "</id></b></a>"
    with pytest.raises(InputError, match="one text in it is longer than"):
        staged(written(tmp_path, long, "feed.xml"))


def test_a_long_feed_needs_little_memory(tmp_path: Path) -> None:
    item = "<item><id>%d</id><title>A product with a longer title</title></item>"
    path = written(tmp_path, "<shop>" + "".join(item % number for number in range(20_000)) + "</shop>", "feed.xml")
    source, rows, _ = staged(path)
    assert (source.n_rows, rows[-1]["id"]) == (20_000, "19999")
