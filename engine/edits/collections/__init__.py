"""Many new products at once, from a sheet and pictures."""
