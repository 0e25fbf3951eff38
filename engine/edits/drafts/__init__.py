"""New products: stored as drafts, served once approved."""
