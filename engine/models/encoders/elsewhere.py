"""Encoding by workers elsewhere: distinct texts, and the bytes of distinct pictures, which the workers need not have.

Parts are sent some at a time, so neither all texts nor all pictures are ever held by whoever sends them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from engine.core.reading import open_regular
from engine.core.workers import Workers
from engine.core.workspace import Workspace
from engine.models.encoders.base import ContentEncoder

__all__ = ["encode_elsewhere"]

OF_A_PART = {"text": 2_000, "image": 64}
"""Contents in a part, by modality."""
PARTS_AT_ONCE = 48

Part = tuple[list[str], list[bytes]]
"""Contents, and the files of the pictures that they name; none of texts."""


def encode_elsewhere(
    encoder: ContentEncoder,
    contents: Sequence[str],
    workspace: Workspace,
    progress: Callable[[int], None],
    some: Workers,
) -> np.ndarray:
    """What `encoder.encode_contents` gives, (len(contents), dim) float32; contents of about one length are encoded together."""
    size = OF_A_PART[encoder.modality]
    order = sorted(range(len(contents)), key=lambda row: len(contents[row]))
    wave = size * PARTS_AT_ONCE
    vectors = np.zeros((len(contents), encoder.dim), dtype=np.float32)
    for start in range(0, len(order), wave):
        rows = [order[first : first + size] for first in range(start, min(start + wave, len(order)), size)]
        held = some.hold([_part(encoder, [contents[row] for row in part], workspace) for part in rows])
        for part, found in zip(rows, held.each(_encoded, encoder), strict=True):
            vectors[part] = found
        progress(min(start + wave, len(order)))
    return vectors


def _part(encoder: ContentEncoder, contents: list[str], workspace: Workspace) -> Part:
    if encoder.modality != "image":
        return contents, []
    files = []
    for image in contents:
        with open_regular(workspace.image_file(image)) as stream:
            files.append(stream.read())
    return contents, files


def _encoded(part: Part, encoder: ContentEncoder) -> np.ndarray:
    """Run by a worker, in a workspace of its own that holds the part's pictures."""
    contents, files = part
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        for image, data in zip(contents, files, strict=False):
            file = workspace.image_file(image)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        return encoder.encode_contents(contents, workspace, lambda done: None)
