"""Products of the shop with another picture or text."""
