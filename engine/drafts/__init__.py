"""Products that are not in the catalogue yet: kept, approved, served, and taken in by the next training."""
