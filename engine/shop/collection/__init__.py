"""A collection of new products: a sheet and pictures, read without trust, checked row by row."""
