"""One table in every form that shops' files have: how many files are read exactly, and what gzipped CSV costs beside Parquet.

The tables are written here, so every cell is known: four languages in their encodings, delimiters, ways to quote, line ends,
packings, with and without a header; JSON, Excel, XML feeds and Parquet. A file counts only if every column and cell is right.
Peers read the same files with their automatic settings, those of text alone.
"""

from __future__ import annotations

import argparse
import bz2
import csv
import gzip
import io
import itertools
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import duckdb
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.ingest import write_events
from benchmarks.moving_in import Figures
from benchmarks.support import engine, run_child
from engine.core.errors import InputError
from engine.ingest.report import ProblemLog
from engine.ingest.sources import ROW, stage

Rows = list[list[str]]
Read = Callable[[Path], Rows]
"""The header and the rows of a file."""

HEADER = ["sku", "title", "description", "price", "created_at", "link"]
WORDS = {
    "German": ["Größe 42; für Möbel", 'Der "Große", weiß', "Café\nam Eck", "Schuhe &amp; Strümpfe", "schön, günstig"],
    "French": ["Chemise à manches longues", 'La "crème", brûlée', "Fenêtre\ndu garçon", "Noël &amp; été", "où; prêt"],
    "Polish": ["Koszula męska; żółta", 'Łóżko "Źródło", duże', "Świeca\ndziecięca", "Książka &amp; ćma", "późno, źle"],
    "Russian": ["Рубашка; мужская", 'Юбка "жёлтая", длинная', "Кровать\nдетская", "Шапка &amp; шарф", "дом, сад"],
    "Japanese": ["黄色いスカート; 赤", 'ベッド"子供用", 大', "帽子\nシャツ", "本 &amp; 机", "家, 庭"],
}
ENCODINGS = {
    "German": ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1", "cp850", "mac_roman"],
    "French": ["utf-8", "cp1252"],
    "Polish": ["utf-8", "cp1250", "iso8859_2"],
    "Russian": ["utf-8", "cp1251", "koi8_r"],
    "Japanese": ["utf-8", "utf-16", "shift_jis", "euc_jp"],
}
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": lambda content: pa.compress(content, codec="zstd", asbytes=True),
    ".zip": lambda content: _zipped(content),
}


def measure(arguments: argparse.Namespace) -> Figures:
    """Share of files read exactly, by Longtail and its peers, and the time and memory of loading gzipped CSV."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as directory:
        files = list(_files(Path(directory)))
        faults = [path.name for path, rows, _ in files if _failed(read_with_longtail, path, rows)]
        figures["forms_read_exactly"] = (
            round(1 - len(faults) / len(files), 4),
            ">= 0.98",
            {"files": len(files), "faults": faults},
        )
        texts = [(path, rows) for path, rows, is_text in files if is_text]
        for peer, read in {
            "longtail": read_with_longtail,
            "duckdb": read_with_duckdb,
            "pandas": read_with_pandas,
        }.items():
            right = sum(not _failed(read, path, rows) for path, rows in texts)
            figures[f"delimited_read_exactly_by_{peer}"] = (round(right / len(texts), 4), "-", {"files": len(texts)})
    return figures | _costs(arguments.rows)


def _costs(n_rows: int) -> Figures:
    """The whole of loading the same events as gzipped CSV and as Parquet."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        write_events(folder / "events.csv", n_rows)
        with duckdb.connect(config={"threads": 2}) as connection:
            connection.execute(f"COPY (FROM read_csv('{folder}/events.csv')) TO '{folder}/events.parquet'")
            connection.execute(f"COPY (FROM read_csv('{folder}/events.csv')) TO '{folder}/events.csv.gz'")
        runs = {
            name: run_child(engine(folder / name, "ingest", "--interactions", folder / f"events.{name}"))
            for name in ("parquet", "csv.gz")
        }
    details = {"events": n_rows, "seconds": {name: round(run.seconds, 1) for name, run in runs.items()}}
    return {
        "gzipped_csv_times_a_parquet_load": (
            round(runs["csv.gz"].seconds / runs["parquet"].seconds, 2), "<= 1.5", details,
        ),
        "gzipped_csv_peak_gib": (round(runs["csv.gz"].peak_gib, 2), "<= 1.5", {"events": n_rows}),
    }  # fmt: skip


