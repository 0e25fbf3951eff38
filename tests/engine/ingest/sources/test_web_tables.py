from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.errors import InputError
from engine.ingest.sources import ROW
from tests.support.staged_files import staged, written

PAGE = """<html><head><style>td {color: red}</style></head><body>
<table><tr><td><h1>Orders of May</h1></td><td>
<table border=1><tr><th>Order</th><th>Customer e-mail</th><th>SKU</th></tr>
<tr><td>007</td><td>a@shop.example</td><td>Größe <b>42</b>&amp;more</td></tr>
<tr><td>008</td><td>b@shop.example</td><td></td></tr></table></td></tr></table></body></html>"""
XML = """<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">
<Worksheet ss:Name="Sheet 1"><Table>
<Row><Cell><Data ss:Type="String">sku</Data></Cell><Cell><Data ss:Type="String">title</Data></Cell>
<Cell><Data ss:Type="String">price</Data></Cell><Cell><Data ss:Type="String">created</Data></Cell></Row>
<Row><Cell><Data ss:Type="String">007</Data></Cell><Cell><Data ss:Type="String">Hat</Data></Cell>
<Cell><Data ss:Type="Number">5.0</Data></Cell><Cell><Data ss:Type="DateTime">2024-05-01T10:30:00.000</Data></Cell></Row>
<Row><Cell><Data ss:Type="String">008</Data></Cell>
<Cell ss:Index="4"><Data ss:Type="DateTime">2024-05-02T00:00:00.000</Data></Cell></Row>
</Table></Worksheet></Workbook>"""


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_a_web_page_saved_as_a_workbook_is_its_table(tmp_path: Path, encoding: str) -> None:
    source, rows, _ = staged(written(tmp_path, PAGE, "orders.xls", encoding))
    assert rows == [
        {ROW: 1, "Order": "007", "Customer e-mail": "a@shop.example", "SKU": "Größe 42 &more"},
        {ROW: 2, "Order": "008", "Customer e-mail": "b@shop.example", "SKU": ""},
    ]
    assert source.notes == ("the name says an Excel or OpenDocument workbook, the content is a web page",)


def test_excels_xml_keeps_gaps_and_dates(tmp_path: Path) -> None:
    _, rows, _ = staged(written(tmp_path, XML, "products.xls"))
    assert [list(row.values()) for row in rows] == [
        [1, "007", "Hat", "5", "2024-05-01 10:30:00"],
        [2, "008", "", "", "2024-05-02"],
    ]


def test_entities_in_excels_xml_are_refused(tmp_path: Path) -> None:
    bomb = XML.replace("<Workbook", '<!DOCTYPE x [<!ENTITY a "b">]><Workbook', 1)
    with pytest.raises(InputError, match=r"products\.xls: the XML declares entities"):
        staged(written(tmp_path, bomb, "products.xls"))
