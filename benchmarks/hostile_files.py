"""Pictures, sheets and zips that are damaged or meant to harm: does anything crash, leave its bounds or write where it must not?

    python -m benchmarks.hostile_files [--pictures 10000] [--sheets 5000] [--zips 1000] [--seed 0]

Garment photos, tables and archives are mutated (bits, cuts, splices, lengths in headers) or built to harm (bombs, paths that lead out,
links, nested archives, a million columns, formulas, entities), and each goes through the function that an upload goes
through. A file may be taken or refused with a sentence; anything else counts as a crash. Written to results/hostile_files.json.
"""

from __future__ import annotations

import argparse
import io
import stat
import struct
import tempfile
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
from PIL import Image

from benchmarks.support import ROOT, merge_results, shared_data
from engine.core.errors import ArchiveError, ImageError, SheetError
from engine.core.workspace import Workspace
from engine.untrusted.archives import read_archive
from engine.untrusted.bounded import ChildUse
from engine.untrusted.sheets import read_sheet, sheet_children
from engine.untrusted.uploads import picture_children, store_upload
from tests.support.colour_profiles import rgb_profile

COMMAND = "python -m benchmarks.hostile_files"
MOST_BYTES, MOST_SECONDS = 512 * 1024**2, 5.0
LATE = 0.5  # ending a child that took too long takes a moment of its own
TIFF_PACKINGS = ("tiff_lzw", "tiff_deflate", "jpeg", "packbits", "raw")
Rng = np.random.Generator


