"""Every file that Longtail makes of a shop of payloads, and what in it would be more than text to the program that opens it."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

import openpyxl
import pandas as pd
import pyarrow.parquet as pq

from engine.core.exports import FORMATS, file_name
from engine.curation.campaigns import campaigns
from engine.curation.evidence import evidence_pack, qrels
from engine.curation.judgements import JudgementStore
from engine.edits.collections.check import check_collection, problems_csv
from engine.edits.collections.template import template, template_csv
from engine.recommend.recommender import Recommender
from engine.release.publish import current_release_id
from engine.store import Database
from tests.support.payload_shop import PayloadShop, together
from tests.support.payloads import HOST, MARK
from ui.widgets.charts import chart_file
from ui.widgets.irrelevance_rates import irrelevance_chart

__all__ = ["dangers", "exports", "exports_of_commands"]

# What a spreadsheet takes for a formula at the beginning of a cell, whatever blanks an import drops, in any country's CSV.
FORMULA = re.compile("[\\s\x00-\x1f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\xad]*[=+\\-@＝＋－＠﹦﹢﹣﹫]")
NUMBER = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?", re.IGNORECASE)
SAFE_NAME = re.compile(r"[\w-]{1,80}(\.[a-z0-9]+)?")


def exports(shop: PayloadShop) -> Iterator[tuple[str, bytes]]:
    """Name and content of every kind of file that pages and commands hand out."""
    workspace, database = shop.workspace, Database(shop.workspace.database_url)
    facade = Recommender.open(workspace, str(current_release_id(workspace)))
    store = JudgementStore(database)
    votes, kinds = store.current(), facade.attribute_kinds
    for one in FORMATS:
        yield f"votes{one.endings[0]}", one.to_bytes(votes)
        yield f"items{one.endings[0]}", one.to_bytes(_flat(facade.items))
    yield "votes.qrels", qrels(votes).encode()
    yield "template.xlsx", template(kinds, [facade.product(row) for row in range(len(facade.items))])
    yield "template.csv", template_csv(kinds, [facade.product(row) for row in range(len(facade.items))])
    sheet = pd.DataFrame({"title": shop.payloads, "price": "dear", **dict.fromkeys(shop.payloads[:20], shop.payloads)})
    yield "to-fix.csv", problems_csv(sheet, check_collection(sheet, {}, facade, []))
    for campaign in campaigns(database)[:: max(1, len(shop.payloads) // 12)]:
        yield f"name of {campaign.name}", file_name(campaign.name, ".csv").encode()
        yield "evidence.zip", evidence_pack(store, campaign, workspace, k=10, seed=0)
    yield "report.json", (workspace.current_snapshot() / "report.json").read_bytes()
    yield "chart.png", _chart("png", shop)
    yield "chart.svg", _chart("svg", shop)


def exports_of_commands(shop: PayloadShop, folder: Path) -> Iterator[tuple[str, bytes]]:
    """The same of what `python -m engine export` writes."""
    for what, ending in (("neighbours", "csv"), ("neighbours", "jsonl"), ("judgements", "csv"), ("qrels", "qrels")):
        out = folder / f"{what}.{ending}"
        command = [
            sys.executable,
            "-m",
            "engine",
            "export",
            what,
            "--workspace",
            str(shop.workspace.root),
            "--out",
            str(out),
        ]
        subprocess.run(command, check=True, capture_output=True)
        yield out.name, out.read_bytes()


def dangers(name: str, content: bytes) -> tuple[int, list[str]]:
    """How many cells, values or names of a file were looked at, and the dangerous ones."""
    look: dict[str, Callable[[bytes], tuple[int, list[str]]]] = {
        "csv": _of_csv, "zip": _of_zip, "xlsx": _of_workbook, "parquet": _of_parquet, "jsonl": _of_json_lines, "json": _of_json,
        "svg": _of_svg, "qrels": _of_qrels,
    }  # fmt: skip
    if name.startswith("name of "):
        return 1, [] if SAFE_NAME.fullmatch(content.decode()) else [content.decode()]
    checked, found = look.get(name.rsplit(".", 1)[-1], lambda _: (1, []))(content)
    return checked, [f"{name}: {one[:120]!r}" for one in found]


def _of_csv(content: bytes) -> tuple[int, list[str]]:
    """The cells as programs split them, and as spreadsheets do where the sign between cells is another."""
    text, cells = content.decode("utf-8-sig"), []
    for sign in (",", ";", "\t"):
        cells += [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=sign) for cell in row]
    return len(cells), [cell for cell in cells if FORMULA.match(cell) and not NUMBER.fullmatch(cell)]


def _of_workbook(content: bytes) -> tuple[int, list[str]]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    return len(cells), [
        str(cell.value) for cell in cells if cell.data_type == "f" or cell.hyperlink or FORMULA.match(str(cell.value))
    ]


def _of_zip(content: bytes) -> tuple[int, list[str]]:
    checked = 0
    found: list[str] = []
    with zipfile.ZipFile(io.BytesIO(content)) as pack:
        for member in pack.namelist():
            more, worse = dangers(member, pack.read(member))
            checked, found = checked + more + 1, found + worse + ([] if SAFE_NAME.fullmatch(member) else [member])
    return checked, found


def _of_parquet(content: bytes) -> tuple[int, list[str]]:
    table = pq.read_table(io.BytesIO(content))
    return table.num_rows * table.num_columns, []


def _of_json_lines(content: bytes) -> tuple[int, list[str]]:
    lines = content.decode().split("\n")
    values = [json.loads(line) for line in lines if line]
    return sum(map(len, values)), []


def _of_json(content: bytes) -> tuple[int, list[str]]:
    return len(MARK.findall(json.dumps(json.loads(content)))), []


def _of_svg(content: bytes) -> tuple[int, list[str]]:
    """Payloads may be the text of `text` elements alone; no address of theirs may be asked for."""
    nodes = list(ElementTree.fromstring(content).iter())
    found = [
        node.tag
        for node in nodes
        if node.tag.rsplit("}", 1)[-1] in ("script", "foreignObject", "iframe", "a", "b", "em", "img")
    ]
    found += [
        f"{name}={value}"
        for node in nodes
        for name, value in node.attrib.items()
        if "href" in name or name.startswith("on") or (HOST in value and "aria" not in name)
    ]
    return len(nodes), found


def _of_qrels(content: bytes) -> tuple[int, list[str]]:
    """Four words a line, whatever an id holds."""
    lines = content.decode().split("\n")[:-1]
    return len(lines), [line for line in lines if len(line.split()) != 4]


def _flat(items: pd.DataFrame) -> pd.DataFrame:
    return items.map(
        lambda value: "; ".join(map(str, value)) if hasattr(value, "__len__") and not isinstance(value, str) else value
    )


def _chart(kind: Literal["png", "svg"], shop: PayloadShop) -> bytes:
    rates = {"rate": 0.5, "low": 0.4, "high": 0.6, "judged": 9, "unsure": 0, "anchors": 3}
    word, table = (
        f"{shop.payloads[0]}s",
        pd.DataFrame([{"arm": "als", "bin_label": text, **rates} for text in shop.payloads[:12]]),
    )
    chart = irrelevance_chart(table, word, shop.payloads[:12], ["als"])
    return chart_file(chart, kind, together(shop.payloads[:12]), together(shop.payloads[12:24]))
