"""Judging on screen: the Review component, its routes, flags, and rates by campaign."""
