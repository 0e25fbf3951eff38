"""The arms: which vectors each one searches with and among."""
