"""Finding products by words: an index of the catalogue, and facets of what was found."""
