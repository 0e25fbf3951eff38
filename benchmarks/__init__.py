"""Figures anyone can repeat."""
