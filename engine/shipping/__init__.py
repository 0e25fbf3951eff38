"""Releases for other machines: copied to an object store or a disk with what they show, and taken from there."""
