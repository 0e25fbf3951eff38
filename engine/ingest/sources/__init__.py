"""A shop's own files, whatever their form -> staged Parquet with numbered rows and columns by position."""

from engine.ingest.sources.staging import Source, stage
from engine.ingest.sources.tables import ROW, FileForm

__all__ = ["ROW", "FileForm", "Source", "stage"]
