"""One release, open for reading: neighbours, recommendations, and products nobody has seen."""
