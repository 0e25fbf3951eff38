"""Longtail's engine: from a shop's files to similar items and people's judgements of them. Knows nothing of screens."""

__version__ = "0.2.0"
__all__ = ["__version__"]
