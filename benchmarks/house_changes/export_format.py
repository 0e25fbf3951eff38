"""A table is written in the new format."""

import tempfile
from pathlib import Path

import pandas as pd

from engine.core.exports import write_table

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "table.html"
    write_table(pd.DataFrame({"a": [1]}), file)
    assert "<table" in file.read_text("utf-8")
