"""New products: kept as drafts, served once approved."""
