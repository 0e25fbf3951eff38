"""Changes whose files are counted, and the proof that each works (see `benchmarks.house_touched`)."""
