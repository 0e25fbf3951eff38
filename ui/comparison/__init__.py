"""Before and after: lists beside each other, what improved, and pictures and reports of it."""
