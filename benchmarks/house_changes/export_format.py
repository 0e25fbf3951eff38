"""A table is written in the new format, and the command line knows its ending."""

import tempfile
from pathlib import Path

import pandas as pd

from engine.core.exports import FORMATS, write_table

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "table.tsv"
    write_table(pd.DataFrame({"item_id": ["a"], "rank": [1]}), file)
    assert file.read_text() == "item_id\trank\na\t1\n"
    assert "TSV" in [one.name for one in FORMATS]
