"""Small changes, as patches, each with a proof that it works: `benchmarks.house_touched` counts the files they touch."""