def read_with_longtail(path: Path) -> Rows:
    with tempfile.TemporaryDirectory() as directory:
        source = stage(path, Path(directory), ProblemLog())
        columns = pq.read_table(source.path).drop_columns([ROW]).to_pydict().values()
        return [list(source.columns), *([_text(cell) for cell in row] for row in zip(*columns, strict=True))]


def read_with_duckdb(path: Path) -> Rows:
    with duckdb.connect(config={"threads": 1}) as connection:
        found = connection.sql(f"FROM read_csv('{path}', all_varchar = true)")
        return [found.columns, *([_text(cell) for cell in row] for row in found.fetchall())]


def read_with_pandas(path: Path) -> Rows:
    table = pd.read_csv(path, sep=None, engine="python", dtype=str, keep_default_na=False)
    return [list(table.columns), *table.to_numpy().tolist()]


def _failed(read: Read, path: Path, rows: Rows) -> bool:
    try:
        found = read(path)
    except (InputError, duckdb.Error, ValueError, OSError, csv.Error, ImportError):
        return True
    return [list(map(str, row)) for row in found] != rows


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)


def _files(folder: Path) -> Iterator[tuple[Path, Rows, bool]]:
    """Every file, what is in it, and whether it is delimited text."""
    for number, (name, content, rows, is_text) in enumerate(itertools.chain(_texts(), _headerless(), _others(folder))):
        path = folder / str(number) / name
        path.parent.mkdir()
        path.write_bytes(content)
        yield path, rows, is_text


