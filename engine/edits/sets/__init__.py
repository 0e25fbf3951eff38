"""Sets: products that somebody wants to find again."""
