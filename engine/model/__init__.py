"""From shop data to item vectors."""