def _products(language: str, n_rows: int = 40) -> Rows:
    words = WORDS[language]
    return [
        HEADER,
        *(
            [f"A{n:03}", f"{words[n % 5]} {n}".replace("\n", " "), words[(n + n // 5) % 5], f"{n}.50", f"2024-05-{n % 28 + 1:02}", f"https://shop.example/{n}"]
            for n in range(n_rows)
        ),
    ]  # fmt: skip


def _texts() -> Iterator[tuple[str, bytes, Rows, bool]]:
    """Products as text: each encoding with each delimiter, then each way to quote, to end lines and to pack."""
    for language, encodings in ENCODINGS.items():
        rows = _products(language)
        for encoding, delimiter in itertools.product(encodings, ",;\t|"):
            mark = "tab" if delimiter == "\t" else {",": "comma", ";": "semicolon", "|": "bar"}[delimiter]
            yield f"{language}-{encoding}-{mark}.csv", _csv(rows, delimiter).encode(encoding), rows, True
    rows = _products("German")
    for delimiter, quoting, end in itertools.product(",;\t", (csv.QUOTE_MINIMAL, csv.QUOTE_ALL), ("\n", "\r\n", "\r")):
        plain = [[cell.replace("\n", " ") for cell in row] for row in rows] if end == "\r" else rows
        yield "ends.csv", _csv(plain, delimiter, quoting=quoting, lineterminator=end).encode(), plain, True
    for delimiter in ",;":
        escaped = _csv(rows, delimiter, quoting=csv.QUOTE_ALL, doublequote=False, escapechar="\\")
        yield "backslashes.csv", escaped.encode("latin-1"), rows, True
        yield "sep.csv", f"sep={delimiter}\r\n{_csv(rows, delimiter)}".encode("utf-8-sig"), rows, True
    for ending, pack in PACKINGS.items():
        yield f"products.csv{ending}", pack(_csv(rows, ",").encode()), rows, True
        yield f"products.tsv{ending}", pack(_csv(rows, "\t").encode("cp1252")), rows, True


def _headerless() -> Iterator[tuple[str, bytes, Rows, bool]]:
    """Events and films without a header, in the published forms."""
    ratings = [[str(n % 9 + 1), str(n * 7 % 31), str(n % 5 + 1), str(978300760 + n)] for n in range(60)]
    clicks = [[str(n // 3), f"2014-04-07T10:{n:02}:09.277Z", str(214530000 + n % 7), "0S"[n % 2]] for n in range(60)]
    films = [[str(n), f"Cité des enfants n° {n} (1995)", "Animation|Drama" if n % 2 else "Drama"] for n in range(1, 40)]
    people = [[f"u{n % 7}", f"p{n % 11}", ("view", "cart")[n % 2]] for n in range(40)]
    for name, rows, delimiter in (
        ("ratings.dat", ratings, "::"), ("u.data", ratings, "\t"), ("ratings.txt", ratings, " "), ("ratings.csv", ratings, ","),
        ("clicks.dat", clicks, ","), ("movies.dat", films, "::"), ("people.csv", people, ","),
    ):  # fmt: skip
        text = "".join(delimiter.join(row) + "\n" for row in rows)
        yield name, text.encode("latin-1"), [[str(n + 1) for n in range(len(rows[0]))], *rows], True


def _others(folder: Path) -> Iterator[tuple[str, bytes, Rows, bool]]:
    """JSON, workbooks, XML and Parquet."""
    for language in WORDS:
        rows = _products(language)
        records = [dict(zip(HEADER, row, strict=True)) for row in rows[1:]]
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        whole = {"page": 1, "data": {"facets": [{"n": 1}], "products": records}}
        for name, text in {
            "lines.jsonl": lines,
            "lines.json": lines,
            "array.json": json.dumps(records),
            "pretty.json": json.dumps(records, indent=2, ensure_ascii=False),
            "object.json": json.dumps(whole),
            "pretty-object.json": json.dumps(whole, indent=2),
        }.items():
            yield name, text.encode(), rows, False
            yield f"{name}.gz", gzip.compress(text.encode("utf-8-sig")), rows, False
        yield "products.xlsx", _workbook(rows), rows, False
        yield "products.csv", _workbook([[], ["", "Our products"], [], *(["", *row] for row in rows)]), rows, False
        for name, content in _feeds(records).items():
            yield name, content, rows, False
        pq.write_table(pa.table({name: [row[n] for row in rows[1:]] for n, name in enumerate(HEADER)}), folder / "one")
        yield "products.parquet", (folder / "one").read_bytes(), rows, False


def _csv(rows: Sequence[Sequence[str]], delimiter: str, **options: object) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, **({"lineterminator": "\n"} | options)).writerows(rows)  # type: ignore[arg-type]
    return text.getvalue()


def _zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export/products.csv", content)
    return packed.getvalue()


def _workbook(rows: Rows) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    book.create_sheet("Read me").append(["Made by the shop"])
    sheet = book.create_sheet("Products")
    for row in rows:
        sheet.append(row)
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def _feeds(records: Sequence[dict[str, str]]) -> dict[str, bytes]:
    def elements(tag: str, prefix: str) -> str:
        return "".join(
            f"<{tag}>{''.join(f'<{prefix}{name}>{escape(value)}</{prefix}{name}>' for name, value in record.items())}</{tag}>\n"
            for record in records
        )

    space = 'xmlns:g="http://base.google.com/ns/1.0"'
    rss = f'<?xml version="1.0"?>\n<rss version="2.0" {space}><channel><title>x</title>{elements("item", "g:")}</channel></rss>'
    atom = f'<feed xmlns="http://www.w3.org/2005/Atom" {space}><title>x</title>{elements("entry", "g:")}</feed>'
    flat = f'<?xml version="1.0" encoding="UTF-16"?><products>{elements("product", "")}</products>'
    return {"rss.xml": rss.encode(), "atom.xml": atom.encode(), "flat.xml": flat.encode("utf-16")}
