"""Products on screen: browse, search, forms, changes, drafts and collections."""
