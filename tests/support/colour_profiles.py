"""Small ICC profiles (version 2) whose colours are known: by primaries and gamma, in grey, and for four inks."""

from __future__ import annotations

import itertools
import struct

import numpy as np

__all__ = ["D50", "grey_profile", "ink_profile", "rgb_matrix", "rgb_profile"]

D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D65 = np.array([0.9504, 1.0, 1.0888])


def rgb_matrix(primaries: list[tuple[float, float]]) -> np.ndarray:
    """(3, 3): linear red, green and blue of these chromaticities, white D65 -> XYZ adapted to D50."""
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    matrix = columns * np.linalg.solve(columns, _D65)
    scale = np.diag((_BRADFORD @ D50) / (_BRADFORD @ _D65))
    return np.asarray(np.linalg.inv(_BRADFORD) @ scale @ _BRADFORD @ matrix)


def rgb_profile(primaries: list[tuple[float, float]], gamma: float, name: str = "test") -> bytes:
    matrix = rgb_matrix(primaries)
    tags = {f"{letter}XYZ".encode(): _xyz(matrix[:, place]) for place, letter in enumerate("rgb")}
    return _profile(b"RGB ", b"XYZ ", tags | {f"{letter}TRC".encode(): _curve(gamma) for letter in "rgb"}, name)


def grey_profile(gamma: float) -> bytes:
    return _profile(b"GRAY", b"XYZ ", {b"kTRC": _curve(gamma)}, "grey")


def ink_profile() -> bytes:
    """Cyan, magenta, yellow and black to Lab: full black is black, no ink white, full cyan L=50, and so for all corners."""
    table = bytearray()
    for cyan, magenta, yellow, black in itertools.product((0, 1), repeat=4):
        light = 0 if black else 100 - 50 * bool(cyan or magenta or yellow)
        green_red = 0 if black else -40 * cyan + 60 * magenta
        blue_yellow = 0 if black else -40 * cyan + 60 * yellow
        table += bytes((round(light * 2.55), 128 + green_red, 128 + blue_yellow))
    ramp = bytes(range(256))
    lut = (
        b"mft1"
        + bytes(4)
        + bytes((4, 3, 2, 0))
        + b"".join(struct.pack(">i", 65536 * (place % 4 == 0)) for place in range(9))
    )
    return _profile(b"CMYK", b"Lab ", {b"A2B0": lut + ramp * 4 + bytes(table) + ramp * 3}, "inks", b"prtr")


def _profile(space: bytes, connection: bytes, tags: dict[bytes, bytes], name: str, kind: bytes = b"mntr") -> bytes:
    text = name.encode() + b"\0"
    description = b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)
    tags = {b"desc": description, b"cprt": b"text" + bytes(4) + b"none\0", b"wtpt": _xyz(D50), **tags}
    table, body, place = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        padded = data + bytes(-len(data) % 4)
        table += tag + struct.pack(">II", place + len(body), len(data))
        body += padded
    head = struct.pack(
        ">I4sI4s4s4s12s4s4sI4s4sQI12s4s", 128 + len(table) + len(body), b"", 0x02400000, kind, space, connection,
        struct.pack(">6H", 2026, 1, 1, 0, 0, 0), b"acsp", b"", 0, b"", b"", 0, 0, _fixed(D50), b"",
    )  # fmt: skip
    return head.ljust(128, b"\0") + table + body


def _xyz(values: np.ndarray) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(values)


def _fixed(values: np.ndarray) -> bytes:
    return struct.pack(">3i", *(round(float(value) * 65536) for value in values))


def _curve(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
