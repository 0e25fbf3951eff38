"""Rates of irrelevance: how they are counted, weighted, sampled for and planned."""