def main() -> None:
    """Mutate, read, count, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for kind, number in (("pictures", 10_000), ("sheets", 5_000), ("zips", 1_000)):
        parser.add_argument(f"--{kind}", type=int, default=number)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rngs = [np.random.default_rng([arguments.seed, part]) for part in range(3)]
    with tempfile.TemporaryDirectory() as folder:
        sandbox = Path(folder)
        workspace = Workspace(sandbox / "deep" / "workspace")
        workspace.root.mkdir(parents=True)
        report("pictures", *_pictures(workspace, rngs[0], arguments.pictures))
        report("sheets", *_sheets(rngs[1], arguments.sheets))
        report("zips", *_zips(rngs[2], arguments.zips), bounded=False)
        outside = [path for path in sandbox.rglob("*") if path.is_file() and workspace.root not in path.parents]
        for path in workspace.root.rglob("*.jpg"):
            with Image.open(path) as picture:
                picture.load()  # whatever was stored is whole
        print(f"files outside the workspace: {len(outside)}")
        merge_results("hostile_files", {"outside": {"value": len(outside), "target": "0", "command": COMMAND}})


def report(kind: str, outcomes: Counter[str], use: ChildUse, *, bounded: bool = True) -> None:
    """Print, and write."""
    crashes = {name: number for name, number in outcomes.items() if name not in ("taken", "refused")}
    print(
        f"{kind}: {dict(outcomes)}; child {use.peak_bytes / 2**20:.0f} MB, {use.seconds:.2f} s, breaches {use.breaches}"
    )
    figures: dict[str, dict[str, object]] = {
        f"{kind}": {"value": sum(outcomes.values()), "target": "", "refused": outcomes["refused"], "command": COMMAND},
        f"{kind}_crashes": {"value": sum(crashes.values()), "target": "0", "command": COMMAND},
        f"{kind}_seconds": {"value": round(use.seconds, 2), "target": "<= 5 (and 0.5 to end it)", "command": COMMAND},
    }
    if bounded:
        figures[f"{kind}_child_mb"] = {
            "value": round(use.peak_bytes / 2**20), "target": "<= 512", "ended": use.breaches, "command": COMMAND,
        }  # fmt: skip
    merge_results("hostile_files", figures)


def _told(outcomes: Counter[str], work: Callable[[], object], refusal: type[Exception]) -> None:
    """Take one file; a refusal has a sentence."""
    try:
        work()
    except refusal as exc:
        outcomes["refused" if str(exc).strip() else "without a word"] += 1
    except Exception as exc:
        outcomes[f"{type(exc).__name__}: {exc}"[:120]] += 1
    else:
        outcomes["taken"] += 1


def _pictures(workspace: Workspace, rng: Rng, number: int) -> tuple[Counter[str], ChildUse]:
    seeds, outcomes = list(_photos()), Counter[str]()
    with picture_children() as children:
        for place in range(number):
            data = _hostile_picture(seeds, rng)
            _told(
                outcomes,
                lambda data=data, place=place: store_upload(workspace, data, name=f"{place}.jpg", children=children),  # type: ignore[misc]
                ImageError,
            )
        return outcomes, children.use


def _sheets(rng: Rng, number: int) -> tuple[Counter[str], ChildUse]:
    seeds, outcomes = list(_tables()), Counter[str]()
    with sheet_children() as children:
        for place in range(number):
            data = _hostile_sheet(seeds, rng)
            _told(
                outcomes,
                lambda data=data, place=place: read_sheet(data, f"{place}.csv", children=children),  # type: ignore[misc]
                SheetError,
            )
        return outcomes, children.use


def _zips(rng: Rng, number: int) -> tuple[Counter[str], ChildUse]:
    photos, outcomes, longest = list(_photos())[:6], Counter[str](), 0.0
    for place in range(number):
        data = _hostile_zip(photos, rng)
        began = time.monotonic()
        _told(
            outcomes,
            lambda data=data, place=place: (
                [  # type: ignore[misc]
                    name for name, _ in read_archive(io.BytesIO(data), name=f"{place}.zip") if _leads_out(name)
                ]
                and 1 / 0
            ),
            ArchiveError,
        )
        longest = max(longest, time.monotonic() - began)
    return outcomes, ChildUse(0, longest, 0)


def _leads_out(name: str) -> bool:
    return name.startswith(("/", "\\")) or ".." in Path(name).parts or ":" in name


def _photos() -> Iterator[bytes]:
    """Garment photos, small, in every format, and one of a telephone."""
    files = sorted((shared_data() / "clothing" / "images").rglob("*.jpg"))[:8]
    for place, file in enumerate(files):
        with Image.open(file) as photo:
            small = photo.convert("RGB").resize((96 + 8 * place, 128))
        for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"):
            buffer = io.BytesIO()
            packing = {"compression": str(TIFF_PACKINGS[place % len(TIFF_PACKINGS)])} if kind == "TIFF" else {}
            profile = (
                {}
                if kind in ("GIF", "BMP")
                else {"icc_profile": rgb_profile([(0.64, 0.33), (0.21, 0.71), (0.15, 0.06)], 2.2)}
            )
            small.save(buffer, kind, **packing, **profile)  # type: ignore[arg-type]
            yield buffer.getvalue()
    yield (ROOT / "tests" / "fixtures" / "pictures" / "red-and-blue.heic").read_bytes()


def _tables() -> Iterator[bytes]:
    table = pd.DataFrame(
        {
            "id": [f"n{i}" for i in range(40)],
            "title": ["Robe d'été 👗", "<b>x</b>", "=1+1", "שמלה"] * 10,
            "price": range(40),
        }
    )
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1255"):
        yield table.to_csv(index=False).encode(encoding, "replace")
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    yield buffer.getvalue()
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [list(table.columns), *table.to_numpy().tolist()]:
        sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    yield buffer.getvalue()


def _mutated(seeds: list[bytes], rng: Rng) -> bytes:
    """Bits turned, a cut, a splice of two files, a run repeated, or a length overwritten."""
    data = bytearray(seeds[rng.integers(len(seeds))])
    way = rng.integers(5)
    if way == 0:
        for place in rng.integers(0, len(data), rng.integers(1, 30)):
            data[place] ^= 1 << rng.integers(8)
    elif way == 1:
        data = data[: rng.integers(0, len(data))]
    elif way == 2:
        other = seeds[rng.integers(len(seeds))]
        data = data[: rng.integers(1, len(data))] + other[rng.integers(len(other)) :]
    elif way == 3:
        start = int(rng.integers(len(data)))
        data[start:start] = data[start : start + int(rng.integers(1, 500))] * int(rng.integers(2, 200))
    else:
        start = int(rng.integers(max(1, len(data) - 8)))
        data[start : start + 4] = struct.pack(">I", int(rng.choice([0, 0xFFFFFFFF, 0x7FFFFFFF, 65535, 1 << 20])))
    return bytes(data)


def _hostile_picture(seeds: list[bytes], rng: Rng) -> bytes:
    if rng.random() < 0.85:
        return _mutated(seeds, rng)
    way = rng.integers(9)
    if way >= 6:
        return _bomb(rng, int(way))
    if way == 0:  # says it is huge
        return _png(int(rng.integers(1, 200_000)), int(rng.integers(1, 200_000)), b"")
    if way == 1:  # is huge once it is unpacked
        side = int(rng.integers(2_000, 9_000))
        return _png(side, side, zlib.compress(bytes(side * (3 * side + 1)), 9))
    if way == 2:  # a text chunk that unpacks to much
        picture = _png(8, 8, zlib.compress(bytes(8 * 25)))
        text = b"zTXt" + b"c\0\0" + zlib.compress(bytes(int(rng.integers(1, 80_000_000))))
        return (
            picture[:33] + struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text)) + picture[33:]
        )
    if way == 3:  # many frames
        buffer = io.BytesIO()
        frames = [Image.new("RGB", (64, 64), (i % 256, 0, 0)) for i in range(int(rng.integers(2, 60)))]
        frames[0].save(buffer, "WEBP" if rng.random() < 0.5 else "PNG", save_all=True, append_images=frames[1:])
        return buffer.getvalue()
    if way == 4:  # another format
        buffer = io.BytesIO()
        Image.new("RGB", (32, 32)).save(buffer, str(rng.choice(["ICO", "PPM", "TGA", "PCX"])))
        return buffer.getvalue()
    return bytes(rng.choice([b"", b"<svg onload='x'/>", b"%PDF-1.7", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP", b"GIF89a"]))


def _bomb(rng: Rng, way: int) -> bytes:
    """A small file that is a large picture, or very many."""
    side = int(rng.integers(2_000, 9_000))
    buffer = io.BytesIO()
    if way == 6:
        kind = str(rng.choice(["GIF", "TIFF", "AVIF"]))
        packing = {"compression": "tiff_lzw"} if kind == "TIFF" else {"speed": 10} if kind == "AVIF" else {}
        shape = (side // 4, side // 4) if kind == "AVIF" else (side, side)
        Image.new("L", shape).save(buffer, kind, **packing)  # type: ignore[arg-type]
        return buffer.getvalue()
    if way == 7:  # directories in a chain, or in a circle
        entry = struct.pack("<HHIHHHHIIHHIIHHII", 3, 256, 3, 1, side, 0, 257, 3, side, 273, 4, 1, 8, 279, 4, 1, 100)[
            :38
        ]
        places = [8 + 44 * place for place in range(int(rng.integers(2, 3_000)))]
        following = [*places[1:], int(rng.choice([0, 8]))]
        return b"II*\0" + struct.pack("<I", 8) + b"".join(entry + struct.pack("<IH", place, 0) for place in following)
    frames = [Image.new("P", (side // 10, side // 10), place % 256) for place in range(int(rng.integers(2, 260)))]
    frames[0].save(buffer, str(rng.choice(["GIF", "TIFF"])), save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def _png(width: int, height: int, packed: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def _hostile_sheet(seeds: list[bytes], rng: Rng) -> bytes:
    if rng.random() < 0.85:
        return _mutated(seeds, rng)
    way = rng.integers(7)
    size = int(rng.integers(1, 300))
    if way == 0:
        return b"title" + b"," * int(rng.integers(1, 1_000_000)) + b"\nx\n"
    if way == 1:
        return b"title\n" + b'"' + b"x" * size * 10_000
    if way == 2:
        return b"title,price\n" + b"a,1\n" * size * 1_000
    if way == 3:
        return bytes(rng.integers(0, 256, size * 100, dtype=np.uint8))
    if way == 4:  # entities that grow
        return _book(b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
            b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9)
        ) + b"]><worksheet><sheetData><row><c t='inlineStr'><is><t>&j;</t></is></c></row></sheetData></worksheet>")  # fmt: skip
    if way == 5:  # a sheet that unpacks to much
        return _book(b"<worksheet><sheetData>" + b" " * size * 1_000_000 + b"</sheetData></worksheet>")
    return _book(b"<worksheet><sheetData><row r='1'><c r='XFD1048576'><f>1/0</f></c></row></sheetData></worksheet>")


def _book(sheet: bytes) -> bytes:
    """A workbook with this XML for its sheet."""
    book = openpyxl.Workbook()
    whole, swapped = io.BytesIO(), io.BytesIO()
    book.save(whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(swapped, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, sheet if name == "xl/worksheets/sheet1.xml" else old.read(name))
    return swapped.getvalue()


def _hostile_zip(photos: list[bytes], rng: Rng) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, photo in enumerate(photos):
            archive.writestr(f"{place}.jpg", photo)
        way = rng.integers(8)
        if way == 0:
            archive.writestr("bomb.jpg", bytes(int(rng.integers(1, 60)) * 1_000_000))
        elif way == 1:
            archive.writestr(
                str(rng.choice(["../x.jpg", "/x.jpg", "a/../../x.jpg", "C:\\x.jpg", "..\\x.jpg", "a\0b.jpg"])),
                photos[0],
            )
        elif way == 2:
            link = zipfile.ZipInfo("link.jpg")
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, "/etc/passwd")
        elif way == 3:
            inner = io.BytesIO()
            with zipfile.ZipFile(inner, "w") as nested:
                nested.writestr("x.jpg", bytes(1_000_000))
            archive.writestr("inner.zip", inner.getvalue())
            archive.writestr("inner.jpg", inner.getvalue())
        elif way == 4:
            for place in range(int(rng.integers(1, 3_000))):
                archive.writestr(f"many/{place}", b"")
        elif way == 5:
            archive.writestr("x" * int(rng.integers(1, 60_000)) + ".jpg", photos[0])
    data = buffer.getvalue()
    return _mutated([data], rng) if way > 5 or rng.random() < 0.3 else data


if __name__ == "__main__":
    main()
